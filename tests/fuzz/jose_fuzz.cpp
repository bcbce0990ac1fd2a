// Fuzz target of jose: the bytes as a token, with and without a key of its own,
// as a key set, as a key in PEM and as claims that are signed. What verifies by
// the fixed keys must be what they signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "jose/compact.h"
#include "jose/key_set.h"
#include "jose/private_key.h"

using namespace acp::jose;

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

// The key of RFC 8037 appendix A: with one of its own a run could not be repeated.
constexpr std::string_view secret =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

const PrivateKey& key() {
    static const PrivateKey key = PrivateKey::from_pem(secret).value();
    return key;
}

/// The one token of the key that the corpus has. Ed25519 leaves the signer no
/// choice, so it has one spelling.
const std::string& known() {
    static const std::string token = key().sign("jwt", R"({"sub":"seed"})").value();
    return token;
}

void try_token(std::string_view bytes) {
    const auto opened = open(bytes);
    const auto token = parse(bytes);
    const auto proof = parse(bytes, OwnKey::expected);
    if (!opened) require(!token && !proof);
    // A header has a key or it has none.
    require(!token || !proof);
    if (!token) {
        require(token.error().code == acp::Code::unauthenticated && token.error().slug == "invalid_token");
        require(!token.error().internal.empty() && acp::is_utf8(token.error().internal));
        return;
    }
    require(bytes.size() <= kMaxTokenBytes);
    // One spelling: what was read gives the same text again.
    const auto last = bytes.rfind('.');
    require(token->signed_text == bytes.substr(0, last));
    require(acp::base64url(token->signature) == bytes.substr(last + 1));
    require(acp::is_utf8(token->kid) && acp::is_utf8(token->typ));
    require(algorithm_of(name_of(token->algorithm)) == token->algorithm);
    if (token->signed_by(key().public_key())) require(bytes == known());
}

void try_key_set(std::string_view bytes) {
    const auto keys = KeySet::parse(bytes);
    if (!keys) {
        require(!keys.error().message.empty() && acp::is_utf8(keys.error().message));
        return;
    }
    // What is published is taken again, and is the same.
    const std::string text = keys->json();
    const auto again = KeySet::parse(text);
    require(again && again->json() == text && again->keys().size() == keys->keys().size());
    for (const PublicKey& one : keys->keys()) {
        require(one.thumbprint().size() == 43);
        for (const Algorithm algorithm : all_algorithms) {
            require(!one.verify(algorithm, "text", bytes.substr(0, 512)) ||
                    !one.verify(algorithm, "texu", bytes.substr(0, 512)));
            const PublicKey* found = one.kid().empty() ? nullptr : keys->find(one.kid(), algorithm);
            require(!one.fits(algorithm) || one.kid().empty() || found == &one);
        }
    }
}

void try_claims(std::string_view bytes) {
    const std::string token = key().sign("jwt", bytes).value();
    const auto parsed = parse(token);
    if (parsed) require(parsed->signed_by(key().public_key()));
    // One changed bit, in a place that the bytes choose.
    if (!parsed || bytes.empty()) return;
    std::string bent = parsed->signature;
    bent[static_cast<unsigned char>(bytes[0]) % bent.size()] ^= static_cast<char>(1U << (bytes.size() % 8));
    require(!key().public_key().verify(Algorithm::EdDSA, parsed->signed_text, bent));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    try_claims(bytes);
    try_token(bytes);
    try_key_set(bytes);
    if (auto pem = PublicKey::from_pem(bytes)) require(pem->thumbprint().size() == 43);
    return 0;
}
