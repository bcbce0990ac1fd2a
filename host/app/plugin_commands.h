// app: the commands `alphaswarm-cp plugin ...`. None of them runs code of a
// plugin.
#pragma once

#include "app/command.h"

namespace acp::app {

/// Adds the group with list, inspect, verify, lock, bundle and keygen. Another
/// file adds a command of its own with
///     auto* command = plugins.group->add_subcommand(...);
///     plugins.add(command, [options] { return exit_code; });
CommandGroup add_plugin_commands(CLI::App& app);

/// The vendor's side of add_plugin_commands: bundle and keygen.
void add_bundle_commands(CommandGroup& plugins);

}  // namespace acp::app
