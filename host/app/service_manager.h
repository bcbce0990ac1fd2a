// app: what systemd, or a manager that speaks its protocols, gives and is told:
// sd_listen_fds(3) and sd_notify(3). Both are a few lines over environment
// variables and one datagram; libsystemd would bring compression libraries
// into the process for them.
#pragma once

#include <string_view>
#include <vector>

namespace acp::app {

/// Listening sockets that the process was started with, in their order; empty
/// without activation. Takes the variables out of the environment, so that no
/// child mistakes them for its own.
std::vector<int> inherited_sockets();

/// Sends `state` ("READY=1", lines) where NOTIFY_SOCKET says; does nothing
/// without it. Failing to is not an error: the manager has its own time limit.
void notify_service_manager(std::string_view state) noexcept;

}  // namespace acp::app
