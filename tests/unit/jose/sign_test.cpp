#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "jose/compact.h"
#include "jose/key_set.h"
#include "jose/private_key.h"

using namespace acp;
using namespace acp::jose;

namespace {

/// RSA keys take long to make; all of their algorithms share one.
PrivateKey key_for(Algorithm algorithm) {
    static const std::string rsa = PrivateKey::generate(Algorithm::RS256).value().pem();
    if (name_of(algorithm)[1] != 'S' || name_of(algorithm)[0] == 'E') return PrivateKey::generate(algorithm).value();
    return PrivateKey::from_pem(rsa, algorithm).value();
}

}  // namespace

TEST_CASE("what a key signs, its public half verifies, and by no other algorithm") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        const PrivateKey key = key_for(algorithm);
        CHECK(key.algorithm() == algorithm);
        const std::string token = key.sign("at+jwt", R"({"sub":"a"})").value();
        const Compact parsed = parse(token).value();
        CHECK(parsed.algorithm == algorithm);
        CHECK(parsed.kid == key.kid());
        CHECK(parsed.typ == "at+jwt");
        CHECK(json::text_or(parsed.claims, "sub") == "a");
        CHECK(parsed.signed_by(key.public_key()));
        // The key that others read, without the algorithm that it is bound to.
        auto jwk = key.public_key().jwk();
        jwk->remove("alg");
        const PublicKey loose = PublicKey::from_jwk(jwk).value();
        for (const Algorithm other : all_algorithms) {
            CHECK(loose.verify(other, parsed.signed_text, parsed.signature) == (other == algorithm));
            CHECK(key.public_key().verify(other, parsed.signed_text, parsed.signature) == (other == algorithm));
        }
        CHECK_FALSE(parsed.signed_by(key_for(algorithm == Algorithm::EdDSA ? Algorithm::ES256 : Algorithm::EdDSA).public_key()));
    }
}

TEST_CASE("a private key survives being written and read") {
    for (const Algorithm algorithm : {Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA}) {
        CAPTURE(name_of(algorithm));
        const PrivateKey key = key_for(algorithm);
        const PrivateKey again = PrivateKey::from_pem(key.pem(), Algorithm::PS256).value();
        CHECK(again.kid() == key.kid());
        CHECK(again.algorithm() == algorithm);
        const std::string token = again.sign("", "{}").value();
        CHECK(parse(token).value().typ.empty());
        CHECK(parse(token).value().signed_by(key.public_key()));
    }
}

TEST_CASE("one key signs and verifies on several threads at once") {
    for (const Algorithm algorithm : all_algorithms) {
        const PrivateKey key = key_for(algorithm);
        std::atomic<int> good{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 5; ++i) {
                    const std::string token = key.sign("t", "{}").value();
                    good += parse(token).value().signed_by(key.public_key()) ? 1 : 0;
                }
            });
        for (auto& t : threads) t.join();
        CHECK(good == 20);
    }
}
