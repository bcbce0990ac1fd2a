#include "jose/public_key.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"
#include "jose/material.h"
#include "jose/signature.h"

namespace acp::jose {

namespace {

constexpr std::size_t most_kid_bytes = 256;
constexpr std::size_t most_pem_bytes = 64 * 1024;

/// Of RSA, EC and OKP keys (RFC 7518 sections 6.2.2 and 6.3.2), of symmetric
/// ones (6.4) and of the post-quantum type AKP.
constexpr std::array private_members{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"};

/// Absent, or a string; anything else is malformed.
Result<std::optional<std::string>> member(const json::Object::Ptr& jwk, const char* name) {
    if (!jwk->has(name)) return std::optional<std::string>();
    const json::Var value = jwk->get(name);
    if (!value.isString()) return invalid_key(name, std::string("the member ") + name + " of a key is no string");
    return std::optional<std::string>(value.extract<std::string>());
}

Result<std::string> bytes_member(const json::Object::Ptr& jwk, const char* name) {
    auto text = member(jwk, name);
    if (!text) return fail(text.error());
    if (!*text) return invalid_key(name, std::string("a key lacks its member ") + name);
    auto bytes = unbase64url(**text);
    if (!bytes)
        return invalid_key(
            name, std::string("the member ") + name + " of a key is not base64url as RFC 7515 section 2 has it");
    return *bytes;
}

Result<void> judge_use(const json::Object::Ptr& jwk) {
    auto use = member(jwk, "use");
    if (!use) return fail(use.error());
    if (*use && **use != "sig") return unused_key("use", "the key is not for signatures");
    if (!jwk->has("key_ops")) return {};
    const json::Var value = jwk->get("key_ops");
    if (value.type() != typeid(json::Array::Ptr))
        return invalid_key("key_ops", "the member key_ops of a key is no list");
    const auto& list = *value.extract<json::Array::Ptr>();
    const bool verifies = std::any_of(list.begin(), list.end(), [](const json::Var& operation) {
        return operation.isString() && operation.extract<std::string>() == "verify";
    });
    if (!verifies) return unused_key("key_ops", "the key is not for checking signatures");
    return {};
}

Result<KeyType> type_member(const json::Object::Ptr& jwk) {
    auto kty = member(jwk, "kty");
    if (!kty) return fail(kty.error());
    if (!*kty) return invalid_key("kty", "a key lacks its member kty");
    if (**kty == "RSA") return KeyType::rsa;
    if (**kty != "EC" && **kty != "OKP") return unused_key("kty", "the key's type is none of RSA, EC and OKP");
    auto crv = member(jwk, "crv");
    if (!crv) return fail(crv.error());
    if (!*crv) return invalid_key("crv", "a key lacks its member crv");
    for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::p521, KeyType::ed25519})
        if (kty_of(type) == **kty && crv_of(type) == **crv) return type;
    return unused_key("crv", "the key's curve is none of P-256, P-384, P-521 (EC) and Ed25519 (OKP)");
}

Result<Numbers> numbers_member(const json::Object::Ptr& jwk, KeyType type) {
    const bool is_rsa = type == KeyType::rsa;
    auto first = bytes_member(jwk, is_rsa ? "n" : "x");
    if (!first) return fail(first.error());
    if (type == KeyType::ed25519) return Numbers{type, std::move(*first), {}};
    auto second = bytes_member(jwk, is_rsa ? "e" : "y");
    if (!second) return fail(second.error());
    return Numbers{type, std::move(*first), std::move(*second)};
}

int no_passphrase(char*, int, int, void*) {
    return -1;
}

KeyPtr read_pem(std::string_view pem) {
    const std::unique_ptr<BIO, FreeWith<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!bio) return {};
    if (pem.find("-----BEGIN CERTIFICATE-----") == std::string_view::npos)
        return KeyPtr(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr));
    const std::unique_ptr<X509, FreeWith<X509_free>> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    return certificate ? KeyPtr(X509_get_pubkey(certificate.get())) : KeyPtr();
}

}  // namespace

struct PublicKey::Material {
    Numbers numbers;
    KeyPtr key;
    /// One for each algorithm of the key's type: to look algorithm, digest and
    /// padding up anew takes longer than to copy what was found.
    std::array<DigestContext, all_algorithms.size()> contexts;
};

