// local: starting the supervisor program, from a process with many threads.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "files.h"

namespace acp::local {

struct Spawned {
    ::pid_t pid = 0;
    Fd handle;  // pidfd: readable once it has ended, and immune to reuse of the pid
};

/// Starts argv[0] in a session of its own, with no environment but a PATH, where
/// needed LD_LIBRARY_PATH with the folder of the libraries that this code itself
/// runs with, and no descriptors but `fds`: fds[i] becomes descriptor i, -1 becomes /dev/null.
/// The caller owns the child and must reap it. Throws std::system_error.
Spawned spawn_program(const std::vector<std::string>& argv, const std::vector<int>& fds);

/// A handle of a running process; empty when there is none.
Fd open_process(::pid_t pid) noexcept;
bool signal_process(const Fd& handle, int number) noexcept;
/// Reaps a child that has ended; false when it still runs. A process that is
/// no child of ours counts as reaped.
bool reap(const Fd& handle) noexcept;

}  // namespace acp::local
