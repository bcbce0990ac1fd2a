// identity: a token of another issuer, checked by the keys that it publishes.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "identity/claims.h"
#include "identity/key_source.h"
#include "jose/compact.h"

namespace acp::identity {

struct ForeignRules {
    KeyPlace keys;
    std::span<const jose::Algorithm> algorithms;
    ExpectedClaims claims;
};

/// Algorithm, `iss`, key, signature, then the claims, in this order: no key is
/// looked for because of what a token says it is. Errors: `invalid_token`, or
/// Code::unavailable when no key can be had. [any-thread] [may-block]
Result<Times> check_foreign(const jose::Compact& token, const ForeignRules& rules, KeySources& sources,
                            std::int64_t now_unix_s);

}  // namespace acp::identity
