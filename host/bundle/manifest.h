// bundle: manifest.yaml, what a bundle says about itself and holds.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace acp::bundle {

struct ManifestFile {
    std::string sha256;     ///< 64 digits of lower-case hex
    std::int64_t size = 0;  ///< bytes
    bool is_exec = false;
    bool operator==(const ManifestFile&) const = default;
};

struct Abi {
    std::int64_t major = 1;
    std::int64_t minor_built = 0;
    std::int64_t minor_required = 0;
    bool operator==(const Abi&) const = default;
};

struct Platform {
    std::string os = "linux";
    std::string arch;  ///< x86_64 or aarch64
    std::string libc = "glibc";
    std::string libc_min;  ///< MAJOR.MINOR
    bool operator==(const Platform&) const = default;
};

struct Manifest {
    std::string id;       ///< labels of [a-z0-9-] with dots between, at most 64 characters
    std::string version;  ///< semantic
    std::string vendor;
    Abi abi;
    Platform platform;
    std::vector<std::string> interfaces;
    /// Every file but manifest.yaml and manifest.sig, by its name. plugin.so is
    /// there and executable.
    std::map<std::string, ManifestFile> files;
    bool operator==(const Manifest&) const = default;
};

/// Reads a whole manifest strictly. The error lists every mistake as
/// "source:line:column: key a.b: what is wrong". `text` has at most
/// most_manifest_bytes. [any-thread]
Result<Manifest> read_manifest(std::string_view text, const std::string& source);

/// The same manifest gives the same bytes, and read_manifest reads them back.
std::string write_manifest(const Manifest& manifest);

/// The schema of manifest.yaml.
std::string_view manifest_schema_text() noexcept;

/// Whether `id` can name a plugin.
bool is_plugin_id(std::string_view id) noexcept;

}  // namespace acp::bundle
