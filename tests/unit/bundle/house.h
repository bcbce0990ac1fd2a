// What tests of bundles share: folders, keys, and bundles to spoil.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "bundle/open.h"
#include "bundle/signing.h"

namespace acp::bundle::test {

namespace fs = std::filesystem;

class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

/// Replaces the file; 0644 whatever the umask. Makes its folders, 0755.
fs::path put(const fs::path& file, std::string_view bytes, int mode = 0644);
std::string contents(const fs::path& file);

/// A key and what its file says.
struct Key {
    tls::KeyPtr secret;
    std::string id;
    std::string pem;  ///< of the public key, without the line before it

    Key();
    std::string trusted_for(const std::string& prefixes) const {
        return "Plugin-Id-Prefixes: " + prefixes + "\n" + pem;
    }
};

/// A bundle that is good until a test spoils it.
struct Sample {
    Manifest manifest;
    std::map<std::string, std::string> files;  ///< without manifest.yaml and manifest.sig

    Sample();
    /// The manifest's text with the digests of the files as they are now.
    std::string manifest_text();
    /// All files by name, signed when there is a key.
    std::map<std::string, std::string> all(const Key* key);
    /// As a folder.
    void write(const fs::path& folder, const Key* key);
};

/// One header and its bytes, padded, as a ustar writer makes them.
struct TarEntry {
    std::string name;
    std::string bytes;
    char type = '0';
    std::string link;
};
std::string tar_entry(const TarEntry& entry);
/// The entries and the end mark.
std::string tar(const std::vector<TarEntry>& entries);
std::string tar(const std::map<std::string, std::string>& files);

/// Trust of `key` for "com.example", from a folder of its own.
Trust trust_in(const Key& key, Policy policy, const fs::path& folder, const std::string& prefixes = "com.example");

}  // namespace acp::bundle::test
