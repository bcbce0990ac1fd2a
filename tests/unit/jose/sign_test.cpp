#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "jose/compact.h"
#include "unit/jose/forge.h"

using namespace acp;
using namespace acp::jose;
using test::key_for;

TEST_CASE("what a key signs, its public half verifies, and by no other algorithm") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        const PrivateKey& key = key_for(algorithm);
        CHECK(key.algorithm() == algorithm);
        const std::string token = key.sign("at+jwt", R"({"sub":"a"})").value();
        const Compact parsed = parse(token).value();
        CHECK(parsed.algorithm == algorithm);
        CHECK(parsed.kid == key.kid());
        CHECK(parsed.typ == "at+jwt");
        CHECK(json::text_or(parsed.claims, "sub") == "a");
        CHECK(parsed.signed_by(key.public_key()));
        // The key as others read it, without the algorithm that it is bound to.
        auto jwk = key.public_key().jwk();
        jwk->remove("alg");
        const PublicKey loose = PublicKey::from_jwk(jwk).value();
        for (const Algorithm other : all_algorithms) {
            CHECK(loose.verify(other, parsed.signed_text, parsed.signature) == (other == algorithm));
            CHECK(key.public_key().verify(other, parsed.signed_text, parsed.signature) == (other == algorithm));
            CHECK(key.public_key().fits(other) == (other == algorithm));
        }
        for (const Algorithm other : all_algorithms)
            CHECK(parsed.signed_by(key_for(other).public_key()) == (other == algorithm));
    }
}

TEST_CASE("a signature holds for its very bits") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        const PrivateKey& key = key_for(algorithm);
        const std::string text = "some text";
        const std::string good = test::sign_raw(key, text);
        const PublicKey& check = key.public_key();
        REQUIRE(check.verify(algorithm, text, good));
        CHECK_FALSE(check.verify(algorithm, "some texu", good));
        CHECK_FALSE(check.verify(algorithm, "", good));
        for (const std::size_t at : {std::size_t{0}, good.size() / 2 - 1, good.size() / 2, good.size() - 1}) {
            CAPTURE(at);
            std::string bent = good;
            bent[at] = static_cast<char>(bent[at] ^ 1);
            CHECK_FALSE(check.verify(algorithm, text, bent));
        }
        for (const auto& bad : {std::string(), std::string(good.size(), '\0'), std::string(good.size(), '\xff'),
                                good.substr(1), good + '\0', '\0' + good, good + good})
            CHECK_FALSE(check.verify(algorithm, text, bad));
    }
}

TEST_CASE("a private key survives being written and read") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        const PrivateKey& key = key_for(algorithm);
        const PrivateKey again = PrivateKey::from_pem(key.pem(), algorithm).value();
        CHECK(again.kid() == key.kid());
        CHECK(again.algorithm() == algorithm);
        const std::string token = again.sign("", "{}").value();
        CHECK(parse(token).value().typ.empty());
        CHECK(parse(token).value().signed_by(key.public_key()));
    }
}

TEST_CASE("what is no private key of ours is refused") {
    const auto check_of = [](const std::string& pem, Algorithm rsa = Algorithm::RS256) {
        auto key = PrivateKey::from_pem(pem, rsa);
        return key ? std::string() : key.error().internal;
    };
    CHECK(check_of("") == "pem");
    CHECK(check_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") == "pem");
    CHECK(check_of(std::string(65 * 1024, 'x')) == "size");
    // An RSA key signs by none of the others.
    CHECK(check_of(key_for(Algorithm::RS256).pem(), Algorithm::ES256) == "alg");
}

TEST_CASE("one key signs and verifies on several threads at once") {
    for (const Algorithm algorithm : all_algorithms) {
        const PrivateKey& key = key_for(algorithm);
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
