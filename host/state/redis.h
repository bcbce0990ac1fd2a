// state: the backend in Redis, shared by all replicas. Needs version 6.2.
#pragma once

#include <memory>

#include "state/backend.h"
#include "state/redis_url.h"

namespace acp::state {

/// Reads the files of a rediss URL, but does not connect yet. Every key begins with
/// `{alphaswarm-cp}`, so that all are in one slot of a cluster; a server that
/// answers MOVED is not followed.
Result<std::unique_ptr<Backend>> redis_backend(RedisUrl url);

}  // namespace acp::state
