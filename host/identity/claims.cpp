#include "identity/claims.h"

#include <algorithm>
#include <utility>

namespace acp::identity {

namespace {

constexpr std::int64_t most_leeway_s = 60;
// Times that are sums of such numbers cannot overflow.
constexpr std::int64_t latest_unix_s = 1'000'000'000'000'000;

tl::unexpected<Error> refused(std::string message, std::string check) {
    Error e;
    e.code = Code::unauthenticated;
    e.slug = "invalid_token";
    e.message = std::move(message);
    e.internal = std::move(check);
    return fail(std::move(e));
}

}  // namespace

tl::unexpected<Error> invalid_token(std::string check) {
    return refused("the access token is invalid", std::move(check));
}

tl::unexpected<Error> expired_token() {
    return refused("the access token has expired", "exp");
}

std::optional<std::int64_t> seconds_of(const json::Object::Ptr& claims, const std::string& name) {
    const json::Var value = claims->get(name);
    if (!value.isNumeric() || value.isBoolean()) return {};
    try {
        // Also false of what is no number at all.
        if (!value.isInteger()) {
            const auto number = value.convert<double>();
            if (!(number >= 0 && number < static_cast<double>(latest_unix_s))) return {};
            return static_cast<std::int64_t>(number);
        }
        const auto whole = value.convert<std::int64_t>();
        if (whole < 0 || whole > latest_unix_s) return {};
        return whole;
    } catch (const Poco::Exception&) {
        return {};  // beyond 64 bits
    }
}

bool has_audience(const json::Object::Ptr& claims, std::string_view audience) {
    const json::Var aud = claims->get("aud");
    if (aud.isString()) return aud.extract<std::string>() == audience;
    if (aud.type() != typeid(json::Array::Ptr)) return false;
    const auto& list = *aud.extract<json::Array::Ptr>();
    return std::any_of(list.begin(), list.end(),
                       [&](const json::Var& one) { return one.isString() && one.extract<std::string>() == audience; });
}

Result<void> check_type(const jose::Compact& token, std::span<const std::string_view> types) {
    if (std::find(types.begin(), types.end(), token.typ) == types.end()) return invalid_token("typ");
    return {};
}

Result<void> check_issuer(const json::Object::Ptr& claims, std::string_view issuer) {
    // An issuer that nobody configured must not equal one that nobody told.
    if (issuer.empty() || json::text_or(claims, "iss") != issuer) return invalid_token("iss");
    return {};
}

Result<void> check_audience(const json::Object::Ptr& claims, std::span<const std::string_view> audiences) {
    const bool is_ours = std::any_of(audiences.begin(), audiences.end(),
                                     [&](std::string_view audience) { return has_audience(claims, audience); });
    if (!is_ours) return invalid_token("aud");
    return {};
}

Result<Times> check_times(const json::Object::Ptr& claims, std::int64_t leeway_s, bool needs_iat, std::int64_t now) {
    const std::int64_t leeway = std::clamp<std::int64_t>(leeway_s, 0, most_leeway_s);
    const auto exp = seconds_of(claims, "exp");
    if (!exp) return invalid_token("exp missing");
    const auto iat = seconds_of(claims, "iat");
    if (!iat && (needs_iat || claims->has("iat"))) return invalid_token("iat missing");
    if (iat && *iat > now + leeway) return invalid_token("iat in the future");
    const auto nbf = seconds_of(claims, "nbf");
    if (claims->has("nbf") && (!nbf || *nbf > now + leeway)) return invalid_token("nbf");
    if (*exp <= now - leeway) return expired_token();
    return Times{*exp, iat.value_or(0)};
}

Result<Times> check_claims(const jose::Compact& token, const ExpectedClaims& expected, std::int64_t now) {
    if (auto good = check_type(token, expected.types); !good) return fail(good.error());
    if (auto good = check_issuer(token.claims, expected.issuer); !good) return fail(good.error());
    if (auto good = check_audience(token.claims, expected.audiences); !good) return fail(good.error());
    return check_times(token.claims, expected.leeway_s, expected.needs_iat, now);
}

}  // namespace acp::identity
