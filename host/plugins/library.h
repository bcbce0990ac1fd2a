// plugins: one shared object, from file to running code.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "alphaswarm-cp/plugin.h"
#include "plugins/record.h"

namespace acp::plugins {

/// A loaded plugin. Never unloaded: destroying this calls `deinit`, the code
/// stays mapped (see the policy in alphaswarm-cp/plugin.h).
class Library {
public:
    /// Checks the file before any of its code runs (kind, owner, mode, entry
    /// symbol), loads it with RTLD_NOW | RTLD_LOCAL, checks the entry, calls
    /// `init`. Fills `record` in either case; null when it failed.
    static std::unique_ptr<Library> load(const std::filesystem::path& path, const acp_host& host, Record& record);
    ~Library();
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
};

/// Interface ids this host knows of, real ones first.
const std::vector<std::string_view>& known_interfaces();

}  // namespace acp::plugins
