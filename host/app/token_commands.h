// app: the commands `alphaswarm-cp token ...`.
#pragma once

#include "app/command.h"

namespace acp::app {

/// mint signs a token with the server's key; inspect shows what a token says.
CommandGroup add_token_commands(CLI::App& app);

}  // namespace acp::app
