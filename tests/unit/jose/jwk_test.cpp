// Keys as others publish them: what is taken, what is left out, what is wrong.
#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "jose/material.h"
#include "unit/jose/forge.h"

using namespace acp;
using namespace acp::jose;
using test::death_of_jwk;
using test::death_of_set;
using test::key_for;

namespace {

using Members = std::initializer_list<std::pair<std::string, json::Var>>;

/// The key of the algorithm as text, with members changed; null removes one.
std::string jwk(Algorithm algorithm, Members changes = {}) {
    auto object = key_for(algorithm).public_key().jwk();
    object->remove("alg");
    for (const auto& [name, value] : changes)
        if (value.isEmpty())
            object->remove(name);
        else
            object->set(name, value);
    return json::dump(object);
}

std::string text(std::string_view s) {
    return std::string(s);
}

json::Array::Ptr list(std::initializer_list<json::Var> values) {
    auto out = json::array();
    for (const auto& value : values) out->add(value);
    return out;
}

/// An RSA modulus of so many bits, as odd as it should be: whether it has two
/// primes is nobody's business but its owner's.
std::string modulus(std::size_t bits, bool is_odd = true) {
    std::string n((bits + 7) / 8, '\xa5');
    n[0] = static_cast<char>(1U << ((bits - 1) % 8));
    n.back() = is_odd ? '\x01' : '\x02';
    return base64url(n);
}

std::string number_of(Algorithm algorithm, const char* name) {
    return unbase64url(json::text_or(key_for(algorithm).public_key().jwk(), name)).value();
}

struct Case {
    std::string name, key, check;
};
void all_die(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        CAPTURE(one.name);
        CHECK(death_of_jwk(one.key) == one.check);
    }
}

}  // namespace

TEST_CASE("a sound key of each kind is taken") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        CHECK(death_of_jwk(jwk(algorithm)).empty());
        CHECK(death_of_jwk(jwk(algorithm, {{"alg", text(name_of(algorithm))}})).empty());
        CHECK(death_of_jwk(jwk(algorithm, {{"use", json::Var()}, {"kid", json::Var()}})).empty());
        CHECK(
            death_of_jwk(jwk(algorithm,
                             {{"key_ops", list({text("verify")})}, {"x5t", text("abc")}, {"x5c", list({text("MII")})}}))
                .empty());
        const auto key = PublicKey::from_jwk(json::parse_object(jwk(algorithm)).value()).value();
        CHECK(key.thumbprint() == key_for(algorithm).kid());
        CHECK_FALSE(key.pinned());
        CHECK(json::dump(key.jwk()) == jwk(algorithm));
    }
    CHECK(death_of_jwk(jwk(Algorithm::RS256, {{"e", text("Aw")}})).empty());
    CHECK(death_of_jwk(jwk(Algorithm::RS256, {{"n", modulus(8192)}})).empty());
}

TEST_CASE("whoever publishes a private key has none") {
    std::vector<Case> cases;
    for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
        for (const Algorithm algorithm : {Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA})
            cases.push_back({name, jwk(algorithm, {{name, text("AQAB")}}), "private"});
    cases.push_back({"null d", R"({"kty":"EC","d":null})", "private"});
    cases.push_back(
        {"a symmetric key", R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"})", "private"});
    all_die(cases);
    CHECK(death_of_set(R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}]})") == "private");
    const auto refused =
        PublicKey::from_jwk(json::parse_object(jwk(Algorithm::ES256, {{"d", text("c2VjcmV0")}})).value());
    CHECK(refused.error().message.find("c2VjcmV0") == std::string::npos);
}

