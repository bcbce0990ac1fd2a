// DPoP proofs (RFC 9449 section 4.3): each case is named by the check it dies at.
#include "identity/dpop.h"

#include <catch2/catch.hpp>
#include <functional>
#include <vector>

#include "unit/identity/fake_store.h"
#include "unit/identity/tokens.h"

using namespace acp;
using namespace acp::identity;
using test::kNow;
using test::Proof;

namespace {

const std::string kToken = "the.access.token";

/// Checks the proof as one for GET https://cp.example/manage/runs with kToken.
std::string death_of(DpopProofs& proofs, const std::string& proof, std::int64_t now = kNow) {
    const auto checked = proofs.check({proof, "GET", "https://cp.example/manage/runs", kToken, {}}, now);
    if (checked) return "";
    CHECK((checked.error().code == Code::unauthenticated || checked.error().code == Code::unavailable));
    CHECK(checked.error().message.find(kToken) == std::string::npos);
    return checked.error().internal;
}

std::string death_of(const std::string& proof, std::int64_t now = kNow) {
    test::FakeStore store;
    DpopProofs proofs(store, {});
    return death_of(proofs, proof, now);
}

Proof good() {
    Proof proof;
    proof.token = kToken;
    return proof;
}
Proof with_claims(const std::string& claims) {
    Proof proof = good();
    proof.claims = claims;
    return proof;
}
Proof with_header(const std::string& header) {
    Proof proof = good();
    proof.header = header;
    return proof;
}

}  // namespace

TEST_CASE("a good proof gives its key's thumbprint", "[dpop]") {
    test::FakeStore store;
    DpopProofs proofs(store, {});
    for (const auto algorithm :
         {jose::Algorithm::ES256, jose::Algorithm::EdDSA, jose::Algorithm::RS256, jose::Algorithm::ES384}) {
        Proof proof{.key = jose::test::key_for(algorithm)};
        proof.token = kToken;
        const auto checked = proofs.check({proof.text(), "GET", "https://cp.example/manage/runs", kToken, {}}, kNow);
        REQUIRE(checked);
        CHECK(*checked == jose::test::key_for(algorithm).public_key().thumbprint());
    }
}

