// jose: a compact JWS taken apart (RFC 7515 section 7.1). Parsing decides
// nothing about who signed it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/algorithm.h"
#include "jose/public_key.h"
#include "json/json.h"

namespace acp::jose {

inline constexpr std::size_t kMaxTokenBytes = 8192;

struct Compact {
    Algorithm algorithm = Algorithm::ES256;
    std::string kid;  ///< empty: none
    std::string typ;  ///< lower case, without "application/"; empty: none
    json::Object::Ptr header;
    json::Object::Ptr claims;
    std::string_view signed_text;  ///< into the token that was parsed
    std::string signature;

    bool signed_by(const PublicKey& key) const { return key.verify(algorithm, signed_text, signature); }
};

/// `typ` as it is compared: in lower case, without "application/" (RFC 7515
/// section 4.1.9).
std::string short_type(std::string_view typ);

/// What stands in a token, before anything that its header says is judged. For
/// showing it to people; whoever decides by it uses parse.
struct Opened {
    json::Object::Ptr header;
    json::Object::Ptr claims;
    std::string_view signed_text;  ///< into the token
    std::string signature;
};
Result<Opened> open(std::string_view token);

/// Three strict base64url parts (no padding, no stray bits), at most
/// kMaxTokenBytes; header and claims are JSON objects without repeated members,
/// at most 8 levels deep. Refuses an `alg` that has no value here before any
/// key is looked for, `crit`, `b64`, and header members that bring or point at
/// keys (jku, jwk, x5u, x5c) unless `own_key` says that one is expected (a DPoP
/// proof, RFC 9449 section 4.2). Errors: Code::unauthenticated `invalid_token`;
/// `internal` names the check.
enum class OwnKey : bool { refused, expected };
Result<Compact> parse(std::string_view token, OwnKey own_key = OwnKey::refused);

}  // namespace acp::jose
