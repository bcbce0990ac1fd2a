#include "flow/front.h"

namespace acp::flow {

using sdk::Decision;

Decision FrontFlow::authenticate(const sdk::Call& call, const sdk::AuthRequest& request) {
    const std::string* assertion = nullptr;
    for (const auto& [name, value] : request.fields) {
        if (name != front_.field) continue;
        if (assertion) return Decision::refuse("invalid_token", "the field " + front_.field + " occurs twice");
        assertion = &value;
    }
    if (!assertion) return Decision::pass();
    Json claims;
    try {
        claims = object_or_null(identity_.verify(call, {*assertion, front_.issuer, front_.audience, front_.jwks_url, "", "", front_.ca_file}));
    } catch (const sdk::Failure& failure) {
        if (failure.status() != ACP_E_DENIED) throw;  // keys cannot be had: no verdict on the caller
        return Decision::refuse("invalid_token", "the assertion of the access proxy does not hold");
    }
    const auto found = claims.is_object() ? who(claims) : std::nullopt;
    const std::int64_t expires = claims.is_object() ? integer(claims, "exp", 0) : 0;
    if (!found || found->subject.empty() || expires <= 0)
        return Decision::refuse("invalid_token", "the assertion of the access proxy does not say who calls");
    sdk::AuthIdentity identity{found->subject, front_.issuer, found->actor_kind, front_.organization_id};
    identity.claims_json = claims.dump();
    identity.expires_unix_s = expires;
    return Decision::grant(std::move(identity));
}

Front front_of(const Json& config, std::string field) {
    Front out;
    out.field = std::move(field);
    out.audience = text(config, "audience");
    out.ca_file = text(config, "ca_file");
    out.organization_id = text(config, "organization_id");
    if (out.audience.empty()) throw sdk::Failure(ACP_E_INVALID, "/audience is needed: an assertion for somebody else must not count");
    return out;
}

}  // namespace acp::flow
