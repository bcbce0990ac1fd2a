#include "jose/signature.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "jose/material.h"

namespace acp::jose {

namespace {

const EVP_MD* digest_of(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::RS256:
        case Algorithm::PS256:
        case Algorithm::ES256:
            return EVP_sha256();
        case Algorithm::RS384:
        case Algorithm::PS384:
        case Algorithm::ES384:
            return EVP_sha384();
        case Algorithm::RS512:
        case Algorithm::PS512:
        case Algorithm::ES512:
            return EVP_sha512();
        case Algorithm::EdDSA:
            break;  // has its hash inside
    }
    return nullptr;
}

/// RFC 7518 sections 3.3 and 3.5. A salt of any other length than the digest's
/// is no signature of ours: OpenSSL would otherwise take the length from it.
bool set_padding(Algorithm algorithm, EVP_PKEY_CTX* context) {
    if (type_of(algorithm) != KeyType::rsa) return true;
    const bool is_pss = algorithm == Algorithm::PS256 || algorithm == Algorithm::PS384 || algorithm == Algorithm::PS512;
    if (!is_pss) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest_of(algorithm)) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

template <auto Init>
DigestContext prepared(Algorithm algorithm, EVP_PKEY* key) {
    DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* settings = nullptr;
    if (!context || Init(context.get(), &settings, digest_of(algorithm), nullptr, key) != 1 ||
        !set_padding(algorithm, settings))
        context.reset();
    ERR_clear_error();
    return context;
}

/// One ASN.1 INTEGER; nothing of zero.
bool append_integer(std::string& out, std::string_view number) {
    const auto begin = number.find_first_not_of('\0');
    if (begin == std::string_view::npos) return false;
    number.remove_prefix(begin);
    // The highest bit is the sign.
    const bool needs_zero = (static_cast<unsigned char>(number[0]) & 0x80) != 0;
    out.push_back('\x02');
    out.push_back(static_cast<char>(number.size() + (needs_zero ? 1 : 0)));
    if (needs_zero) out.push_back('\0');
    out.append(number);
    return true;
}

}  // namespace

DigestContext verifying(Algorithm algorithm, EVP_PKEY* key) {
    return prepared<EVP_DigestVerifyInit>(algorithm, key);
}

DigestContext signing(Algorithm algorithm, EVP_PKEY* key) {
    return prepared<EVP_DigestSignInit>(algorithm, key);
}

std::string der_of(std::string_view raw) {
    std::string body;
    body.reserve(raw.size() + 6);
    if (!append_integer(body, raw.substr(0, raw.size() / 2)) || !append_integer(body, raw.substr(raw.size() / 2)))
        return {};
    std::string out("\x30");
    // P-521 alone needs the longer form of the length, and never more than one byte of it.
    if (body.size() >= 0x80) out.push_back('\x81');
    out.push_back(static_cast<char>(body.size()));
    return out += body;
}

std::string raw_of(std::string_view der, std::size_t coordinate) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>> parsed(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    std::string out(2 * coordinate, '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    const int width = static_cast<int>(coordinate);
    if (!parsed || BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), to, width) != width ||
        BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), to + coordinate, width) != width)
        return {};
    return out;
}

}  // namespace acp::jose
