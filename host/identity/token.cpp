#include "identity/token.h"

#include <algorithm>

#include "base/bytes.h"
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
    if (!grant.acr.empty()) {
        claims->set("acr", grant.acr);
        claims->set("auth_time", now);
    }
    return keys.sign(kType, json::dump(claims));
}

}  // namespace acp::identity
