// jose: a key that checks signatures.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/algorithm.h"
#include "json/json.h"

namespace acp::jose {

struct Numbers;

/// Whether `text` can be a `kid`: 1 to 256 bytes without control characters.
bool is_kid(std::string_view text) noexcept;

class PublicKey {
public:
    /// kty RSA (2048 to 8192 bits, odd exponent from 3), EC (P-256, P-384, P-521,
    /// the point on its curve) or OKP (Ed25519). Refuses private members, keys
    /// for encryption (`use`, `key_ops`), and an `alg` that the key cannot do.
    /// Errors: Code::invalid with slug `key_unused` for what is sound but of no use
    /// here (another type, curve, use or algorithm), else `key_invalid`; `internal`
    /// names the check.
    static Result<PublicKey> from_jwk(const json::Object::Ptr& jwk);
    /// SubjectPublicKeyInfo or a certificate; judged like a JWK, and without kid.
    static Result<PublicKey> from_pem(std::string_view pem);

    const std::string& kid() const noexcept { return kid_; }              ///< empty: none
    std::optional<Algorithm> pinned() const noexcept { return pinned_; }  ///< from `alg`
    /// Type, curve and pinned algorithm.
    bool fits(Algorithm algorithm) const noexcept;
    /// `signature` as in JWS: raw R || S for ES*. False also when the key does
    /// not fit. [any-thread]
    bool verify(Algorithm algorithm, std::string_view signed_text, std::string_view signature) const;
    /// RFC 7638, SHA-256, base64url.
    std::string thumbprint() const;
    /// The public members, with `kid` and `alg` where known, and `use` "sig".
    json::Object::Ptr jwk() const;

private:
    friend class PrivateKey;
    struct Material;
    PublicKey() = default;
    static Result<PublicKey> of(const Numbers& numbers);

    std::shared_ptr<const Material> material_;
    std::string kid_;
    std::optional<Algorithm> pinned_;
};

}  // namespace acp::jose
