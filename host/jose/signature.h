// jose: what an algorithm does to an OpenSSL context, and the two spellings of
// an ECDSA signature. Internal to the room.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/free_with.h"
#include "jose/algorithm.h"

namespace acp::jose {

using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

/// A context that checks signatures by `key`, to be copied for each; null when OpenSSL refuses.
DigestContext verifying(Algorithm algorithm, EVP_PKEY* key);
DigestContext signing(Algorithm algorithm, EVP_PKEY* key);

/// R || S, each of half the size (RFC 7518 section 3.4), as the DER that OpenSSL
/// takes; empty when R or S is zero.
std::string der_of(std::string_view raw);
/// The way back, with `coordinate` bytes for each; empty when it is no such DER.
std::string raw_of(std::string_view der, std::size_t coordinate);

}  // namespace acp::jose
