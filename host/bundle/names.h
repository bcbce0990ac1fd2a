// bundle: what the files of a bundle may be called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace acp::bundle {

inline constexpr std::string_view manifest_name = "manifest.yaml";
inline constexpr std::string_view signature_name = "manifest.sig";
inline constexpr std::string_view library_name = "plugin.so";

inline constexpr std::int64_t most_bundle_bytes = std::int64_t{512} << 20;
inline constexpr std::int64_t most_manifest_bytes = std::int64_t{256} << 10;
inline constexpr std::int64_t most_signature_bytes = std::int64_t{64} << 10;
/// manifest.yaml and manifest.sig included; as many folders again.
inline constexpr std::size_t most_files = 1000;
inline constexpr int most_depth = 4;  ///< of a name, in segments

/// "" for a name that a bundle's file may have, otherwise what is wrong with
/// it: it must be relative, of printable ASCII without "\", at most 255
/// characters, with at most most_depth segments, none empty, "." or "..".
std::string name_fault(std::string_view name);

}  // namespace acp::bundle
