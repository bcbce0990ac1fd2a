// app: the commands `alphaswarm-cp auth ...`: a person and a server that runs elsewhere.
#pragma once

#include "app/command.h"

namespace acp::app {

CommandGroup add_auth_commands(CLI::App& app);

}  // namespace acp::app
