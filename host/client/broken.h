// client: what a connection that ended in TLS has to say.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "wire/connection.h"

namespace acp::client {

/// Nothing when TLS has no complaint. `upstream_untrusted` when the peer would not
/// have our certificate, which TLS 1.3 tells only after the handshake (RFC 8446
/// section 4.4.2.4).
std::optional<Error> broken_in_tls(const wire::Connection& connection, const std::string& place);

}  // namespace acp::client
