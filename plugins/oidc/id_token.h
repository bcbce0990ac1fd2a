// oidc: ID tokens (OpenID Connect Core 2, 3.1.3.7). Signature, issuer, audience, nonce and
// times are the host's; the rest is here.
#pragma once

#include <cstdint>
#include <string>

#include "alphaswarm-cp/sdk/auth_flow.hpp"
#include "oidc/provider.h"
#include "oidc/token_answer.h"

namespace acp::oidc {

/// How far a provider's clock may be ahead, in seconds.
inline constexpr std::int64_t kLeewaySeconds = 60;

/// The header of a compact JWS that nobody has checked yet; null when malformed.
flow::Json unproven_header(const std::string& token);
/// The same for its claims.
flow::Json unproven_claims(const std::string& token);

/// The claims of `tokens.id_token`, with every rule held to; `nonce` empty: not compared.
/// Throws Refused for a token that is not believed, sdk::Failure when that cannot be told. [may-block]
flow::Json believed_claims(const sdk::HostIdentity& identity, const sdk::Call& call, std::int64_t now_unix_s,
                           const Provider& provider, const Metadata& metadata, const Tokens& tokens, const std::string& nonce);

/// Whom believed claims are about. Its claims_json has what says something about the person;
/// what only protects the token, and the provider's own words for acr, stay out of it.
sdk::AuthIdentity identity_of(const Provider& provider, const flow::Json& claims);

}  // namespace acp::oidc
