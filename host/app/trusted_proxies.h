// app: who is believed about where requests come from.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "dispatch/client_address.h"

namespace acp::app {

/// server.trusted_proxies. The error's violations name file, line and key.
Result<dispatch::TrustedProxies> trusted_proxies(const config::Config& config);

}  // namespace acp::app
