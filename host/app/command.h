// app: what all commands share.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace CLI {
class App;
}

namespace acp::app {

constexpr int kOk = 0;
constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kAuth = 4;
constexpr int kDenied = 5;
constexpr int kTimeout = 7;

/// Where the file is looked for when --config is not given.
constexpr const char* kDefaultConfig = "/etc/alphaswarm-cp/alphaswarm-cp.yaml";

struct Common {
    std::string config = kDefaultConfig;
    std::string data_dir;
};

void add_common(CLI::App& command, Common& common);
Result<config::Config> load(const Common& common, const std::string& listen = {});

/// Tells the error on standard error; kFailure.
int fail_with(const Error& error);

/// Commands below one word: `plugin list`, `plugin verify`.
struct CommandGroup {
    CLI::App* group = nullptr;
    /// Adds a command to `group` that runs `body` for its exit code. The body
    /// owns what the options are bound to.
    void add(CLI::App* command, std::function<int()> body) { commands.emplace_back(command, std::move(body)); }
    /// The exit code of the command that was parsed; nothing when none was.
    std::optional<int> run() const;

    std::vector<std::pair<CLI::App*, std::function<int()>>> commands;
};

}  // namespace acp::app
