// bundle: the way from a path to a plugin that may be loaded. Everything about
// a bundle is verified before any of its code runs, and what is loaded are the
// very bytes that were verified: a private copy.
//
//     auto trust = bundle::load_trust(*bundle::parse_policy(config.plugins.trust),
//                                     config.plugins.trust_keys, config.plugins.lock);
//     for (const auto& path : bundle::found_in(directory)) {   // bundle/found.h
//         if (bundle::form_of(path) == bundle::Form::library) {
//             if (auto fault = bundle::refuse_bare(path, trust.policy)) ...refused
//             ...load `path` itself
//         } else {
//             auto opened = bundle::open_bundle(path, trust, config.plugins.store);
//             if (opened.fault) ...refused
//             ...load opened.library; id and version of its entry must be the manifest's
//         }
//     }
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "bundle/lock.h"
#include "bundle/manifest.h"
#include "bundle/platform.h"
#include "bundle/trust_keys.h"

namespace acp::bundle {

/// From the widest to the tightest: a < b is wider.
enum class Policy : std::uint8_t {
    any,        ///< every plugin
    is_signed,  ///< bundles signed by a trusted key for their id
    is_locked,  ///< signed bundles that the lock pins
};

/// "any", "signed" or "locked".
std::optional<Policy> parse_policy(std::string_view word);
std::string_view word_of(Policy policy) noexcept;

/// What plugins are measured by. Immutable once loaded; [any-thread].
struct Trust {
    Policy policy = Policy::any;
    TrustKeys keys;
    Lock lock;
    std::string lock_problem;  ///< why there is no lock; empty: there is one
    Host host = this_host();
};

/// Reads keys and lock from where they are. What is wrong with them is told
/// with each plugin that needs them, so this does not fail. Blocking.
Trust load_trust(Policy policy, const std::filesystem::path& keys_folder, const std::filesystem::path& lock_file);

/// A bundle after it was judged.
struct Opened {
    std::filesystem::path path;
    std::optional<Manifest> manifest;  ///< once it could be read, also of a refused bundle
    std::string sha256;                ///< of manifest.yaml, lower-case hex; with `manifest`
    std::vector<std::string> keys;     ///< trusted keys that vouch for it; may be empty under Policy::any
    std::filesystem::path folder;      ///< in the store; only from open_bundle and without fault
    std::filesystem::path library;     ///< plugin.so in `folder`
    bool was_mended = false;           ///< the store held an entry that was tampered with; log it
    /// Why the bundle is refused; its message names path and id. Stages: file,
    /// manifest, abi, trust, lock.
    std::optional<Fault> fault;
};

/// Judges a bundle folder or an .acpb file and writes nothing. [any-thread] Blocking.
Opened verify_bundle(const std::filesystem::path& path, const Trust& trust);

/// As verify_bundle, and puts a good bundle into the store, whose entry is
/// verified too when it is there already. [any-thread] Blocking.
Opened open_bundle(const std::filesystem::path& path, const Trust& trust, const std::filesystem::path& store);

/// Why a bare .so may not be loaded under `policy`: nothing vouches for it.
std::optional<Fault> refuse_bare(const std::filesystem::path& path, Policy policy);

}  // namespace acp::bundle
