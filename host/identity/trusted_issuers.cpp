#include "identity/trusted_issuers.h"

#include <algorithm>
#include <string>

#include "identity/foreign.h"
#include "identity/principal_of.h"

namespace acp::identity {

const TrustedIssuer* TrustedIssuers::find(std::string_view issuer) const noexcept {
    const auto found = std::find_if(issuers_.begin(), issuers_.end(),
                                    [issuer](const TrustedIssuer& entry) { return entry.issuer == issuer; });
    return found == issuers_.end() ? nullptr : &*found;
}

Result<Believed> TrustedIssuers::verify(const jose::Compact& token, std::int64_t now, std::string_view audience) const {
    const TrustedIssuer* issuer = find(json::text_or(token.claims, "iss"));
    if (issuer == nullptr) return invalid_token("iss");
    std::vector<std::string_view> audiences(issuer->audiences.begin(), issuer->audiences.end());
    if (!audience.empty()) audiences = {audience};
    const std::vector<std::string_view> types(issuer->types.begin(), issuer->types.end());
    // RFC 7519 does not ask for iat; where it is, it must be right.
    const ForeignRules rules{{issuer->issuer, issuer->jwks_url, issuer->ca_file},
                             issuer->algorithms,
                             {issuer->issuer, audiences, types, leeway_s_, false}};
    const auto times = check_foreign(token, rules, *keys_, now);
    if (!times) return fail(times.error());
    auto principal = principal_of(token.claims, *times, *issuer, roles_);
    if (!principal) return fail(principal.error());
    return Believed{std::move(*principal), token.claims, times->issued_unix_s};
}

}  // namespace acp::identity
