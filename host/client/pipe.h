// client: the connection as a raw byte pipe, after an upgrade.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "client/connection.h"
#include "client/exchange.h"

namespace acp::client {

/// Moves bytes both ways until the peer closes. `early` came in with the head.
Result<void> run_pipe(Connection& connection, std::string_view early, const Handlers& handlers,
                      std::uint64_t max_body_bytes, const Bounds& bounds);

}  // namespace acp::client
