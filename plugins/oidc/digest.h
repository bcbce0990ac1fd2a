// oidc: chance and digests, by OpenSSL.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace acp::oidc {

/// 256 bits of chance as base64url: a verifier (RFC 7636 section 4.1), a nonce. Throws
/// sdk::Failure when there is none.
std::string fresh_secret();

/// base64url of SHA-256: the S256 challenge of a verifier (RFC 7636 section 4.2).
std::string challenge_of(std::string_view verifier);

/// at_hash of an access token whose ID token is signed by `algorithm` (OpenID Connect Core
/// 3.1.3.6): half of the algorithm's digest; empty for an algorithm that has none.
std::string at_hash_of(std::string_view algorithm, std::string_view access_token);

/// RFC 4648 section 5 without padding; nullopt when malformed.
std::optional<std::string> base64url_decoded(std::string_view text);

}  // namespace acp::oidc
