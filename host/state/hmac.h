// state: HMAC-SHA-256 (RFC 2104) and HKDF (RFC 5869) on OpenSSL.
#pragma once

#include <openssl/evp.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/free_with.h"

namespace acp::state {

/// One key, prepared once. Aborts where OpenSSL cannot do it: going on without
/// would store secrets in clear. [any-thread]
class Hmac {
public:
    explicit Hmac(std::string_view key);
    /// Of the parts one after another; the caller sees to it that their borders show.
    Sha256 of(std::initializer_list<std::string_view> parts) const;

private:
    std::unique_ptr<EVP_MAC_CTX, FreeWith<EVP_MAC_CTX_free>> keyed_;
};

/// 32 bytes that depend on `secret` and `purpose` alone.
std::string derive_key(std::string_view secret, std::string_view purpose);

}  // namespace acp::state