TEST_CASE("RSA keys are of a size and have an exponent that hold") {
    const auto with_n = [](const std::string& n) { return jwk(Algorithm::RS256, {{"n", n}}); };
    const auto with_e = [](const std::string& e) { return jwk(Algorithm::RS256, {{"e", e}}); };
    const std::string n = number_of(Algorithm::RS256, "n");
    all_die({
        {"512 bits", with_n(modulus(512)), "n"},
        {"1024 bits", with_n(modulus(1024)), "n"},
        {"2047 bits", with_n(modulus(2047)), "n"},
        {"8193 bits", with_n(modulus(8193)), "n"},
        {"16384 bits", with_n(modulus(16384)), "n"},
        {"even modulus", with_n(modulus(2048, false)), "n"},
        {"leading zero byte", with_n(base64url(std::string(1, '\0') + n)), "n"},
        {"1024 bits behind zeros", with_n(base64url(std::string(128, '\0') + unbase64url(modulus(1024)).value())), "n"},
        {"zero", with_n("AA"), "n"},
        {"empty", with_n(""), "n"},
        {"padded", with_n(base64url(n) + "="), "n"},
        {"other alphabet", with_n("+/" + base64url(n)), "n"},
        {"line end", with_n(base64url(n) + "\n"), "n"},
        {"number", jwk(Algorithm::RS256, {{"n", 65537}}), "n"},
        {"missing", jwk(Algorithm::RS256, {{"n", json::Var()}}), "n"},
        {"exponent 1", with_e("AQ"), "e"},
        {"exponent 2", with_e("Ag"), "e"},
        {"exponent 65536", with_e("AQAA"), "e"},
        {"exponent 0", with_e("AA"), "e"},
        {"exponent empty", with_e(""), "e"},
        {"exponent with a leading zero", with_e("AAEAAQ"), "e"},
        {"exponent of 72 bits", with_e(base64url(std::string(9, '\xff'))), "e"},
        {"exponent as large as the modulus", with_e(base64url(n)), "e"},
        {"exponent with stray bits", with_e("AR"), "e"},
        {"exponent a number", jwk(Algorithm::RS256, {{"e", 65537}}), "e"},
        {"exponent missing", jwk(Algorithm::RS256, {{"e", json::Var()}}), "e"},
    });
}

TEST_CASE("the point of an EC key is on its curve") {
    std::vector<Case> cases;
    for (const Algorithm algorithm : {Algorithm::ES256, Algorithm::ES384, Algorithm::ES512}) {
        const std::string x = number_of(algorithm, "x"), y = number_of(algorithm, "y");
        const std::string zero(x.size(), '\0'), full(x.size(), '\xff');
        std::string other = y;
        other.back() = static_cast<char>(other.back() ^ 1);
        const auto key = [&](const std::string& new_x, const std::string& new_y) {
            return jwk(algorithm, {{"x", base64url(new_x)}, {"y", base64url(new_y)}});
        };
        const std::string name(name_of(algorithm));
        cases.insert(cases.end(),
                     {
                         {name + " off the curve", key(x, other), "point"},
                         {name + " swapped", key(y, x), "point"},
                         {name + " zeros, which some write for infinity", key(zero, zero), "point"},
                         {name + " beyond the field", key(full, full), "point"},
                         {name + " x empty", key("", y), "x"},
                         {name + " y empty", key(x, ""), "y"},
                         {name + " x short", key(x.substr(1), y), "x"},
                         {name + " x long", key(std::string(1, '\0') + x, y), "x"},
                         {name + " y short", key(x, y.substr(1)), "y"},
                         {name + " y long", key(x, std::string(1, '\0') + y), "y"},
                         {name + " x missing", jwk(algorithm, {{"x", json::Var()}}), "x"},
                         {name + " y missing, as if compressed", jwk(algorithm, {{"y", json::Var()}}), "y"},
                         {name + " x no text", jwk(algorithm, {{"x", 5}}), "x"},
                         {name + " padded", jwk(algorithm, {{"x", base64url(x) + "="}}), "x"},
                         {name + " without curve", jwk(algorithm, {{"crv", json::Var()}}), "crv"},
                         {name + " curve no text", jwk(algorithm, {{"crv", 256}}), "crv"},
                         {name + " curve of OKP", jwk(algorithm, {{"crv", text("Ed25519")}}), "crv"},
                         {name + " secp256k1", jwk(algorithm, {{"crv", text("secp256k1")}}), "crv"},
                         {name + " curve by OpenSSL's name", jwk(algorithm, {{"crv", text("prime256v1")}}), "crv"},
                         {name + " curve in lower case", jwk(algorithm, {{"crv", text("p-256")}}), "crv"},
                     });
    }
    // The numbers of one curve under the name of another.
    cases.push_back({"P-256 as P-384", jwk(Algorithm::ES256, {{"crv", text("P-384")}}), "x"});
    cases.push_back({"P-384 as P-256", jwk(Algorithm::ES384, {{"crv", text("P-256")}}), "x"});
    all_die(cases);
}

