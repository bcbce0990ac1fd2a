// app: the commands `alphaswarm-cp jwt ...`: the server's verdict on a token,
// for who wants to know why it is refused.
#pragma once

#include "app/command.h"

namespace acp::app {

CommandGroup add_jwt_commands(CLI::App& app);

}  // namespace acp::app