TEST_CASE("every way in which a proof can be wrong", "[dpop]") {
    const auto& other = jose::test::key_for(jose::Algorithm::ES384);
    const auto private_jwk = [] {
        auto jwk = jose::test::key_for(jose::Algorithm::ES256).public_key().jwk();
        jwk->set("d", std::string(43, 'A'));
        return R"({"jwk":)" + json::dump(jwk) + "}";
    };
    struct Row {
        std::string death;
        std::string proof;
    };
    const std::string text = good().text();
    const std::vector<Row> rows = {
        {"proof missing", ""},
        {"proof size", std::string(4097, 'a')},
        {"proof parts", "a.b"},
        {"proof base64url", "a.b.c="},
        {"proof typ", with_header(R"({"typ":null})").text()},
        {"proof typ", with_header(R"({"typ":"jwt"})").text()},
        {"proof typ", with_header(R"({"typ":"at+jwt"})").text()},
        {"proof alg", with_header(R"({"alg":"none"})").text()},
        {"proof alg", with_header(R"({"alg":"HS256"})").text()},
        {"proof signature", with_header(R"({"alg":"ES384"})").text()},
        {"proof jwk", with_header(R"({"jwk":null})").text()},
        {"proof jwk", with_header(R"({"jwk":"x"})").text()},
        {"proof jwk", with_header(R"({"jwk":[]})").text()},
        {"proof jku", with_header(R"({"jku":"https://evil.example"})").text()},
        {"proof x5u", with_header(R"({"x5u":"https://evil.example"})").text()},
        {"proof x5c", with_header(R"({"x5c":[]})").text()},
        {"proof crit", with_header(R"({"crit":["exp"]})").text()},
        {"proof signature", with_header(R"({"jwk":)" + json::dump(other.public_key().jwk()) + "}").text()},
        {"proof signature", text.substr(0, text.rfind('.') + 1) + base64url(std::string(64, 'x'))},
        {"proof jti", with_claims(R"({"jti":null})").text()},
        {"proof jti", with_claims(R"({"jti":""})").text()},
        {"proof jti", with_claims(R"({"jti":5})").text()},
        {"proof jti", with_claims(R"({"jti":")" + std::string(257, 'j') + "\"}").text()},
        {"proof htm", with_claims(R"({"htm":null})").text()},
        {"proof htm", with_claims(R"({"htm":"POST"})").text()},
        {"proof htm", with_claims(R"({"htm":"get"})").text()},
        {"proof htu", with_claims(R"({"htu":null})").text()},
        {"proof htu", with_claims(R"({"htu":"https://cp.example/manage/run"})").text()},
        {"proof htu", with_claims(R"({"htu":"https://cp.example/manage/runs/"})").text()},
        {"proof htu", with_claims(R"({"htu":"https://cp.example/Manage/runs"})").text()},
        {"proof htu", with_claims(R"({"htu":"http://cp.example/manage/runs"})").text()},
        {"proof htu", with_claims(R"({"htu":"https://cp.example:8443/manage/runs"})").text()},
        {"proof htu", with_claims(R"({"htu":"https://evil.example/manage/runs"})").text()},
        {"proof htu", with_claims(R"({"htu":"https://cp.example@evil.example/manage/runs"})").text()},
        {"proof htu", with_claims(R"({"htu":"/manage/runs"})").text()},
        {"proof htu", with_claims(R"({"htu":["https://cp.example/manage/runs"]})").text()},
        {"proof iat missing", with_claims(R"({"iat":null})").text()},
        {"proof iat missing", with_claims(R"({"iat":"1800000000"})").text()},
        {"proof iat missing", with_claims(R"({"iat":true})").text()},
        {"proof iat missing", with_claims(R"({"iat":1e300})").text()},
        {"proof iat in the future", with_claims(R"({"iat":1800000031})").text()},
        {"proof iat too old", with_claims(R"({"iat":1799999909})").text()},
        {"proof iat too old", with_claims(R"({"iat":0})").text()},
        {"proof ath", with_claims(R"({"ath":null})").text()},
        {"proof ath", with_claims(R"({"ath":""})").text()},
        {"proof ath", with_claims(R"({"ath":")" + test::digest("another") + "\"}").text()},
        {"proof ath", with_claims(R"({"ath":")" + test::digest(kToken) + "=\"}").text()},
    };
    for (const Row& row : rows) {
        CAPTURE(row.death, row.proof);
        CHECK(death_of(row.proof) == row.death);
    }
    CHECK(death_of(with_header(private_jwk()).text()).starts_with("proof jwk "));
    CHECK(death_of(with_header(R"({"jwk":{"kty":"oct","k":"AAAA"}})").text()).starts_with("proof jwk "));
    CHECK(death_of(with_header(R"({"jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}})").text())
              .starts_with("proof jwk "));
}

TEST_CASE("what may differ without harm", "[dpop]") {
    for (const char* claims :
         {R"({"htu":"HTTPS://CP.example:443/manage/runs"})", R"({"htu":"https://cp.example/manage/runs?x=1#y"})",
          R"({"htu":"https://cp.example/manage/%72uns"})", R"({"htu":"https://cp.example/manage/./runs"})",
          R"({"iat":1800000030})", R"({"iat":1799999910})", R"({"iat":1800000000.5})",
          R"({"exp":1,"nonce":"whatever"})"}) {
        CAPTURE(claims);
        CHECK(death_of(with_claims(claims).text()).empty());
    }
    CHECK(death_of(with_header(R"({"typ":"application/DPoP+JWT"})").text()).empty());
}

TEST_CASE("a proof is good once, on all replicas, for as long as it could live", "[dpop]") {
    test::FakeStore store;
    DpopProofs here(store, {}), there(store, {});
    const std::string proof = with_claims(R"({"jti":"j","iat":1800000030})").text();
    CHECK(death_of(here, proof).empty());
    CHECK(death_of(here, proof) == "proof jti used before");
    CHECK(death_of(there, proof) == "proof jti used before");
    // The last moment at which its iat is within the window.
    store.now_ms += 120'000;
    CHECK(death_of(here, proof, kNow + 120) == "proof jti used before");
    store.now_ms += 1000;
    CHECK(death_of(here, proof, kNow + 121) == "proof iat too old");
    // The same jti by another key is another proof.
    Proof other{.key = jose::test::key_for(jose::Algorithm::EdDSA)};
    other.token = kToken;
    other.claims = R"({"jti":"j"})";
    CHECK(death_of(here, other.text()).empty());
}

TEST_CASE("only what is sound in itself takes room in the store", "[dpop]") {
    test::FakeStore store;
    DpopProofs proofs(store, {});
    CHECK(death_of(proofs, with_claims(R"({"htm":"POST"})").text()) == "proof htm");
    const auto& own = jose::test::key_for(jose::Algorithm::EdDSA).public_key();
    const auto stranger =
        proofs.check({good().text(), "GET", "https://cp.example/manage/runs", kToken, own.thumbprint()}, kNow);
    REQUIRE_FALSE(stranger);
    CHECK(stranger.error().slug == "invalid_token");
    CHECK(stranger.error().internal == "cnf.jkt");
    CHECK(store.size() == 0);
    CHECK(death_of(proofs, good().text()).empty());
    CHECK(store.size() == 1);
}

TEST_CASE("whether a proof is new cannot be told while the store is down", "[dpop]") {
    test::FakeStore store;
    DpopProofs proofs(store, {});
    store.down = true;
    const auto checked = proofs.check({good().text(), "GET", "https://cp.example/manage/runs", kToken, {}}, kNow);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == Code::unavailable);
}

TEST_CASE("at the token endpoint there is no token yet", "[dpop]") {
    test::FakeStore store;
    DpopProofs proofs(store, {});
    Proof proof;
    proof.method = "POST";
    proof.url = "https://cp.example/auth/token";
    CHECK(proofs.check({proof.text(), "POST", "https://cp.example/auth/token", {}, {}}, kNow));
}

TEST_CASE("a nonce is asked for, and one of ours is taken while it lives", "[dpop]") {
    test::FakeStore store;
    const DpopRules rules{60, 30, true};
    DpopProofs here(store, rules), there(store, rules);
    const auto checked = here.check({good().text(), "GET", "https://cp.example/manage/runs", kToken, {}}, kNow);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().slug == "use_dpop_nonce");
    const std::string nonce = here.nonce(kNow).value();
    CHECK(there.nonce(kNow).value() == nonce);
    CHECK(here.nonce(kNow + 120).value() != nonce);
    const auto proof = [&](std::int64_t iat, const std::string& value) {
        return with_claims(R"({"nonce":")" + value + R"(","iat":)" + std::to_string(iat) + "}").text();
    };
    CHECK(death_of(there, proof(kNow, nonce)).empty());
    CHECK(death_of(there, proof(kNow + 239, nonce), kNow + 239).empty());
    CHECK(death_of(there, proof(kNow + 240, nonce), kNow + 240) == "proof nonce");
    CHECK(death_of(there, proof(kNow, nonce + "x")) == "proof nonce");
    CHECK(death_of(there, proof(kNow, "")) == "proof nonce");
    // The key is made anew when its time in the store is over, and others find out.
    store.now_ms += std::int64_t{31} * 86'400'000;
    const std::int64_t later = kNow + std::int64_t{31} * 86'400;
    CHECK(here.nonce(later).value() == there.nonce(later).value());
}
