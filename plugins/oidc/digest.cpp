#include "oidc/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>

#include "alphaswarm-cp/sdk/error.hpp"

namespace acp::oidc {

namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::string_view bytes) {
    std::string out;
    std::uint32_t group = 0;
    int bits = 0;
    for (const char c : bytes) {
        group = (group << 8) | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 6; bits -= 6) out += kLetters[(group >> (bits - 6)) & 63];
    }
    if (bits > 0) out += kLetters[(group << (6 - bits)) & 63];
    return out;
}

std::string digest_of(const EVP_MD* kind, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, kind, nullptr) != 1)
        throw sdk::Failure(ACP_E_INTERNAL, "a digest could not be made");
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

}  // namespace

std::string fresh_secret() {
    std::array<unsigned char, 32> bytes{};
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
        throw sdk::Failure(ACP_E_INTERNAL, "there are no random numbers to be had");
    return base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string challenge_of(std::string_view verifier) {
    return base64url(digest_of(EVP_sha256(), verifier));
}

std::string at_hash_of(std::string_view algorithm, std::string_view access_token) {
    const EVP_MD* kind = algorithm.ends_with("256")                              ? EVP_sha256()
                         : algorithm.ends_with("384")                            ? EVP_sha384()
                         : algorithm.ends_with("512") || algorithm == "EdDSA"    ? EVP_sha512()
                                                                                 : nullptr;
    if (!kind) return {};
    const std::string whole = digest_of(kind, access_token);
    return base64url(std::string_view(whole).substr(0, whole.size() / 2));
}

std::optional<std::string> base64url_decoded(std::string_view text) {
    std::string out;
    std::uint32_t group = 0;
    int bits = 0;
    for (const char c : text) {
        const std::size_t value = kLetters.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        group = (group << 6) | static_cast<std::uint32_t>(value);
        if ((bits += 6) < 8) continue;
        bits -= 8;
        out += static_cast<char>((group >> bits) & 0xff);
    }
    if (text.size() % 4 == 1 || (group & ((1U << bits) - 1)) != 0) return std::nullopt;
    return out;
}

}  // namespace acp::oidc