TEST_CASE("OKP is Ed25519") {
    const std::string x = number_of(Algorithm::EdDSA, "x");
    const auto key = [](const std::string& bytes, const char* crv = "Ed25519") {
        return jwk(Algorithm::EdDSA, {{"x", base64url(bytes)}, {"crv", text(crv)}});
    };
    all_die({
        {"31 bytes", key(x.substr(1)), "x"},
        {"33 bytes", key(x + '\0'), "x"},
        {"empty", key(""), "x"},
        {"Ed448", key(std::string(57, 'x'), "Ed448"), "crv"},
        {"Ed448 of 32 bytes", key(x, "Ed448"), "crv"},
        {"X25519", key(x, "X25519"), "crv"},
        {"P-256", key(x, "P-256"), "crv"},
        {"missing", jwk(Algorithm::EdDSA, {{"x", json::Var()}}), "x"},
    });
}

TEST_CASE("a key of small order signs everything, so it signs nothing") {
    // The neutral element: any S with R = S*B would be a signature of any text.
    const std::string one = '\x01' + std::string(31, '\0');
    CHECK(death_of_jwk(jwk(Algorithm::EdDSA, {{"x", base64url(one)}})) == "point");
    CHECK(death_of_jwk(jwk(Algorithm::EdDSA, {{"x", base64url(std::string(32, '\0'))}})) == "point");
    CHECK(death_of_jwk(jwk(Algorithm::EdDSA, {{"x", base64url('\x01' + std::string(30, '\0') + '\x80')}})) == "point");
    CHECK(death_of_jwk(jwk(Algorithm::EdDSA, {{"x", base64url('\xec' + std::string(30, '\xff') + '\x7f')}})) ==
          "point");
    // y = 2^255 - 18 is another spelling of 1.
    CHECK(death_of_jwk(jwk(Algorithm::EdDSA, {{"x", base64url('\xee' + std::string(30, '\xff') + '\x7f')}})) ==
          "point");
}

