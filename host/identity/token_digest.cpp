// EVP allocates for each digest, also with a context that is used again; these
// functions of the same library do not, and are marked as deprecated for being
// no EVP only.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "identity/token_cache.h"

namespace acp::identity {

Sha256 token_digest(std::string_view token) noexcept {
    Sha256 out;
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, token.data(), token.size());
    SHA256_Final(out.data(), &context);
    return out;
}

}  // namespace acp::identity
