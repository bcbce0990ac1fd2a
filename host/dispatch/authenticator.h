// dispatch: the seam to whoever proves who calls.
#pragma once

#include "base/result.h"
#include "dispatch/evidence.h"
#include "identity/principal.h"

namespace acp::dispatch {

class Authenticator {
public:
    virtual ~Authenticator() = default;
    /// A caller that was proven before and needs no further look; else null. [loop]
    virtual identity::PrincipalPtr known(const Evidence& evidence) const noexcept = 0;
    /// Code::unauthenticated (`invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce`, `no_session`),
    /// forbidden (`csrf`), unavailable. [any-thread] [may-block]
    virtual Result<identity::PrincipalPtr> prove(const Evidence& evidence) = 0;
    /// What the next proof has to repeat when prove said `use_dpop_nonce` (RFC 9449 section 9);
    /// empty: it cannot be told now. [any-thread] [may-block]
    virtual std::string dpop_nonce() { return {}; }
};

}  // namespace acp::dispatch