TEST_CASE("a key says what it is for, and is for nothing else") {
    all_die({
        {"encryption", jwk(Algorithm::RS256, {{"use", text("enc")}}), "use"},
        {"use unknown", jwk(Algorithm::RS256, {{"use", text("Sig")}}), "use"},
        {"use no text", jwk(Algorithm::RS256, {{"use", list({text("sig")})}}), "use"},
        {"key_ops without verify", jwk(Algorithm::ES256, {{"key_ops", list({text("sign")})}}), "key_ops"},
        {"key_ops empty", jwk(Algorithm::ES256, {{"key_ops", json::array()}}), "key_ops"},
        {"key_ops no list", jwk(Algorithm::ES256, {{"key_ops", text("verify")}}), "key_ops"},
        {"alg unknown", jwk(Algorithm::RS256, {{"alg", text("RSA-OAEP")}}), "alg"},
        {"alg HS256", jwk(Algorithm::RS256, {{"alg", text("HS256")}}), "alg"},
        {"alg none", jwk(Algorithm::RS256, {{"alg", text("none")}}), "alg"},
        {"alg no text", jwk(Algorithm::RS256, {{"alg", 256}}), "alg"},
        {"RSA for ES256", jwk(Algorithm::RS256, {{"alg", text("ES256")}}), "alg"},
        {"P-256 for ES384", jwk(Algorithm::ES256, {{"alg", text("ES384")}}), "alg"},
        {"P-256 for RS256", jwk(Algorithm::ES256, {{"alg", text("RS256")}}), "alg"},
        {"P-256 for EdDSA", jwk(Algorithm::ES256, {{"alg", text("EdDSA")}}), "alg"},
        {"Ed25519 for ES256", jwk(Algorithm::EdDSA, {{"alg", text("ES256")}}), "alg"},
        {"kty missing", jwk(Algorithm::RS256, {{"kty", json::Var()}}), "kty"},
        {"kty no text", jwk(Algorithm::RS256, {{"kty", 5}}), "kty"},
        {"kty in lower case", jwk(Algorithm::RS256, {{"kty", text("rsa")}}), "kty"},
        {"kty oct without its secret", jwk(Algorithm::RS256, {{"kty", text("oct")}}), "kty"},
        {"EC key as RSA", jwk(Algorithm::ES256, {{"kty", text("RSA")}}), "n"},
        {"RSA key as EC", jwk(Algorithm::RS256, {{"kty", text("EC")}}), "crv"},
        {"kid no text", jwk(Algorithm::RS256, {{"kid", 5}}), "kid"},
        {"kid empty", jwk(Algorithm::RS256, {{"kid", text("")}}), "kid"},
        {"kid of 257 bytes", jwk(Algorithm::RS256, {{"kid", std::string(257, 'k')}}), "kid"},
        {"kid with a line end", jwk(Algorithm::RS256, {{"kid", text("a\nb")}}), "kid"},
    });
    CHECK(PublicKey::from_jwk({}).error().internal == "object");
}

TEST_CASE("a set leaves out what is of no use and is wrong with what is malformed") {
    const std::string good = jwk(Algorithm::ES256, {{"kid", text("a")}});
    const auto count = [&](const std::string& other) {
        auto set = KeySet::parse(R"({"keys":[)" + good + "," + other + "]}");
        return set ? static_cast<int>(set->keys().size()) : -1;
    };
    CHECK(count(jwk(Algorithm::EdDSA)) == 2);
    CHECK(count(R"({"kty":"oct"})") == 1);
    CHECK(count(R"({"kty":"AKP","alg":"ML-DSA-44","pub":"x"})") == 1);
    CHECK(count(jwk(Algorithm::ES256, {{"crv", text("secp256k1")}})) == 1);
    CHECK(count(jwk(Algorithm::EdDSA, {{"crv", text("X25519")}})) == 1);
    CHECK(count(jwk(Algorithm::RS256, {{"use", text("enc")}})) == 1);
    CHECK(count(jwk(Algorithm::RS256, {{"alg", text("RSA-OAEP-256")}})) == 1);
    CHECK(count(jwk(Algorithm::RS256, {{"n", modulus(1024)}})) == -1);
    CHECK(count(jwk(Algorithm::ES384, {{"x", text("AA")}})) == -1);
    CHECK(count("5") == -1);
    CHECK(count("null") == -1);
    CHECK(count("{}") == -1);
    // One kid for two keys.
    CHECK(count(good) == -1);
    CHECK(count(jwk(Algorithm::EdDSA, {{"kid", text("a")}})) == 2);
    // Without kid nothing is promised.
    CHECK(count(jwk(Algorithm::ES256, {{"kid", json::Var()}})) == 2);
}

TEST_CASE("two keys of one kid are wrong when one algorithm fits both") {
    const auto both = [](const std::string& a, const std::string& b) {
        return death_of_set(R"({"keys":[)" + a + "," + b + "]}");
    };
    const std::string kid = "a";
    const auto rsa = [&](const char* alg) {
        return alg == nullptr ? jwk(Algorithm::RS256, {{"kid", kid}})
                              : jwk(Algorithm::RS256, {{"kid", kid}, {"alg", text(alg)}});
    };
    CHECK(both(rsa("RS256"), rsa("PS256")).empty());
    CHECK(both(rsa("RS256"), rsa("RS256")) == "twice");
    CHECK(both(rsa("RS256"), rsa(nullptr)) == "twice");
    CHECK(both(rsa(nullptr), rsa(nullptr)) == "twice");
}

