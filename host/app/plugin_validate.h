// app: `plugin validate`, the conformance checks over one plugin, made in a
// process of their own so that nothing the plugin does reaches this one.
#pragma once

#include <optional>

#include <CLI/CLI.hpp>

namespace acp::app {

/// Adds `validate`, and the hidden command that its child runs. `exit_code` is
/// set once one of them ran: 0 conformant, 1 not.
void add_validate(CLI::App& plugin_group, std::optional<int>& exit_code);

}  // namespace acp::app
