// auth: what clients need to find and check everything else: metadata (OpenID
// Connect Discovery 1.0, RFC 8414) and keys (RFC 7517).
#pragma once

#include <string>
#include <vector>

#include "auth/services.h"
#include "http/response.h"
#include "plugins/auth_step.h"
#include "wire/exchange.h"

namespace acp::auth {

/// The document of all discovery paths; `endpoints` are those of the flows. Empty while the issuer
/// is no URL that ends in "/auth": then there is nothing that clients could discover.
std::string metadata_json(const Settings& settings, const std::vector<plugins::AuthEndpoint>& endpoints);

/// 200, or 404 with a problem that names the key to set. [must-not-block]
http::Response metadata_response(const Services& services, const std::vector<plugins::AuthEndpoint>& endpoints, const wire::RequestView& request);

/// The published keys. [must-not-block]
http::Response keys_response(const Services& services);

}  // namespace acp::auth
