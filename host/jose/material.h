// jose: the numbers of a public key, and the OpenSSL key made of them. Every
// key comes through here, whatever it was written in, so all are judged alike.
// Internal to the room.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/free_with.h"
#include "base/result.h"
#include "jose/algorithm.h"

namespace acp::jose {

using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;

enum class KeyType : std::uint8_t { rsa, p256, p384, p521, ed25519 };

/// Of the algorithm; each has one only.
KeyType type_of(Algorithm algorithm) noexcept;
std::string_view kty_of(KeyType type) noexcept;
std::string_view crv_of(KeyType type) noexcept;  ///< empty for RSA
/// Bytes of a coordinate, of an Ed25519 key; 0 for RSA.
std::size_t coordinate_bytes(KeyType type) noexcept;

/// Raw bytes: n and e; x and y; x and nothing.
struct Numbers {
    KeyType type = KeyType::rsa;
    std::string first;
    std::string second;
};

/// Why a key is refused. `check` is a word for logs and tests; `key_unused` marks
/// what is sound but of no use here.
tl::unexpected<Error> invalid_key(std::string check, std::string message);
tl::unexpected<Error> unused_key(std::string check, std::string message);

/// The key, once sizes, exponent and point have been found good.
Result<KeyPtr> build(const Numbers& numbers);

/// The public numbers of a key that OpenSSL has read.
Result<Numbers> numbers_of(const EVP_PKEY* key);

}  // namespace acp::jose
