// app: the command line. Exit codes: 0 ok, 1 failure, 2 usage, 4 a token
// that is not believed.
#pragma once

namespace acp::app {

int run_command_line(int argc, char** argv);

}  // namespace acp::app