TEST_CASE("a key set is strict JSON of a bounded size") {
    CHECK(death_of_set(R"({"keys":[]})").empty());
    CHECK(death_of_set("") == "json");
    CHECK(death_of_set("[]") == "json");
    CHECK(death_of_set(R"({"keys":[],"keys":[]})") == "json");
    CHECK(death_of_set(R"({"keys":[],"\u006beys":[]})") == "json");
    CHECK(death_of_set(R"({"keys":[]} {"keys":[]})") == "json");
    CHECK(death_of_set(R"({"keys":[)" + std::string(300 * 1024, ' ') + "]}") == "json");
    CHECK(death_of_set(R"({"keys":[[[[[[[[]]]]]]]]})") == "json");
    CHECK(death_of_set("{}") == "keys");
    CHECK(death_of_set(R"({"keys":{}})") == "keys");
    CHECK(death_of_set(R"({"keys":"x"})") == "keys");
    CHECK(death_of_set(R"({"keys":null})") == "keys");
    CHECK(death_of_set(R"({"Keys":[]})") == "keys");
    std::string many = R"({"kty":"x"})";
    for (int i = 1; i < 64; ++i) many += R"(,{"kty":"x"})";
    CHECK(death_of_set(R"({"keys":[)" + many + "]}").empty());
    CHECK(death_of_set(R"({"keys":[)" + many + R"(,{"kty":"x"}]})") == "count");
    CHECK(KeySet::parse("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\xff\"}]}").error().code ==
          Code::invalid);
}

TEST_CASE("a key is found by kid, and without one only if there is no choice") {
    auto read = [](const std::string& keys) { return KeySet::parse(R"({"keys":[)" + keys + "]}").value(); };
    const std::string a = jwk(Algorithm::ES256, {{"kid", text("a")}});
    const std::string b = jwk(Algorithm::RS256, {{"kid", text("b")}, {"alg", text("PS256")}});
    const std::string nameless = jwk(Algorithm::EdDSA, {{"kid", json::Var()}});
    const KeySet set = read(a + "," + b + "," + nameless);
    CHECK(set.find("a", Algorithm::ES256) == &set.keys()[0]);
    CHECK(set.find("a", Algorithm::ES384) == nullptr);
    CHECK(set.find("a", Algorithm::EdDSA) == nullptr);
    CHECK(set.find("b", Algorithm::PS256) == &set.keys()[1]);
    CHECK(set.find("b", Algorithm::RS256) == nullptr);
    CHECK(set.find("c", Algorithm::EdDSA) == nullptr);
    CHECK(set.find("", Algorithm::EdDSA) == &set.keys()[2]);
    CHECK(set.find("", Algorithm::ES256) == &set.keys()[0]);
    CHECK(set.find("", Algorithm::ES384) == nullptr);
    const KeySet two = read(a + "," + jwk(Algorithm::ES256, {{"kid", text("c")}}));
    CHECK(two.find("", Algorithm::ES256) == nullptr);
    CHECK(two.find("c", Algorithm::ES256) == &two.keys()[1]);
}

TEST_CASE("what is published has no private member and is read again") {
    std::vector<PublicKey> keys;
    for (const Algorithm algorithm : all_algorithms) keys.push_back(key_for(algorithm).public_key());
    const std::string text = KeySet(keys).json();
    const KeySet again = KeySet::parse(text).value();
    REQUIRE(again.keys().size() == all_algorithms.size());
    CHECK(again.json() == text);
    for (const Algorithm algorithm : all_algorithms) CHECK(again.find(key_for(algorithm).kid(), algorithm) != nullptr);
}