bool is_kid(std::string_view text) noexcept {
    return !text.empty() && text.size() <= most_kid_bytes &&
           std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Result<PublicKey> PublicKey::of(const Numbers& numbers) {
    auto key = build(numbers);
    if (!key) return fail(key.error());
    auto material = std::make_shared<Material>();
    material->numbers = numbers;
    material->key = std::move(*key);
    for (const Algorithm algorithm : all_algorithms) {
        if (type_of(algorithm) != numbers.type) continue;
        auto& context = material->contexts[static_cast<std::size_t>(algorithm)];
        context = verifying(algorithm, material->key.get());
        if (!context)
            return invalid_key("context", "OpenSSL does not take the key for " + std::string(name_of(algorithm)));
    }
    PublicKey out;
    out.material_ = std::move(material);
    return out;
}

Result<PublicKey> PublicKey::from_jwk(const json::Object::Ptr& jwk) {
    if (jwk.isNull()) return invalid_key("object", "a key is no JSON object");
    for (const char* name : private_members)
        if (jwk->has(name))
            return invalid_key("private", std::string("the key has the private member ") + name +
                                              ": whoever can read it can sign; replace the key pair");
    auto type = type_member(jwk);
    if (!type) return fail(type.error());
    if (auto use = judge_use(jwk); !use) return fail(use.error());
    auto alg = member(jwk, "alg");
    if (!alg) return fail(alg.error());
    std::optional<Algorithm> pinned;
    if (*alg) {
        pinned = algorithm_of(**alg);
        if (!pinned) return unused_key("alg", "the key is for an algorithm that is not used here");
        if (type_of(*pinned) != *type)
            return invalid_key("alg", "the key cannot do the algorithm " + **alg + " that it names");
    }
    auto kid = member(jwk, "kid");
    if (!kid) return fail(kid.error());
    if (*kid && !is_kid(**kid))
        return invalid_key("kid", "the member kid of a key must have 1 to 256 bytes and no control characters");
    auto numbers = numbers_member(jwk, *type);
    if (!numbers) return fail(numbers.error());
    auto out = of(*numbers);
    if (!out) return out;
    out->kid_ = kid->value_or("");
    out->pinned_ = pinned;
    return out;
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
    if (pem.size() > most_pem_bytes) return invalid_key("size", "a key in PEM has more than 64 KiB");
    ERR_clear_error();
    const KeyPtr key = read_pem(pem);
    ERR_clear_error();
    if (!key) return invalid_key("pem", "this is no public key and no certificate in PEM (-----BEGIN PUBLIC KEY-----)");
    auto numbers = numbers_of(key.get());
    if (!numbers) return fail(numbers.error());
    return of(*numbers);
}

bool PublicKey::fits(Algorithm algorithm) const noexcept {
    return material_ && material_->numbers.type == type_of(algorithm) && (!pinned_ || *pinned_ == algorithm);
}

bool PublicKey::verify(Algorithm algorithm, std::string_view signed_text, std::string_view signature) const {
    if (!fits(algorithm)) return false;
    std::string der;
    if (kty_of(material_->numbers.type) == "EC") {
        if (signature.size() != 2 * coordinate_bytes(material_->numbers.type)) return false;
        der = der_of(signature);
        if (der.empty()) return false;
        signature = der;
    }
    const DigestContext context(EVP_MD_CTX_new());
    const auto* bytes = reinterpret_cast<const unsigned char*>(signature.data());
    const bool good =
        context &&
        EVP_MD_CTX_copy_ex(context.get(), material_->contexts[static_cast<std::size_t>(algorithm)].get()) == 1 &&
        EVP_DigestVerify(context.get(), bytes, signature.size(),
                         reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1;
    if (!good) ERR_clear_error();
    return good;
}

std::string PublicKey::thumbprint() const {
    if (!material_) return {};
    const Numbers& numbers = material_->numbers;
    const std::string first = base64url(numbers.first);
    const std::string second = base64url(numbers.second);
    const std::string crv(crv_of(numbers.type));
    // Section 3: the required members in lexical order, no white space.
    std::string text;
    if (numbers.type == KeyType::rsa)
        text = R"({"e":")" + second + R"(","kty":"RSA","n":")" + first + R"("})";
    else if (numbers.type == KeyType::ed25519)
        text = R"({"crv":")" + crv + R"(","kty":"OKP","x":")" + first + R"("})";
    else
        text = R"({"crv":")" + crv + R"(","kty":"EC","x":")" + first + R"(","y":")" + second + R"("})";
    const Sha256 digest = sha256(text);
    return base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

json::Object::Ptr PublicKey::jwk() const {
    auto out = json::object();
    if (!material_) return out;
    const Numbers& numbers = material_->numbers;
    out->set("kty", std::string(kty_of(numbers.type)));
    if (numbers.type == KeyType::rsa) {
        out->set("n", base64url(numbers.first));
        out->set("e", base64url(numbers.second));
    } else {
        out->set("crv", std::string(crv_of(numbers.type)));
        out->set("x", base64url(numbers.first));
        if (numbers.type != KeyType::ed25519) out->set("y", base64url(numbers.second));
    }
    out->set("use", std::string("sig"));
    if (pinned_) out->set("alg", std::string(name_of(*pinned_)));
    if (!kid_.empty()) out->set("kid", kid_);
    return out;
}

}  // namespace acp::jose
