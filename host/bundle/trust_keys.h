// bundle: the public keys that may sign plugins, each for the ids that its file
// names.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tls/handle.h"

namespace acp::bundle {

/// The line of explanatory text (RFC 7468 section 2) before the PEM block.
inline constexpr std::string_view prefixes_field = "Plugin-Id-Prefixes:";

struct TrustKey {
    std::string id;  ///< key_id()
    std::filesystem::path file;
    std::vector<std::string> prefixes;  ///< whole labels, without a dot at the end; at least one
    tls::KeyPtr key;

    /// Whether this key may vouch for a plugin.
    bool covers(std::string_view plugin_id) const noexcept;
};

/// A folder of keys. Immutable after load; [any-thread].
struct TrustKeys {
    std::filesystem::path folder;
    std::vector<TrustKey> keys;
    /// Files that give no key, and why, one whole sentence each: they vouch for
    /// nothing, and the other keys stand.
    std::vector<std::string> refused;

    const TrustKey* find(std::string_view id) const noexcept;
};

/// Reads every *.pem of `folder`. A folder that is missing or exposed gives no
/// key and one refusal. Blocking.
TrustKeys load_trust_keys(const std::filesystem::path& folder);

/// One file's text as a key. `file` is its name in messages.
Result<TrustKey> read_trust_key(std::string_view text, const std::filesystem::path& file);

/// "com.example., org.example.thing" as prefixes.
Result<std::vector<std::string>> read_prefixes(std::string_view list);

}  // namespace acp::bundle
