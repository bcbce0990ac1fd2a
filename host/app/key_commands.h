// app: the commands `alphaswarm-cp keys ...`: the keys that the server signs
// tokens with.
#pragma once

#include "app/command.h"

namespace acp::app {

CommandGroup add_key_commands(CLI::App& app);

}  // namespace acp::app
