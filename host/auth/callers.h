// auth: proves who sends a request, whichever way it says so.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "auth/flow.h"
#include "auth/renewal.h"
#include "auth/sessions.h"
#include "auth/trust.h"
#include "dispatch/authenticator.h"
#include "identity/token_cache.h"
#include "identity/verifier.h"

namespace acp::auth {

/// What callers are proven with; all of it outlives them.
struct CallerParts {
    identity::Verifier& verifier;
    Sessions& sessions;
    Renewals& renewals;
    Trust& trust;
    std::function<std::vector<Flow>()> flows;
    std::function<std::int64_t()> now_unix_s;
};

class Callers final : public dispatch::Authenticator {
public:
    explicit Callers(CallerParts parts) : parts_(std::move(parts)) {}
    identity::PrincipalPtr known(const dispatch::Evidence& evidence) const noexcept override;
    Result<identity::PrincipalPtr> prove(const dispatch::Evidence& evidence) override;
    std::string dpop_nonce() override;

private:
    Result<identity::PrincipalPtr> by_session(const dispatch::Evidence& evidence);
    Result<identity::PrincipalPtr> by_assertion(const dispatch::Evidence& evidence);

    const CallerParts parts_;
    identity::TokenCache asserted_{4096};  ///< assertions that a flow has judged
};

}  // namespace acp::auth
