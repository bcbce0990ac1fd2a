// auth: access tokens of this server that come back in a form, to be introspected,
// revoked or exchanged. Whoever sends one need not be its bearer, so proofs of the
// keys that it is bound to are the caller's business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/services.h"
#include "base/result.h"
#include "identity/principal.h"
#include "json/json.h"

namespace acp::auth {

struct OwnToken {
    identity::Principal principal;
    json::Object::Ptr claims;
    std::vector<std::string> audiences;
    std::int64_t issued_unix_s = 0;
};

/// Whether the token says that it is of this server; says nothing of its truth.
bool claims_to_be_own(const Services& services, std::string_view token);

/// Checks signature, type, issuer, times and revocation, but no audience.
/// Code::unauthenticated `invalid_token` with `internal` naming the check. [must-not-block]
Result<OwnToken> read_own(const Services& services, std::string_view token);

}  // namespace acp::auth
