// local supervisor: how a forked process becomes the command that was asked for.
#pragma once

#include <string>

#include "run_file.h"

namespace acp::local {

/// Turns this process into `launch`: standard streams from the three
/// descriptors, every other one closed on exec, default signals, death with
/// `parent`. With `launch.terminal` it leads a session of its own whose
/// terminal is `in`; otherwise it leads a process group. Returns only when
/// that failed, with a sentence that names the path and the errno text.
std::string become(const Launch& launch, int in, int out, int err, ::pid_t parent);

}  // namespace acp::local
