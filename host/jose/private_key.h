// jose: a key that signs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/public_key.h"

struct evp_pkey_st;

namespace acp::jose {

/// Copies share the key. [any-thread]
class PrivateKey {
public:
    static Result<PrivateKey> generate(Algorithm algorithm);  ///< RSA: 3072 bits
    /// PKCS #8 or the traditional form, not encrypted. An RSA key signs by `rsa`.
    /// Errors: as of PublicKey::from_jwk; both halves must belong together.
    static Result<PrivateKey> from_pem(std::string_view pem, Algorithm rsa = Algorithm::RS256);
    /// PKCS #8. A secret: wipe it.
    std::string pem() const;

    Algorithm algorithm() const noexcept { return algorithm_; }
    /// kid is the thumbprint.
    const PublicKey& public_key() const noexcept { return public_; }
    const std::string& kid() const noexcept { return public_.kid(); }
    /// `unnamed` leaves `kid` out: for who was given the key by other ways than our key
    /// set, and may know it by another name.
    enum class Kid : std::uint8_t { named, unnamed };
    /// A compact JWS with the header {"alg","kid","typ"}, or without typ when that
    /// is empty. `payload` is signed as it is. [any-thread]
    Result<std::string> sign(std::string_view typ, std::string_view payload, Kid named = Kid::named) const;

private:
    struct Secret;
    PrivateKey() = default;
    static Result<PrivateKey> of(evp_pkey_st* owned, Algorithm rsa);
    Result<std::string> signature_of(std::string_view text) const;

    std::shared_ptr<const Secret> secret_;
    Algorithm algorithm_ = Algorithm::ES256;
    PublicKey public_;
};

}  // namespace acp::jose
