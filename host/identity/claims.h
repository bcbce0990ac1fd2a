// identity: what the claims of a token say, checked (RFC 7519 section 4.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/compact.h"
#include "json/json.h"

namespace acp::identity {

/// What a token must say. Views are borrowed for the call.
struct ExpectedClaims {
    std::string_view issuer;                      ///< exactly
    std::span<const std::string_view> audiences;  ///< one of them is enough
    std::span<const std::string_view> types;      ///< of the header, as jose::Compact has them; "" stands for none
    std::int64_t leeway_s = 30;                   ///< for exp, nbf and iat; at most 60 is used
    bool needs_iat = true;
};

struct Times {
    std::int64_t expires_unix_s = 0;
    std::int64_t issued_unix_s = 0;  ///< 0: not told
};

/// typ, iss, aud, exp, iat, nbf, in this order. Says nothing of who signed.
Result<Times> check_claims(const jose::Compact& token, const ExpectedClaims& expected, std::int64_t now_unix_s);

/// The single checks of check_claims, each with `internal` as its name.
Result<void> check_type(const jose::Compact& token, std::span<const std::string_view> types);
Result<void> check_issuer(const json::Object::Ptr& claims, std::string_view issuer);
Result<void> check_audience(const json::Object::Ptr& claims, std::span<const std::string_view> audiences);
Result<Times> check_times(const json::Object::Ptr& claims, std::int64_t leeway_s, bool needs_iat,
                          std::int64_t now_unix_s);

/// A NumericDate in whole seconds, from 0 to 10^15; nothing when the claim is
/// missing or is anything else.
std::optional<std::int64_t> seconds_of(const json::Object::Ptr& claims, const std::string& name);

/// Whether `aud`, a string or a list, has `audience`.
bool has_audience(const json::Object::Ptr& claims, std::string_view audience);

/// The two things that a caller learns of a refused token; `check` is for the log.
tl::unexpected<Error> invalid_token(std::string check);
tl::unexpected<Error> expired_token();

}  // namespace acp::identity
