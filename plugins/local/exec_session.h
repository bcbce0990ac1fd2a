// local: one command run inside a workload, as a stream.
#pragma once

#include "alphaswarm-cp/sdk/provider.hpp"
#include "run_file.h"
#include "sessions.h"

namespace acp::local {

/// Starts `launch` (complete with executable and argv) through the supervisor
/// program, on the calling thread, which must be the one that runs the body:
/// the command dies with it. Throws sdk::Failure when it cannot be started.
/// The body ends when the command has; it is killed when the stream closes or
/// the deadline of `call` passes.
Sessions::Body start_exec(const sdk::Call& call, Launch launch, const sdk::ExecRequest& request,
                          const std::string& supervisor_path);

}  // namespace acp::local
