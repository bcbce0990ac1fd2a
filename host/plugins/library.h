// plugins: one shared object, from file to running code.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "alphaswarm-cp/plugin.h"
#include "plugins/record.h"

namespace acp::plugins {

/// What loading takes beside the file.
struct LoadOptions {
    /// Where a copy of the checked bytes is made and loaded from, by content, so
    /// that whoever changes the file later changes no running code. Empty: the file itself is loaded.
    std::filesystem::path store;
    /// Which copy of the same bytes: the loader gives one file's code only once, so a
    /// plugin that comes back after others takes another copy.
    std::uint32_t copy = 0;
    std::filesystem::path quarantine;           ///< empty: none
    std::chrono::milliseconds patience{30'000}; ///< a plugin's function that takes longer is given up
};

/// A loaded plugin. Never unloaded: destroying this calls `deinit`, the code
/// stays mapped (see the policy in alphaswarm-cp/plugin.h).
class Library {
public:
    /// Checks the file before any of its code runs (kind, owner, mode, entry
    /// symbol), loads it with RTLD_NOW | RTLD_LOCAL, checks the entry, calls
    /// `init`. Fills `record` in either case; null when it failed.
    static std::shared_ptr<const Library> load(const std::filesystem::path& path, const acp_host& host,
                                               const LoadOptions& options, Record& record);
    /// SHA-256 of the file in hex, empty when it cannot be read.
    static std::string content_of(const std::filesystem::path& path);
    ~Library();
    /// Calls `deinit` now, if it has not been called.
    void end() const;
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    const acp_plugin_entry& entry() const noexcept { return entry_; }
    const std::string& directory() const noexcept { return directory_; }
    /// The plugin's table for an interface id, or null.
    const void* interface(std::string_view iid) const noexcept;

private:
    Library(acp_plugin_entry entry, std::string directory) : entry_(entry), directory_(std::move(directory)) {}
    acp_plugin_entry entry_;
    std::string directory_;
    mutable std::once_flag ended_;
};

using LibraryPtr = std::shared_ptr<const Library>;

/// Interface ids this host knows of, real ones first.
const std::vector<std::string_view>& known_interfaces();

}  // namespace acp::plugins
