#include "auth/own_tokens.h"

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "identity/claims.h"
#include "identity/principal_of.h"
#include "jose/compact.h"

namespace acp::auth {

namespace {

tl::unexpected<Error> invalid(std::string which) {
    return refuse(Code::unauthenticated, "invalid_token", "the token is not accepted", std::move(which));
}

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
    const auto times =
        identity::check_claims(*token, {services.settings.issuer, {&any_audience, 1}, {&type, 1}, services.settings.leeway_s}, services.now_unix_s());
    if (!times) return fail(times.error());
    out.issued_unix_s = times->issued_unix_s;
    auto principal = identity::principal_of(claims, *times);
    if (!principal) return fail(principal.error());
    out.principal = std::move(*principal);
    out.principal.issuer = services.settings.issuer;
    if (out.principal.token_id.empty()) return invalid("jti");
    if (services.trust.revoked(out.principal, out.issued_unix_s)) return invalid("revoked");
    return out;
}

}  // namespace acp::auth
