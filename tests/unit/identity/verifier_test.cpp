// From a presented token to a principal: every way in which it dies, by the
// check it dies at, and what is remembered.
#include "identity/verifier.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include "identity/make_verifier.h"
#include "unit/identity/fake_store.h"
#include "unit/identity/temp_dir.h"
#include "unit/identity/tokens.h"

using namespace acp;
using namespace acp::identity;
using jose::Algorithm;
using jose::test::forge;
using jose::test::key_for;
using test::kNow;
using test::Proof;
using test::with;

namespace {

const std::string kOwn = "https://cp.example/auth";
const std::string kIdp = "https://idp.example";

const std::shared_ptr<Keyring>& keyring() {
    static const test::TempDir dir;
    static const std::shared_ptr<Keyring> keys = Keyring::open(dir.path(), 0).value();
    return keys;
}

/// A verifier with its surroundings: one trusted issuer, with the ES256 and RS256
/// keys of the tests.
struct House {
    test::FakeStore store;
    std::string published =
        jose::KeySet({key_for(Algorithm::ES256).public_key(), key_for(Algorithm::RS256).public_key()}).json();
    bool idp_is_up = true;
    std::atomic<int> fetches{0};
    std::int64_t mono_ms = 0;
    VerifierParts parts;
    std::shared_ptr<Verifier> verifier;

    explicit House(std::size_t cached = 1024, const DpopRules& dpop = {}) {
        KeyRules rules;
        rules.now_ms = [this] { return mono_ms; };
        rules.fetch = [this](const std::string&, const std::string&) -> Result<std::string> {
            ++fetches;
            if (!idp_is_up) return fail(Code::unavailable, "unavailable", "down");
            return published;
        };
        TrustedIssuer idp;
        idp.issuer = kIdp;
        idp.jwks_url = kIdp + "/keys";
        idp.audiences = {"api://cp", "api://cp2"};
        idp.algorithms = {Algorithm::ES256};
        idp.types = {"at+jwt", "jwt"};
        Roles roles(default_roles(), {{kIdp, "groups", RoleRule::Test::contains, "ops", "operator", {}}});
        parts.keys = keyring();
        parts.trusted = std::make_shared<TrustedIssuers>(std::vector<TrustedIssuer>{idp}, roles,
                                                         std::make_shared<KeySources>(rules), 30);
        parts.revocations = std::make_shared<Revocations>(store);
        parts.proofs = std::make_shared<DpopProofs>(store, dpop);
        verifier = make_verifier({kOwn, "alphaswarm-cp", 30, cached}, parts);
    }

    Result<PrincipalPtr> verify(const std::string& token, std::int64_t now = kNow) {
        return verifier->verify({.token = token}, now);
    }
    PrincipalPtr known(const std::string& token, std::int64_t now = kNow) {
        return verifier->known({.token = token}, now);
    }
    /// The check at which the token dies; "" when it holds.
    std::string death_of(const std::string& token, std::int64_t now = kNow) {
        return death_of(Presented{.token = token}, now);
    }
    std::string death_of(const Presented& presented, std::int64_t now = kNow) {
        const auto who = verifier->verify(presented, now);
        if (who) return "";
        CHECK(who.error().code == Code::unauthenticated);
        return who.error().internal;
    }
};

json::Object::Ptr own_claims() {
    return json::object({{"iss", kOwn},
                         {"sub", std::string("alice")},
                         {"aud", std::string("alphaswarm-cp")},
                         {"iat", kNow},
                         {"nbf", kNow},
                         {"exp", kNow + 600},
                         {"jti", random_token(9)},
                         {"client_id", std::string("cli")},
                         {"scope", std::string("read:infrastructure")}});
}
std::string own(const std::string& change = "{}", const std::string& typ = "at+jwt") {
    return keyring()->sign(typ, json::dump(with(own_claims(), change))).value();
}

json::Object::Ptr foreign_claims() {
    return json::parse_object(
               R"({"iss":"https://idp.example","sub":"bob","aud":"api://cp","iat":1800000000,"exp":1800000600,
        "groups":["ops"],"scope":"admin:cluster"})")
        .value();
}
/// By the issuer's ES256 key, unless `by` says otherwise.
std::string foreign(const std::string& change = "{}", const std::string& header_change = "{}",
                    Algorithm by = Algorithm::ES256) {
    const auto& key = key_for(by);
    auto header =
        json::object({{"alg", std::string(jose::name_of(by))}, {"kid", key.kid()}, {"typ", std::string("at+jwt")}});
    return forge(key, json::dump(with(header, header_change)), json::dump(with(foreign_claims(), change)));
}

