// state: the backend in a SQLite file. Survives a restart; replicas on one
// machine may share it.
#pragma once

#include <filesystem>
#include <memory>

#include "state/backend.h"

namespace acp::state {

/// The file is made, mode 0600, with the first call that finds none. A commit is
/// not synced to the disk: when the power fails, the last moments may be lost.
/// What was made then is gone, and what was removed then may be back until it
/// expires. When only the process dies, nothing is lost.
std::unique_ptr<Backend> sqlite_backend(std::filesystem::path file, Clock clock = system_clock());

}  // namespace acp::state
