#include "jose/private_key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <utility>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/signature.h"

namespace acp::jose {

namespace {

using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

constexpr unsigned rsa_bits = 3072;
constexpr std::size_t most_pem_bytes = 64 * 1024;

EVP_PKEY* new_key(Algorithm algorithm) {
    switch (type_of(algorithm)) {
        case KeyType::p256:
            return EVP_EC_gen("P-256");
        case KeyType::p384:
            return EVP_EC_gen("P-384");
        case KeyType::p521:
            return EVP_EC_gen("P-521");
        case KeyType::ed25519:
            return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
        case KeyType::rsa:
            break;
    }
    return EVP_RSA_gen(rsa_bits);
}

/// The algorithm that a key of the type signs by, when `rsa` is RSA's.
Algorithm algorithm_for(KeyType type, Algorithm rsa) {
    for (const Algorithm algorithm : {Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA})
        if (type_of(algorithm) == type) return algorithm;
    return rsa;
}

int no_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace

struct PrivateKey::Secret {
    KeyPtr key;
    DigestContext context;  ///< to be copied for each signature
};

Result<PrivateKey> PrivateKey::of(evp_pkey_st* raw, Algorithm rsa) {
    auto secret = std::make_shared<Secret>();
    secret->key.reset(raw);
    auto numbers = numbers_of(raw);
    if (!numbers) return fail(numbers.error());
    auto public_key = PublicKey::of(*numbers);
    if (!public_key) return fail(public_key.error());
    PrivateKey out;
    out.algorithm_ = algorithm_for(numbers->type, rsa);
    if (type_of(out.algorithm_) != numbers->type)
        return invalid_key("alg", "an RSA key cannot sign by " + std::string(name_of(rsa)));
    secret->context = signing(out.algorithm_, raw);
    if (!secret->context)
        return invalid_key("context", "OpenSSL does not take the key for " + std::string(name_of(out.algorithm_)));
    out.public_ = std::move(*public_key);
    out.public_.kid_ = out.public_.thumbprint();
    out.public_.pinned_ = out.algorithm_;
    out.secret_ = std::move(secret);
    // A file may hold the private half of one key and the public half of another.
    auto trial = out.signature_of("trial");
    if (!trial || !out.public_.verify(out.algorithm_, "trial", *trial))
        return invalid_key("halves", "the private and the public half of a key do not belong together");
    return out;
}

Result<PrivateKey> PrivateKey::generate(Algorithm algorithm) {
    EVP_PKEY* raw = new_key(algorithm);
    ERR_clear_error();
    if (raw == nullptr)
        return fail(Code::internal, "key_not_made", "a key for " + std::string(name_of(algorithm)) + " cannot be made");
    return of(raw, algorithm);
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem, Algorithm rsa) {
    if (pem.size() > most_pem_bytes) return invalid_key("size", "a key in PEM has more than 64 KiB");
    ERR_clear_error();
    const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    EVP_PKEY* raw = bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr;
    ERR_clear_error();
    if (raw == nullptr)
        return invalid_key("pem", "this is no private key in PEM without a passphrase (-----BEGIN PRIVATE KEY-----)");
    return of(raw, rsa);
}

std::string PrivateKey::pem() const {
    // Memory that OpenSSL overwrites when it is done with it.
    const Bio bio(BIO_new(BIO_s_secmem()));
    if (!bio ||
        PEM_write_bio_PKCS8PrivateKey(bio.get(), secret_->key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        ERR_clear_error();
        return {};
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

Result<std::string> PrivateKey::signature_of(std::string_view text) const {
    const DigestContext context(EVP_MD_CTX_new());
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::string out;
    std::size_t size = static_cast<std::size_t>(EVP_PKEY_get_size(secret_->key.get()));
    out.resize(size);
    const bool good =
        context && EVP_MD_CTX_copy_ex(context.get(), secret_->context.get()) == 1 &&
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size()) == 1;
    if (good) {
        out.resize(size);
        const KeyType type = type_of(algorithm_);
        if (kty_of(type) == "EC") out = raw_of(out, coordinate_bytes(type));
    }
    if (good && !out.empty()) return out;
    ERR_clear_error();
    return fail(Code::internal, "signing_failed", "OpenSSL could not sign by " + std::string(name_of(algorithm_)));
}

Result<std::string> PrivateKey::sign(std::string_view typ, std::string_view payload, Kid named) const {
    std::string header = R"({"alg":")" + std::string(name_of(algorithm_)) + "\"";
    if (named == Kid::named) header += R"(,"kid":")" + kid() + "\"";
    if (!typ.empty()) header += ",\"typ\":" + json::quoted(typ);
    header += "}";
    std::string out = base64url(header) + "." + base64url(payload);
    auto signature = signature_of(out);
    if (!signature) return signature;
    return out += "." + base64url(*signature);
}

}  // namespace acp::jose
