// client: acp.host.http_client/1, what plugins get of it.
#pragma once

#include "alphaswarm-cp/host/http_client.h"

namespace acp::client {

/// Static storage; any thread.
const acp_host_http_client* http_client_table() noexcept;

}  // namespace acp::client
