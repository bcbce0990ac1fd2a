#include "identity/token.h"

#include <algorithm>
#include <sstream>

#include "base/bytes.h"
#include "json/json.h"

namespace acp::identity {

namespace {

constexpr std::size_t kMaxTokenBytes = 8192;
constexpr std::string_view kType = "at+jwt";

tl::unexpected<Error> invalid(std::string which) {
    Error e;
    e.code = Code::unauthenticated;
    e.slug = "invalid_token";
    e.message = "the access token is invalid";
    e.internal = std::move(which);
    return fail(std::move(e));
}

tl::unexpected<Error> expired() {
    Error e;
    e.code = Code::unauthenticated;
    e.slug = "invalid_token";
    e.message = "the access token has expired";
    e.internal = "exp";
    return fail(std::move(e));
}

/// A NumericDate claim as whole seconds; false when absent or no number.
bool seconds(const json::Object::Ptr& claims, const char* name, std::int64_t& out) {
    if (!claims->has(name)) return false;
    json::Var value = claims->get(name);
    if (!value.isNumeric() || value.isBoolean()) return false;
    try {
        if (value.isInteger()) {
            out = value.convert<std::int64_t>();
            return true;
        }
        const double number = value.convert<double>();
        if (!(number >= 0 && number < 1e15)) return false;  // also what is no number
        out = static_cast<std::int64_t>(number);
        return true;
    } catch (const Poco::Exception&) {
        return false;
    }
}

bool audience_has(const json::Object::Ptr& claims, const std::string& ours) {
    json::Var aud = claims->get("aud");
    if (aud.isString()) return aud.extract<std::string>() == ours;
    if (aud.type() != typeid(json::Array::Ptr)) return false;
    const auto& list = *aud.extract<json::Array::Ptr>();
    return std::any_of(list.begin(), list.end(), [&](const json::Var& item) { return item.isString() && item.extract<std::string>() == ours; });
}

}  // namespace

bool is_scope(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c == 0x21 || (c >= 0x23 && c <= 0x5b) || (c >= 0x5d && c <= 0x7e);
    });
}

Result<std::string> mint(const SigningKey& key, const TokenPolicy& policy, const Grant& grant, std::int64_t now) {
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
    return key.sign(kType, json::dump(claims));
}

Result<Principal> verify(const SigningKey& key, const TokenPolicy& policy, std::string_view token, std::int64_t now) {
    if (token.size() > kMaxTokenBytes) return invalid("size");
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) return invalid("parts");
    auto header_text = unbase64url(token.substr(0, first));
    auto claims_text = unbase64url(token.substr(first + 1, second - first - 1));
    auto signature = unbase64url(token.substr(second + 1));
    if (!header_text || !claims_text || !signature) return invalid("base64url");

    const json::ParseLimits limits{8, kMaxTokenBytes};
    auto header = json::parse_object(*header_text, limits);
    if (!header) return invalid("header: " + header.error().message);
    if (json::text_or(*header, "alg") != "ES256") return invalid("alg");
    if (!equal_constant_time(json::text_or(*header, "kid"), key.kid())) return invalid("kid");
    if (json::text_or(*header, "typ") != kType) return invalid("typ");
    for (const char* name : {"crit", "jku", "jwk", "x5u", "x5c"})
        if ((*header)->has(name)) return invalid(name);
    if (!key.verify(token.substr(0, second), *signature)) return invalid("signature");

    auto claims = json::parse_object(*claims_text, limits);
    if (!claims) return invalid("claims: " + claims.error().message);
    if (json::text_or(*claims, "iss") != policy.issuer) return invalid("iss");
    if (!audience_has(*claims, policy.audience)) return invalid("aud");
    std::int64_t exp = 0, nbf = 0, iat = 0;
    if (!seconds(*claims, "exp", exp) || !seconds(*claims, "iat", iat)) return invalid("exp or iat missing");
    if (iat > now + policy.leeway_s) return invalid("iat in the future");
    if ((*claims)->has("nbf") && (!seconds(*claims, "nbf", nbf) || nbf > now + policy.leeway_s)) return invalid("nbf");
    if (exp <= now - policy.leeway_s) return expired();

    Principal p;
    p.subject = json::text_or(*claims, "sub");
    if (p.subject.empty()) return invalid("sub");
    p.actor_kind = json::text_or(*claims, "actor_kind", "user");
    p.organization_id = json::text_or(*claims, "organization_id");
    p.token_id = json::text_or(*claims, "jti");
    p.expires_unix_s = exp;
    std::istringstream scopes(json::text_or(*claims, "scope"));
    for (std::string scope; scopes >> scope;) p.scopes.push_back(scope);
    return p;
}

}  // namespace acp::identity
