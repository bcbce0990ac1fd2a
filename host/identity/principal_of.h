// identity: what the claims of a token that holds say about its bearer.
#pragma once

#include "base/result.h"
#include "identity/claims.h"
#include "identity/principal.h"
#include "identity/roles.h"
#include "identity/trusted_issuer.h"

namespace acp::identity {

/// Of an own token (RFC 9068 section 2.2). Errors: `invalid_token`; `internal` names the claim.
Result<Principal> principal_of(const json::Object::Ptr& claims, const Times& times);

/// Of a trusted issuer's: scopes are what `roles` grant, and the token's own
/// only when the entry says so.
Result<Principal> principal_of(const json::Object::Ptr& claims, const Times& times, const TrustedIssuer& issuer,
                               const Roles& roles);

}  // namespace acp::identity
