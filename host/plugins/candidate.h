// plugins: a path in a plugin folder, judged before any of its code runs.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/fault.h"
#include "bundle/open.h"

namespace acp::plugins {

/// By what plugins are judged, and where their private copies lie.
struct Intake {
    bundle::Policy policy = bundle::Policy::any;
    std::filesystem::path trust_keys, lock;
    std::filesystem::path store;   ///< of bundles
    std::filesystem::path copies;  ///< of bare shared objects; empty: they are loaded where they are
};

struct Candidate {
    std::filesystem::path path;     ///< as it was found
    std::filesystem::path library;  ///< what to load: of a bundle its copy in the store
    std::string sha256;             ///< of the manifest, or of the bare file
    std::optional<bundle::Manifest> manifest;  ///< of a bundle
    std::vector<std::string> keys;  ///< that vouch for it
    std::optional<Fault> fault;     ///< why it is not to be loaded
};

/// Keys and lock are read anew, so that one that was mended counts. Blocking.
bundle::Trust trust_of(const Intake& intake);
Candidate judge(const std::filesystem::path& path, const Intake& intake, const bundle::Trust& trust);

}  // namespace acp::plugins
