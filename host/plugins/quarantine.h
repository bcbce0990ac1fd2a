// plugins: what took the server down while it was loaded is not loaded again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/fault.h"
#include "base/unique_fd.h"

namespace acp::plugins {

/// One small file a plugin, by its content, written before its code runs and
/// removed once it has been loaded. A start that finds one knows how the last
/// attempt ended: by a signal of the code's own making (then the plugin is in
/// quarantine at once), by exit(), or unexplained, as by SIGKILL or a power cut
/// (then it takes three in a row).
class Quarantine {
public:
    explicit Quarantine(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Why a plugin of this content is not to be loaded; nothing if it may be.
    std::optional<Fault> judge(const std::string& sha256) const;

    /// Lasts from before a plugin's first instruction until it is loaded or
    /// refused. One at a time in the process.
    class Watch {
    public:
        Watch(const Quarantine& quarantine, const std::string& sha256, const std::string& path);
        ~Watch();
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;

    private:
        std::filesystem::path file_;
        UniqueFd fd_;
    };

private:
    friend class Watch;
    std::filesystem::path file_of(const std::string& sha256) const { return folder_ / (sha256 + ".loading"); }
    std::filesystem::path folder_;
};

}  // namespace acp::plugins