std::string replaced(std::string token, std::size_t part, const std::string& text) {
    std::size_t from = 0;
    for (; part > 0; --part) from = token.find('.', from) + 1;
    const auto to = std::min(token.find('.', from), token.size());
    return token.replace(from, to - from, text);
}

std::string bound(const std::string& jkt) {
    return own(R"({"cnf":{"jkt":")" + jkt + "\"}}");
}

}  // namespace

TEST_CASE("a good token of each kind", "[verifier]") {
    House house;
    const auto alice = house.verify(own()).value();
    CHECK(alice->subject == "alice");
    CHECK(alice->scopes == std::vector<std::string>{"read:infrastructure"});
    CHECK(house.fetches == 0);
    const auto bob = house.verify(foreign()).value();
    CHECK(bob->subject == "bob");
    CHECK(bob->issuer == kIdp);
    CHECK(bob->may("manage:infrastructure"));
    CHECK_FALSE(bob->may("admin:cluster"));
    CHECK(house.death_of(foreign(R"({"aud":["x","api://cp2"]})", R"({"typ":"JWT"})")).empty());
    CHECK(house.death_of(foreign(R"({"iat":null})")).empty());
    CHECK(house.fetches == 1);
}

TEST_CASE("every way in which a token dies", "[verifier]") {
    const std::string good = own(), theirs = foreign();
    struct Row {
        const char* death;
        std::string token;
    };
    const std::vector<Row> rows = {
        // Its form.
        {"size", std::string(8193, 'a')},
        {"parts", ""},
        {"parts", "a"},
        {"parts", good + "."},
        {"parts", good.substr(0, good.rfind('.'))},
        {"base64url", good + "="},
        {"base64url", " " + good},
        {"base64url", good + "\n"},
        {"alg", replaced(good, 0, base64url(R"({"alg":"none","typ":"at+jwt"})"))},
        {"alg", replaced(good, 0, base64url(R"({"alg":"HS256","typ":"at+jwt"})"))},
        {"alg", replaced(good, 0, base64url(R"({"alg":"es256","typ":"at+jwt"})"))},
        {"alg", replaced(good, 0, base64url(R"({"alg":["ES256"],"typ":"at+jwt"})"))},
        {"alg", foreign("{}", R"({"alg":"none"})")},
        {"alg", foreign("{}", R"({"alg":"HS256"})")},
        {"crit", foreign("{}", R"({"crit":["x"]})")},
        {"b64", foreign("{}", R"({"b64":false})")},
        {"jku", foreign("{}", R"({"jku":"https://evil.example/k"})")},
        {"x5u", foreign("{}", R"({"x5u":"https://evil.example/k"})")},
        {"x5c", foreign("{}", R"({"x5c":["AA"]})")},
        {"jwk", foreign("{}", R"({"jwk":{"kty":"EC"}})")},
        {"kid", foreign("{}", R"({"kid":5})")},
        {"typ", foreign("{}", R"({"typ":5})")},
        {"signature", good.substr(0, good.rfind('.') + 1)},
        // Whose it is: before any key.
        {"iss", foreign(R"({"iss":null})")},
        {"iss", foreign(R"({"iss":""})")},
        {"iss", foreign(R"({"iss":["https://idp.example"]})")},
        {"iss", foreign(R"({"iss":"https://idp.example/"})")},
        {"iss", foreign(R"({"iss":"https://IDP.example"})")},
        {"iss", foreign(R"({"iss":"https://evil.example"})")},
        {"iss", foreign(R"({"iss":"https://idp.example\t"})")},
        // An issuer's name does not lend its keys.
        {"signature", foreign(R"({"iss":"https://cp.example/auth"})")},
        {"kid", own(R"({"iss":"https://idp.example"})")},
        // Own: signature and claims (RFC 9068 section 4).
        {"signature", replaced(good, 2, base64url(std::string(64, 'x')))},
        {"signature", replaced(good, 1, base64url(json::dump(with(own_claims(), R"({"sub":"mallory"})"))))},
        {"signature", replaced(own(), 2, good.substr(good.rfind('.') + 1))},
        {"signature", replaced(good, 0, base64url(R"({"alg":"ES256","kid":"nobody","typ":"at+jwt"})"))},
        {"typ", own("{}", "jwt")},
        {"typ", own("{}", "")},
        {"typ", own("{}", "dpop+jwt")},
        {"typ", own("{}", "logout+jwt")},
        {"aud", own(R"({"aud":null})")},
        {"aud", own(R"({"aud":"other"})")},
        {"aud", own(R"({"aud":"ALPHASWARM-CP"})")},
        {"aud", own(R"({"aud":[]})")},
        {"aud", own(R"({"aud":["other",["alphaswarm-cp"]]})")},
        {"aud", own(R"({"aud":{"alphaswarm-cp":1}})")},
        {"exp missing", own(R"({"exp":null})")},
        {"exp missing", own(R"({"exp":"1900000000"})")},
        {"exp missing", own(R"({"exp":true})")},
        {"exp missing", own(R"({"exp":-1})")},
        {"exp missing", own(R"({"exp":1e300})")},
        {"exp", own(R"({"exp":1799999970})")},
        {"exp", own(R"({"exp":0})")},
        {"iat missing", own(R"({"iat":null})")},
        {"iat in the future", own(R"({"iat":1800000031})")},
        {"nbf", own(R"({"nbf":1800000031})")},
        {"nbf", own(R"({"nbf":"now"})")},
        {"sub", own(R"({"sub":null})")},
        {"sub", own(R"({"sub":""})")},
        {"jti", own(R"({"jti":null})")},
        {"client_id", own(R"({"client_id":null})")},
        {"scope", own(R"({"scope":{}})")},
        {"cnf", own(R"({"cnf":{}})")},
        {"cnf", own(R"({"cnf":{"kid":"a"}})")},
        // Of a trusted issuer.
        {"alg not allowed", foreign("{}", "{}", Algorithm::RS256)},
        {"alg not allowed", foreign("{}", "{}", Algorithm::ES384)},
        {"kid", foreign("{}", R"({"kid":"another"})")},
        {"kid", foreign("{}", R"({"kid":"../../etc/passwd"})")},
        {"signature", replaced(theirs, 2, base64url(std::string(64, 'x')))},
        {"signature", replaced(theirs, 1, base64url(json::dump(with(foreign_claims(), R"({"groups":["admins"]})"))))},
        {"typ", foreign("{}", R"({"typ":null})")},
        {"typ", foreign("{}", R"({"typ":"id_token"})")},
        {"typ", foreign("{}", R"({"typ":"logout+jwt"})")},
        {"aud", foreign(R"({"aud":"alphaswarm-cp"})")},
        {"aud", foreign(R"({"aud":null})")},
        {"exp missing", foreign(R"({"exp":null})")},
        {"exp", foreign(R"({"exp":1799999970})")},
        {"iat in the future", foreign(R"({"iat":1800000031})")},
        {"nbf", foreign(R"({"nbf":1800000031})")},
        {"sub", foreign(R"({"sub":null})")},
        {"no access token: nonce", foreign(R"({"nonce":"n"})")},
        {"no access token: events", foreign(R"({"events":{}})")},
        {"resources", foreign(R"({"resources":5})")},
    };
    House house;
    REQUIRE(house.death_of(good).empty());
    REQUIRE(house.death_of(theirs).empty());
    for (const Row& row : rows) {
        CAPTURE(row.death, row.token);
        CHECK(house.death_of(row.token) == row.death);
        CHECK_FALSE(house.known(row.token));
    }
    CHECK(rows.size() >= 60);
    // The key set, and one look for a kid that is not in it.
    CHECK(house.fetches == 2);
}

TEST_CASE("a refusal says invalid or expired and no more", "[verifier]") {
    House house;
    const auto message = [&](const std::string& token) { return house.verify(token).error().message; };
    CHECK(message(own(R"({"iss":"https://evil.example"})")) == "the access token is invalid");
    CHECK(message("a.b.c") == "the access token is invalid");
    CHECK(message(own(R"({"aud":"x"})")) == "the access token is invalid");
    CHECK(message(own(R"({"exp":1})")) == "the access token has expired");
}

TEST_CASE("nothing is fetched for an issuer that nobody trusts", "[verifier]") {
    House house;
    for (const char* issuer : {"https://evil.example", "http://169.254.169.254/", ""})
        CHECK(house.death_of(foreign(std::string(R"({"iss":")") + issuer + "\"}")) == "iss");
    CHECK(house.death_of(foreign("{}", "{}", Algorithm::RS256)) == "alg not allowed");
    CHECK(house.fetches == 0);
}

TEST_CASE("without the issuer's keys a token is neither good nor bad", "[verifier]") {
    House house;
    house.idp_is_up = false;
    const auto unknown = house.verify(foreign());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == Code::unavailable);
    house.idp_is_up = true;
    house.mono_ms += 1000;
    CHECK(house.verify(foreign()));
}

TEST_CASE("a token holds with the leeway and not beyond", "[verifier]") {
    House house(0);
    const std::string token = own();
    CHECK(house.death_of(token, kNow - 30).empty());
    CHECK(house.death_of(token, kNow - 31) == "iat in the future");
    CHECK(house.death_of(token, kNow + 629).empty());
    CHECK(house.death_of(token, kNow + 630) == "exp");
}

TEST_CASE("what was verified is known, until it expires", "[verifier]") {
    House house;
    const std::string token = own();
    CHECK_FALSE(house.known(token));
    const auto who = house.verify(token).value();
    CHECK(house.known(token) == who);
    CHECK(house.verify(token).value() == who);
    CHECK(house.known(token, kNow + 599));
    CHECK_FALSE(house.known(token, kNow + 600));
    CHECK(house.verify(token, kNow + 600));  // the leeway is verify's alone
    CHECK_FALSE(house.known(token.substr(0, token.size() - 1)));
    CHECK_FALSE(house.known(""));
    house.verifier->forget();
    CHECK_FALSE(house.known(token));
}

TEST_CASE("a revoked token is known no more, at once here and soon elsewhere", "[verifier]") {
    House house;
    const std::string one = own(R"({"jti":"one"})"), two = own(R"({"jti":"two"})"),
                      old = own(R"({"jti":"old","iat":1799999990,"sub":"carol"})"),
                      fresh = own(R"({"jti":"fresh","sub":"carol"})");
    for (const auto& token : {one, two, old, fresh}) REQUIRE(house.verify(token));
    REQUIRE(house.parts.revocations->revoke_token(kOwn, "one", kNow + 600, kNow));
    CHECK_FALSE(house.known(one));
    CHECK(house.death_of(one) == "revoked");
    CHECK_FALSE(house.known(one));
    CHECK(house.known(two));
    REQUIRE(house.parts.revocations->revoke_subject(kOwn, "carol", kNow - 5, 3600, kNow));
    CHECK(house.death_of(old) == "revoked");
    CHECK(house.known(fresh));
    CHECK(house.known(two));
    // Another replica says so.
    Revocations elsewhere(house.store);
    REQUIRE(elsewhere.revoke_token(kOwn, "two", kNow + 600, kNow));
    CHECK(house.known(two));
    REQUIRE(house.parts.revocations->poll(kNow));
    CHECK_FALSE(house.known(two));
    CHECK(house.death_of(two) == "revoked");
    // Of an issuer that gives the same jti.
    const std::string same = foreign(R"({"jti":"one"})");
    CHECK(house.death_of(same).empty());
    REQUIRE(house.parts.revocations->revoke_token(kIdp, "one", kNow + 600, kNow));
    CHECK(house.death_of(same) == "revoked");
}

TEST_CASE("what an issuer's withdrawn key has signed is known no more", "[verifier]") {
    House house;
    const std::string token = foreign();
    REQUIRE(house.verify(token));
    REQUIRE(house.known(token));
    house.published = jose::KeySet({key_for(Algorithm::RS256).public_key()}).json();
    house.mono_ms += 600'000;
    CHECK(house.death_of(foreign(R"({"sub":"x"})")) == "kid");
    CHECK_FALSE(house.known(token));
    CHECK(house.death_of(token) == "kid");
}

TEST_CASE("a token that is bound to a key needs its proof each time", "[verifier]") {
    House house;
    const auto& key = key_for(Algorithm::ES256);
    const std::string token = bound(key.public_key().thumbprint());
    const std::string url = "https://cp.example/manage/runs";
    const auto presented = [&](const std::string& proof, bool scheme = true) {
        return Presented{.token = token, .dpop_scheme = scheme, .proof = proof, .method = "GET", .url = url};
    };
    Proof proof;
    proof.token = token;
    const std::string first = proof.text(), second = proof.text();
    CHECK(house.death_of(presented(first)).empty());
    CHECK(house.death_of(presented(first)) == "proof jti used before");
    CHECK(house.death_of(presented(second)).empty());
    CHECK(house.death_of(presented("")) == "proof missing");
    CHECK(house.death_of(presented(proof.text(), false)) == "bound to a key, sent as Bearer");
    CHECK(house.death_of(token) == "bound to a key, sent as Bearer");
    CHECK_FALSE(house.verifier->known(presented(proof.text()), kNow));
    CHECK_FALSE(house.known(token));
    Proof other{.key = key_for(Algorithm::EdDSA)};
    other.token = token;
    CHECK(house.death_of(presented(other.text())) == "cnf.jkt");
    Proof stolen;
    stolen.token = own();
    CHECK(house.death_of(presented(stolen.text())) == "proof ath");
    Proof elsewhere;
    elsewhere.token = token;
    elsewhere.url = "https://cp.example/manage/plugins";
    CHECK(house.death_of(presented(elsewhere.text())) == "proof htu");
}

TEST_CASE("a token that is bound to nothing is no DPoP token", "[verifier]") {
    House house;
    const std::string token = own();
    Proof proof;
    proof.token = token;
    const std::string text = proof.text();
    const Presented presented{.token = token, .dpop_scheme = true, .proof = text, .method = "GET", .url = proof.url};
    CHECK(house.death_of(presented) == "not bound to a key");
    REQUIRE(house.verify(token));
    CHECK_FALSE(house.verifier->known(presented, kNow));
    CHECK(house.death_of(presented) == "not bound to a key");
}

TEST_CASE("a token that is bound to a certificate needs it each time", "[verifier]") {
    House house;
    const std::string certificate = test::digest("certificate"), other = test::digest("another");
    const std::string token = own(R"({"cnf":{"x5t#S256":")" + certificate + "\"}}");
    CHECK(house.death_of(token) == "cnf.x5t#S256");
    CHECK(house.death_of(Presented{.token = token, .certificate_sha256 = other}) == "cnf.x5t#S256");
    CHECK(house.death_of(Presented{.token = token, .certificate_sha256 = certificate}).empty());
    CHECK_FALSE(house.verifier->known({.token = token, .certificate_sha256 = certificate}, kNow));
    CHECK(house.death_of(Presented{.token = token, .certificate_sha256 = certificate.substr(1)}) == "cnf.x5t#S256");
    CHECK(house.death_of(token) == "cnf.x5t#S256");
    // A certificate does no harm to a token that is bound to none.
    CHECK(house.death_of(Presented{.token = own(), .certificate_sha256 = other}).empty());
}

TEST_CASE("a token may be bound to both, and needs both", "[verifier]") {
    House house;
    const std::string certificate = test::digest("certificate");
    const std::string token = own(R"({"cnf":{"x5t#S256":")" + certificate + R"(","jkt":")" +
                                  key_for(Algorithm::ES256).public_key().thumbprint() + "\"}}");
    Proof proof;
    proof.token = token;
    const std::string one = proof.text(), two = proof.text();
    CHECK(house.death_of({.token = token, .dpop_scheme = true, .proof = one, .method = "GET", .url = proof.url}) ==
          "cnf.x5t#S256");
    CHECK(house.death_of({.token = token, .certificate_sha256 = certificate}) == "bound to a key, sent as Bearer");
    CHECK(house
              .death_of({.token = token,
                         .dpop_scheme = true,
                         .proof = two,
                         .method = "GET",
                         .url = proof.url,
                         .certificate_sha256 = certificate})
              .empty());
}

TEST_CASE("verifying and revoking at the same time", "[verifier]") {
    House house(64);
    std::vector<std::string> tokens;
    for (int i = 0; i < 24; ++i) tokens.push_back(own(R"({"jti":")" + std::to_string(i) + "\"}"));
    std::atomic<int> revoked_until{-1};
    std::atomic<int> wrong{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            while (!stop) {
                for (int i = 0; i < 24; ++i) {
                    // What was revoked before it was asked must not be answered.
                    const bool is_gone = revoked_until >= i;
                    const std::string& token = tokens[static_cast<std::size_t>(i)];
                    const bool holds =
                        house.verifier->known({.token = token}, kNow) || house.verifier->verify({.token = token}, kNow);
                    if (is_gone && holds) ++wrong;
                    if (!is_gone && !holds && revoked_until < i - 1) ++wrong;
                }
            }
        });
    for (int i = 0; i < 24; ++i) {
        REQUIRE(house.parts.revocations->revoke_token(kOwn, std::to_string(i), kNow + 600, kNow));
        revoked_until = i;
        if (i % 8 == 0) house.verifier->forget();
        std::this_thread::yield();
    }
    stop = true;
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
    for (const auto& token : tokens) CHECK_FALSE(house.known(token));
}
