#include "app/token_callers.h"

#include "base/clock.h"

namespace acp::app {

namespace {

using Kind = dispatch::Evidence::Kind;

bool is_token(const dispatch::Evidence& evidence) noexcept {
    return evidence.kind == Kind::bearer || evidence.kind == Kind::dpop;
}

identity::Presented presented(const dispatch::Evidence& evidence) noexcept {
    return {evidence.value, evidence.kind == Kind::dpop, evidence.proof, evidence.method,
            evidence.url,   evidence.certificate_sha256};
}

std::int64_t unix_s() noexcept {
    return unix_ns() / 1'000'000'000;
}

}  // namespace

identity::PrincipalPtr TokenCallers::known(const dispatch::Evidence& evidence) const noexcept {
    return is_token(evidence) ? verifier_->known(presented(evidence), unix_s()) : nullptr;
}

Result<identity::PrincipalPtr> TokenCallers::prove(const dispatch::Evidence& evidence) {
    if (!is_token(evidence))
        return fail(Code::unauthenticated, "unauthenticated",
                    "this operation needs an access token: Authorization: Bearer <token>");
    return verifier_->verify(presented(evidence), unix_s());
}

}  // namespace acp::app
