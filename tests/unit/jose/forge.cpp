#include "unit/jose/forge.h"

#include <openssl/pem.h>

#include <map>
#include <stdexcept>

#include "base/bytes.h"
#include "jose/compact.h"
#include "jose/material.h"
#include "jose/signature.h"

namespace acp::jose::test {

const PrivateKey& key_for(Algorithm algorithm) {
    static const std::map<Algorithm, PrivateKey> keys = [] {
        // RSA keys take long to make: one serves all of their algorithms.
        const std::string rsa = PrivateKey::generate(Algorithm::RS256).value().pem();
        std::map<Algorithm, PrivateKey> out;
        for (const Algorithm a : all_algorithms)
            out.emplace(
                a, type_of(a) == KeyType::rsa ? PrivateKey::from_pem(rsa, a).value() : PrivateKey::generate(a).value());
        return out;
    }();
    return keys.at(algorithm);
}

std::string sign_raw(const PrivateKey& key, std::string_view text) {
    const std::string pem = key.pem();
    const std::unique_ptr<BIO, FreeWith<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const KeyPtr raw(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    const DigestContext context = signing(key.algorithm(), raw.get());
    std::string out(1024, '\0');
    std::size_t size = out.size();
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
        throw std::runtime_error("the key does not sign");
    out.resize(size);
    const KeyType type = type_of(key.algorithm());
    return kty_of(type) == "EC" ? raw_of(out, coordinate_bytes(type)) : out;
}

std::string forge(const PrivateKey& key, std::string_view header, std::string_view payload) {
    const std::string text = base64url(header) + "." + base64url(payload);
    return text + "." + base64url(sign_raw(key, text));
}

std::string death_of(std::string_view token, const KeySet& keys) {
    const auto parsed = parse(token);
    if (!parsed) {
        if (parsed.error().code != Code::unauthenticated || parsed.error().slug != "invalid_token")
            return "another error";
        return parsed.error().internal;
    }
    const PublicKey* key = keys.find(parsed->kid, parsed->algorithm);
    if (key == nullptr) return "key";
    return parsed->signed_by(*key) ? "" : "signature";
}

std::string death_of_jwk(std::string_view text) {
    auto object = json::parse_object(text);
    if (!object) return "json";
    const auto key = PublicKey::from_jwk(*object);
    return key ? "" : key.error().internal;
}

std::string death_of_set(std::string_view text) {
    const auto set = KeySet::parse(text);
    return set ? "" : set.error().internal;
}

}  // namespace acp::jose::test
