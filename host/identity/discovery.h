// identity: what an issuer publishes about itself (OpenID Connect Discovery 1.0,
// RFC 8414).
#pragma once

#include <string>

#include "base/result.h"
#include "identity/fetch.h"
#include "json/json.h"

namespace acp::identity {

/// <issuer>/.well-known/openid-configuration, or when there is none
/// /.well-known/oauth-authorization-server before the issuer's path (RFC 8414
/// section 3.1). Its `issuer` is `issuer` byte for byte. [may-block]
Result<json::Object::Ptr> discover(const std::string& issuer, const std::string& ca_file, const Fetch& fetch);

/// The document's jwks_uri, once check_key_url has nothing against it.
Result<std::string> jwks_url_of(const json::Object::Ptr& document, const std::string& issuer);

}  // namespace acp::identity
