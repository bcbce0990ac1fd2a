// state: the backend in PostgreSQL, shared by all replicas.
#pragma once

#include <memory>
#include <string>

#include "state/backend.h"

namespace acp::state {

/// Does not connect yet. The tables, named acp_state_*, are made in the first
/// schema of the user's search path unless they are there. They are logged ones:
/// unlogged tables are emptied by a crash and missing on a standby, which would
/// end every session at a failover; that a commit is not synced (synchronous_commit
/// is off) is what makes writes cheap, and costs the last moments at a crash.
/// A server that is not on this host must prove who it is (sslmode=verify-full)
/// unless the URL says otherwise. Needs a connection of its own: session pooling.
Result<std::unique_ptr<Backend>> postgresql_backend(std::string url);

}  // namespace acp::state
