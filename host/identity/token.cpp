#include "identity/token.h"

#include <algorithm>
#include <sstream>

#include "base/bytes.h"
#include "identity/claims.h"
#include "jose/compact.h"
#include "json/json.h"

namespace acp::identity {

namespace {

constexpr std::string_view kType = "at+jwt";

}  // namespace

bool is_scope(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c == 0x21 || (c >= 0x23 && c <= 0x5b) || (c >= 0x5d && c <= 0x7e);
    });
}

Result<std::string> mint(const Keyring& keys, const TokenPolicy& policy, const Grant& grant, std::int64_t now) {
    std::string scope;
    for (const auto& s : grant.scopes) {
        if (!is_scope(s)) return fail(Code::invalid, "bad_scope", "'" + s + "' is no scope: visible ASCII without quotes and backslashes");
        scope += (scope.empty() ? "" : " ") + s;
    }
    if (scope.empty()) return fail(Code::invalid, "bad_scope", "a token needs at least one scope");
    if (grant.subject.empty() || grant.subject.size() > 256) return fail(Code::invalid, "bad_subject", "the subject must have 1 to 256 bytes");
    if (grant.ttl_s < 1) return fail(Code::invalid, "bad_ttl", "the lifetime must be at least one second");
    auto claims = json::object({{"iss", policy.issuer},
                                {"sub", grant.subject},
                                {"aud", policy.audience},
                                {"iat", now},
                                {"nbf", now},
                                {"exp", now + grant.ttl_s},
                                {"jti", uuid7()},
                                {"client_id", std::string("alphaswarm-cp")},
                                {"scope", scope},
                                {"actor_kind", grant.actor_kind}});
    return keys.sign(kType, json::dump(claims));
}

Result<Principal> verify(const Keyring& keys, const TokenPolicy& policy, std::string_view token, std::int64_t now) {
    auto parsed = jose::parse(token);
    if (!parsed) return invalid_token(parsed.error().internal);
    const auto published = keys.published();
    // A token of ours always names its key.
    const auto* key = parsed->kid.empty() ? nullptr : published->find(parsed->kid, parsed->algorithm);
    if (key == nullptr) return invalid_token("kid");
    if (!parsed->signed_by(*key)) return invalid_token("signature");
    const std::string_view audience = policy.audience;
    auto times = check_claims(*parsed, {policy.issuer, {&audience, 1}, {&kType, 1}, policy.leeway_s}, now);
    if (!times) return fail(times.error());

    const auto& claims = parsed->claims;
    Principal p;
    p.subject = json::text_or(claims, "sub");
    if (p.subject.empty()) return invalid_token("sub");
    p.actor_kind = json::text_or(claims, "actor_kind", "user");
    p.organization_id = json::text_or(claims, "organization_id");
    p.token_id = json::text_or(claims, "jti");
    p.expires_unix_s = times->expires_unix_s;
    std::istringstream scopes(json::text_or(claims, "scope"));
    for (std::string scope; scopes >> scope;) p.scopes.push_back(scope);
    return p;
}

}  // namespace acp::identity
