// bundle: manifest.sig, Ed25519 signatures over the exact bytes of
// manifest.yaml (RFC 8032, pure Ed25519).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tls/handle.h"

namespace acp::bundle {

struct Signature {
    std::string key;    ///< id of the key: 16 digits of hex
    std::string bytes;  ///< 64 of them
};

/// Reads the JSON {"signatures": [{"key", "algorithm": "ed25519", "signature"
/// in base64url}]}, strictly: no other members, one to 16 signatures, each key
/// once.
Result<std::vector<Signature>> read_signatures(std::string_view text);
std::string write_signatures(const std::vector<Signature>& signatures);

/// The first 16 hex digits of the SHA-256 of the SubjectPublicKeyInfo in DER.
std::string key_id(EVP_PKEY* key);

/// Whether `signature` is `key`'s over `message`. [any-thread]
bool is_signature(EVP_PKEY* key, std::string_view message, std::string_view signature);

}  // namespace acp::bundle
