#include "state/hmac.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <cstdlib>

namespace acp::state {

namespace {

// OpenSSL takes parameters by pointers to non-const and does not write to them.
OSSL_PARAM octets(const char* name, std::string_view bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

char kSha256[] = "SHA256";

EVP_MAC* hmac() {
    static EVP_MAC* const fetched = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return fetched;
}

}  // namespace

Hmac::Hmac(std::string_view key) : keyed_(EVP_MAC_CTX_new(hmac())) {
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, kSha256, 0), OSSL_PARAM_construct_end()};
    if (!keyed_ || EVP_MAC_init(keyed_.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(), parameters) != 1) std::abort();
}

Sha256 Hmac::of(std::initializer_list<std::string_view> parts) const {
    std::unique_ptr<EVP_MAC_CTX, FreeWith<EVP_MAC_CTX_free>> context(EVP_MAC_CTX_dup(keyed_.get()));
    if (!context) std::abort();
    for (std::string_view part : parts)
        if (EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(part.data()), part.size()) != 1) std::abort();
    Sha256 out{};
    std::size_t size = 0;
    if (EVP_MAC_final(context.get(), out.data(), &size, out.size()) != 1 || size != out.size()) std::abort();
    return out;
}

std::string derive_key(std::string_view secret, std::string_view purpose) {
    const std::unique_ptr<EVP_KDF, FreeWith<EVP_KDF_free>> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    const std::unique_ptr<EVP_KDF_CTX, FreeWith<EVP_KDF_CTX_free>> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, kSha256, 0), octets(OSSL_KDF_PARAM_KEY, secret),
                                     octets(OSSL_KDF_PARAM_INFO, purpose), OSSL_PARAM_construct_end()};
    std::string out(32, '\0');
    if (!context || EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(), parameters) != 1) std::abort();
    return out;
}

}  // namespace acp::state
