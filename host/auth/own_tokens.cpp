#include "auth/own_tokens.h"

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "identity/claims.h"
#include "jose/compact.h"

namespace acp::auth {

namespace {

tl::unexpected<Error> invalid(std::string which) { return refuse(Code::unauthenticated, "invalid_token", "the token is not accepted", std::move(which)); }

}  // namespace

bool claims_to_be_own(const Services& services, std::string_view token) {
    const auto parsed = jose::parse(token);
    return parsed && json::text_or(parsed->claims, "iss") == services.settings.issuer;
}

Result<OwnToken> read_own(const Services& services, std::string_view text) {
    auto token = jose::parse(text);
    if (!token) return invalid(token.error().internal);
    if (!services.keyring.signed_here(*token)) return invalid("signature");
    const auto& claims = token->claims;
    OwnToken out;
    out.claims = claims;
    out.audiences = audiences_of(claims);
    if (out.audiences.empty()) return invalid("aud");
    // Whoever it is for: that is what the caller asks about.
    const std::string_view any_audience = out.audiences.front();
    const std::string_view type = "at+jwt";
    const auto times = identity::check_claims(*token, {services.settings.issuer, {&any_audience, 1}, {&type, 1}, services.settings.leeway_s}, services.now_unix_s());
    if (!times) return fail(times.error());
    out.issued_unix_s = times->issued_unix_s;
    auto& p = out.principal;
    p.subject = json::text_or(claims, "sub");
    p.token_id = json::text_or(claims, "jti");
    if (p.subject.empty() || p.token_id.empty()) return invalid("sub or jti");
    p.issuer = services.settings.issuer;
    p.actor_kind = json::text_or(claims, "actor_kind", "user");
    p.organization_id = json::text_or(claims, "organization_id");
    p.client_id = json::text_or(claims, "client_id");
    p.scopes = words_of(json::text_or(claims, "scope"));
    p.resources = texts_of(claims, "resources");
    p.acr = json::text_or(claims, "acr");
    p.auth_time_unix_s = identity::seconds_of(claims, "auth_time").value_or(0);
    p.expires_unix_s = times->expires_unix_s;
    if (auto act = claims->getObject("act")) p.act_json = json::dump(act);
    if (auto cnf = claims->getObject("cnf")) {
        p.key_thumbprint = json::text_or(cnf, "jkt");
        p.certificate_thumbprint = json::text_or(cnf, "x5t#S256");
    }
    auto revoked = services.trust.revoked(p, out.issued_unix_s);
    if (!revoked) return fail(revoked.error());
    if (*revoked) return invalid("revoked");
    return out;
}

}  // namespace acp::auth
