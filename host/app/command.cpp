#include "app/command.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "config/load.h"

namespace acp::app {

int fail_with(const Error& error) {
    std::cerr << "alphaswarm-cp: " << config::describe(error) << "\n";
    return kFailure;
}

Result<config::Config> load(const Common& common, const std::string& listen) {
    config::Overrides overrides;
    if (!listen.empty()) overrides.listen = listen;
    if (!common.data_dir.empty()) overrides.data_dir = common.data_dir;
    return config::load(common.config, overrides);
}

void add_common(CLI::App& command, Common& common) {
    command.add_option("--config", common.config, "Configuration file")->capture_default_str();
    command.add_option("--data-dir", common.data_dir, "Holds all state; stronger than data_dir of the file");
}

std::optional<int> CommandGroup::run() const {
    for (const auto& [command, body] : commands)
        if (command->parsed()) return body();
    return {};
}

}  // namespace acp::app
