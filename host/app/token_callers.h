// app: callers that prove themselves with an access token.
#pragma once

#include <memory>
#include <utility>

#include "dispatch/authenticator.h"
#include "identity/verifier.h"

namespace acp::app {

class TokenCallers final : public dispatch::Authenticator {
public:
    explicit TokenCallers(std::shared_ptr<identity::Verifier> verifier) : verifier_(std::move(verifier)) {}
    identity::PrincipalPtr known(const dispatch::Evidence& evidence) const noexcept override;
    Result<identity::PrincipalPtr> prove(const dispatch::Evidence& evidence) override;

private:
    const std::shared_ptr<identity::Verifier> verifier_;
};

}  // namespace acp::app
