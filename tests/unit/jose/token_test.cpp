// Attacks on tokens: each dies at the check that is there for it.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "jose/compact.h"
#include "unit/jose/forge.h"

using namespace acp;
using namespace acp::jose;
using test::forge;
using test::key_for;

namespace {

const PrivateKey& es256() {
    return key_for(Algorithm::ES256);
}

/// The public keys of all algorithms, each bound to its own.
const KeySet& keys() {
    static const KeySet set = [] {
        std::vector<PublicKey> all;
        for (const Algorithm algorithm : all_algorithms) all.push_back(key_for(algorithm).public_key());
        return KeySet(std::move(all));
    }();
    return set;
}

std::string death(const std::string& token) {
    return test::death_of(token, keys());
}

constexpr const char* claims = R"({"iss":"https://cp.example","sub":"alice"})";

/// {"alg":"ES256","kid":KID ...}
std::string header(const std::string& more = "", const std::string& alg = "ES256") {
    return R"({"alg":")" + alg + R"(","kid":")" + es256().kid() + "\"" + more + "}";
}
std::string with_header(const std::string& text) {
    return forge(es256(), text, claims);
}
std::string with_claims(const std::string& text) {
    return forge(es256(), header(), text);
}

struct Case {
    std::string name;
    std::string token;
    std::string check;  ///< or its beginning
};

void all_die(const std::vector<Case>& cases) {
    // Without this the refusals would prove nothing.
    REQUIRE(death(with_header(header())).empty());
    for (const Case& one : cases) {
        CAPTURE(one.name, one.token.substr(0, 200));
        const std::string found = death(one.token);
        CAPTURE(found);
        CHECK((!found.empty() && found.starts_with(one.check)));
    }
}

std::string hmac(const std::string& secret, const std::string& text) {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
    return {reinterpret_cast<const char*>(out), size};
}

/// `token` with the part of that number put through `change`.
template <typename Change>
std::string with_part(const std::string& token, int number, Change change) {
    const auto first = token.find('.');
    const auto second = token.find('.', first + 1);
    std::string parts[] = {token.substr(0, first), token.substr(first + 1, second - first - 1),
                           token.substr(second + 1)};
    parts[number] = change(parts[number]);
    return parts[0] + "." + parts[1] + "." + parts[2];
}

}  // namespace

TEST_CASE("the algorithm is one of ours, spelt as registered") {
    std::vector<Case> cases;
    for (const char* alg : {"none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "es256", "ES256 ", " ES256",
                            "ES256K", "Ed25519", "ES", "", "RSA-OAEP", "dir"})
        cases.push_back({alg, with_header(header("", alg)), "alg"});
    cases.push_back({"none without a signature", base64url(header("", "none")) + "." + base64url(claims) + ".", "alg"});
    cases.push_back({"no alg", with_header(R"({"kid":")" + es256().kid() + "\"}"), "alg"});
    for (const char* alg : {"null", "5", "true", R"(["ES256"])", R"({"a":"ES256"})"})
        cases.push_back(
            {alg, with_header(R"({"alg":)" + std::string(alg) + R"(,"kid":")" + es256().kid() + "\"}"), "alg"});
    cases.push_back({"NUL in alg", with_header(header("", "ES256\\u0000")), "header"});
    all_die(cases);
}

TEST_CASE("a public key is no secret") {
    std::vector<Case> cases;
    for (const Algorithm algorithm : {Algorithm::RS256, Algorithm::ES256}) {
        const PublicKey& key = key_for(algorithm).public_key();
        for (const std::string& secret : {json::dump(key.jwk()), key.thumbprint(), std::string()}) {
            const std::string text =
                base64url(R"({"alg":"HS256","kid":")" + key.kid() + "\"}") + "." + base64url(claims);
            cases.push_back({"HS256 with " + secret, text + "." + base64url(hmac(secret, text)), "alg"});
        }
    }
    all_die(cases);
}

TEST_CASE("a key checks for its own algorithm alone") {
    std::vector<Case> cases;
    for (const Algorithm key : {Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA})
        for (const Algorithm named : all_algorithms)
            if (named != key)
                cases.push_back(
                    {std::string(name_of(key)) + " key, " + std::string(name_of(named)) + " named",
                     // Of keys with the same kid, RSA's, the one bound to the named algorithm is found.
                     forge(key_for(key),
                           R"({"alg":")" + std::string(name_of(named)) + R"(","kid":")" + key_for(key).kid() + "\"}",
                           claims),
                     key_for(key).kid() == key_for(named).kid() ? "signature" : "key"});
    all_die(cases);
}

TEST_CASE("a kid is looked up and nothing else") {
    const auto named = [](const std::string& kid) { return with_header(R"({"alg":"ES256","kid":)" + kid + "}"); };
    all_die({
        {"path", named(R"("../../../../dev/null")"), "key"},
        {"absolute path", named(R"("/etc/passwd")"), "key"},
        {"URL", named(R"("https://evil.example/keys.json")"), "key"},
        {"SQL", named(R"("x' UNION SELECT 'secret")"), "key"},
        {"shell", named("\"$(touch /tmp/x)\""), "key"},
        {"quote", named(R"("a\"b")"), "key"},
        {"the right one in capitals", named("\"" + ascii_lower(es256().kid()) + "\""), "key"},
        {"the right one and more", named("\"" + es256().kid() + "x\""), "key"},
        {"the right one after a space", named("\" " + es256().kid() + "\""), "key"},
        {"NUL", named("\"" + es256().kid() + "\\u0000\""), "header"},
        {"line end", named(R"("a\nb")"), "kid"},
        {"delete", named("\"a\x7f\""), "kid"},
        {"1 KiB", named("\"" + std::string(1024, 'k') + "\""), "kid"},
        {"empty", named(R"("")"), "kid"},
        {"null", named("null"), "kid"},
        {"number", named("5"), "kid"},
        {"list", named(R"(["a"])"), "kid"},
        {"object", named(R"({"a":1})"), "kid"},
        {"none, and two keys would do", forge(key_for(Algorithm::ES256), R"({"alg":"HS256"})", claims), "alg"},
    });
}

TEST_CASE("a header brings no key, points at none and asks for nothing") {
    const std::string jwk = json::dump(es256().public_key().jwk());
    all_die({
        {"jku", with_header(header(R"(,"jku":"https://evil.example/jwks")")), "jku"},
        {"jku null", with_header(header(R"(,"jku":null)")), "jku"},
        {"x5u", with_header(header(R"(,"x5u":"https://evil.example/cert")")), "x5u"},
        {"x5c", with_header(header(R"(,"x5c":["MIIB"])")), "x5c"},
        {"jwk", with_header(header(",\"jwk\":" + jwk)), "jwk"},
        {"jwk null", with_header(header(",\"jwk\":null")), "jwk"},
        {"jwk, spelt by an escape", with_header(header(",\"jw\\u006b\":" + jwk)), "jwk"},
        {"crit", with_header(header(R"(,"crit":["exp"],"exp":1)")), "crit"},
        {"crit empty", with_header(header(R"(,"crit":[])")), "crit"},
        {"crit null", with_header(header(R"(,"crit":null)")), "crit"},
        {"crit b64", with_header(header(R"(,"crit":["b64"],"b64":false)")), "crit"},
        {"b64 alone", with_header(header(R"(,"b64":false)")), "b64"},
        {"b64 true", with_header(header(R"(,"b64":true)")), "b64"},
        {"typ a number", with_header(header(R"(,"typ":5)")), "typ"},
        {"typ null", with_header(header(R"(,"typ":null)")), "typ"},
        {"typ a list", with_header(header(R"(,"typ":["at+jwt"])")), "typ"},
    });
}

TEST_CASE("JSON has one reading") {
    const std::string kid = R"("kid":")" + es256().kid() + "\"";
    const std::string deep = std::string(9, '[') + std::string(9, ']');
    const std::string deeper = std::string(4000, '[') + std::string(4000, ']');
    all_die({
        {"alg twice", with_header(R"({"alg":"none","alg":"ES256",)" + kid + "}"), "header"},
        {"alg twice, by an escape", with_header(R"({"alg":"ES256","al\u0067":"none",)" + kid + "}"), "header"},
        {"kid twice", with_header(R"({"alg":"ES256",)" + kid + "," + kid + "}"), "header"},
        {"sub twice", with_claims(R"({"sub":"alice","sub":"root"})"), "claims"},
        {"sub twice, by an escape", with_claims(R"({"sub":"alice","\u0073ub":"root"})"), "claims"},
        {"twice, deeper", with_claims(R"({"sub":"alice","act":{"sub":"a","sub":"b"}})"), "claims"},
        {"header a list", with_header("[]"), "header"},
        {"header a string", with_header(R"("ES256")"), "header"},
        {"header null", with_header("null"), "header"},
        {"header empty", with_header(""), "header"},
        {"header cut", with_header(R"({"alg":"ES256")"), "header"},
        {"header and more", with_header(header() + "{}"), "header"},
        {"header with a comment", with_header(header() + "/* */"), "header"},
        {"header in UTF-16", with_header(std::string("{\0\"\0", 4)), "header"},
        {"header with a byte order mark", with_header("\xef\xbb\xbf" + header()), "header"},
        {"single quotes", with_header("{'alg':'ES256'}"), "header"},
        {"trailing comma", with_header(R"({"alg":"ES256",})"), "header"},
        {"claims a list", with_claims("[]"), "claims"},
        {"claims a string", with_claims("\"x\""), "claims"},
        {"claims empty", with_claims(""), "claims"},
        {"claims null", with_claims("null"), "claims"},
        {"invalid UTF-8 in claims", with_claims("{\"sub\":\"\xff\"}"), "claims"},
        {"overlong UTF-8", with_claims("{\"sub\":\"\xc0\xaf\"}"), "claims"},
        {"surrogate in UTF-8", with_claims("{\"sub\":\"\xed\xa0\x80\"}"), "claims"},
        {"NUL in claims", with_claims("{\"sub\":\"a\\u0000b\"}"), "claims"},
        {"raw NUL in claims", with_claims(std::string("{\"sub\":\"a\0b\"}", 13)), "claims"},
        {"raw line end in a string", with_claims("{\"sub\":\"a\nb\"}"), "claims"},
        {"unpaired surrogate", with_claims(R"({"sub":"\ud800"})"), "claims"},
        {"NaN", with_claims(R"({"exp":NaN})"), "claims"},
        {"Infinity", with_claims(R"({"exp":Infinity})"), "claims"},
        {"-Infinity", with_claims(R"({"exp":-Infinity})"), "claims"},
        {"plus sign", with_claims(R"({"exp":+1})"), "claims"},
        {"leading zero", with_claims(R"({"exp":01})"), "claims"},
        {"hex", with_claims(R"({"exp":0x10})"), "claims"},
        {"bare point", with_claims(R"({"exp":1.})"), "claims"},
        {"no digit before the point", with_claims(R"({"exp":.5})"), "claims"},
        {"exponent without digits", with_claims(R"({"exp":1e})"), "claims"},
        {"True", with_claims(R"({"admin":True})"), "claims"},
        {"nine levels", with_claims(R"({"a":)" + deep + "}"), "claims"},
        {"2000 levels", with_claims(R"({"a":)" + std::string(2000, '[') + "}"), "claims"},
        {"nine levels in the header", with_header(header(",\"a\":" + deep)), "header"},
        {"too long for being deep", with_claims(R"({"a":)" + deeper + "}"), "size"},
    });
}

TEST_CASE("a token has one spelling") {
    const std::string good = with_header(header());
    const std::string text = good.substr(0, good.rfind('.'));
    const std::string signature = good.substr(good.rfind('.') + 1);
    const auto append = [](const char* what) { return [what](const std::string& part) { return part + what; }; };
    std::vector<Case> cases{
        {"nothing", "", "parts"},
        {"one dot", ".", "parts"},
        {"two dots", "..", "header"},
        {"one part", base64url(header()), "parts"},
        {"two parts", text, "parts"},
        {"trailing dot", good + ".", "parts"},
        {"leading dot", "." + good, "parts"},
        {"four parts", good + ".AA", "parts"},
        {"five parts, as of a JWE", good + ".AA.AA", "parts"},
        {"dots alone", "....", "parts"},
        {"empty signature", text + ".", "signature"},
        {"empty claims", with_part(good, 1, [](const std::string&) { return std::string(); }), "claims"},
        {"Bearer", "Bearer " + good, "base64url"},
        {"JSON serialization", R"({"payload":"","protected":"","signature":""})", "parts"},
        {"8193 bytes", std::string(8193, 'a'), "size"},
        {"a megabyte", std::string(1 << 20, '.'), "size"},
        {"NUL at the end", good + std::string(1, '\0'), "base64url"},
        {"percent escape", with_part(good, 2, append("%3D")), "base64url"},
    };
    for (int part = 0; part < 3; ++part)
        for (const char* what : {"=", "==", " ", "\n", "\r\n", "\t", "+", "/", "\xc3\xa4", "A"})
            // "A" leaves one letter over, or bits: never another spelling of the same.
            if (what[0] != 'A')
                cases.push_back({"part " + std::to_string(part) + " with " + what, with_part(good, part, append(what)),
                                 "base64url"});
    for (int part = 0; part < 3; ++part)
        cases.push_back({"part " + std::to_string(part) + " after a space",
                         with_part(good, part, [](const std::string& s) { return " " + s; }), "base64url"});
    // 64 bytes are 86 letters, of which the last has four bits that carry nothing.
    const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (std::size_t bit : {1U, 2U, 4U, 8U}) {
        std::string stray = signature;
        stray.back() = letters[letters.find(stray.back()) | bit];
        cases.push_back({"stray bits", text + "." + stray, "base64url"});
    }
    cases.push_back({"one letter over", text + "." + signature + "AAA", "base64url"});
    all_die(cases);
    CHECK(death(good).empty());
}

TEST_CASE("the other alphabet is another spelling") {
    // Until a signature has a letter that the two alphabets write differently.
    for (;;) {
        const std::string good = with_header(header());
        const auto at = good.find_first_of("-_");
        if (at == std::string::npos) continue;
        std::string other = good;
        for (char& c : other)
            if (c == '-' || c == '_') c = c == '-' ? '+' : '/';
        CHECK(death(other) == "base64url");
        break;
    }
}

TEST_CASE("an ECDSA signature is R and S, each whole and none zero") {
    for (const Algorithm algorithm : {Algorithm::ES256, Algorithm::ES384, Algorithm::ES512}) {
        CAPTURE(name_of(algorithm));
        const PrivateKey& key = key_for(algorithm);
        const std::string text =
            base64url(R"({"alg":")" + std::string(name_of(algorithm)) + R"(","kid":")" + key.kid() + "\"}") + "." +
            base64url(claims);
        const std::string good = test::sign_raw(key, text);
        const std::size_t half = good.size() / 2;
        const std::string r = good.substr(0, half), s = good.substr(half), zero(half, '\0');
        const auto died = [&](const std::string& signature) { return death(text + "." + base64url(signature)); };
        REQUIRE(died(good).empty());
        CHECK(died(zero + zero) == "signature");
        CHECK(died(zero + s) == "signature");
        CHECK(died(r + zero) == "signature");
        CHECK(died(zero.substr(1) + "\x01" + zero.substr(1) + "\x01") == "signature");
        CHECK(died(std::string(2 * half, '\xff')) == "signature");
        CHECK(died(s + r) == "signature");
        CHECK(died(r) == "signature");
        CHECK(died(good.substr(0, 2 * half - 1)) == "signature");
        CHECK(died(good.substr(1)) == "signature");
        CHECK(died(good + std::string(1, '\0')) == "signature");
        CHECK(died(std::string(1, '\0') + r + std::string(1, '\0') + s) == "signature");
        CHECK(died(good + good) == "signature");
        // The same numbers as OpenSSL and X.509 write them.
        const std::string der = [&] {
            std::string body;
            for (const std::string& number : {r, s}) {
                std::string n = number.substr(number.find_first_not_of('\0'));
                if ((n[0] & 0x80) != 0) n.insert(0, 1, '\0');
                body += std::string("\x02") + static_cast<char>(n.size()) + n;
            }
            return (body.size() < 128 ? std::string("\x30") : std::string("\x30\x81")) +
                   static_cast<char>(body.size()) + body;
        }();
        CHECK(died(der) == "signature");
    }
}

TEST_CASE("a changed payload or signature is not believed") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        const std::string good = key_for(algorithm).sign("at+jwt", claims).value();
        REQUIRE(death(good).empty());
        CHECK(death(with_part(good, 1, [](const std::string&) { return base64url(R"({"sub":"mallory"})"); })) ==
              "signature");
        CHECK(death(with_part(good, 0, [](const std::string& s) { return base64url(unbase64url(s).value() + " "); })) ==
              "signature");
        const std::string other = key_for(algorithm).sign("at+jwt", R"({"sub":"mallory"})").value();
        CHECK(death(with_part(good, 2, [&](const std::string&) { return other.substr(other.rfind('.') + 1); })) ==
              "signature");
    }
}

TEST_CASE("the type of a token is short and in lower case") {
    const auto typ = [](const std::string& more) { return parse(with_header(header(more))).value().typ; };
    CHECK(typ("").empty());
    CHECK(typ(R"(,"typ":"JWT")") == "jwt");
    CHECK(typ(R"(,"typ":"at+jwt")") == "at+jwt");
    CHECK(typ(R"(,"typ":"Application/AT+JWT")") == "at+jwt");
    CHECK(typ(R"(,"typ":"application/a/b")") == "application/a/b");
    CHECK(typ(R"(,"typ":"text/at+jwt")") == "text/at+jwt");
}

TEST_CASE("a proof brings its key, and only a proof does") {
    const std::string jwk = json::dump(es256().public_key().jwk());
    const auto check = [](const std::string& more) {
        auto parsed =
            parse(forge(es256(), R"({"alg":"ES256","typ":"dpop+jwt")" + more + "}", claims), OwnKey::expected);
        return parsed ? std::string() : parsed.error().internal;
    };
    CHECK(check(",\"jwk\":" + jwk).empty());
    CHECK(check("") == "jwk");
    CHECK(check(",\"jwk\":null") == "jwk");
    CHECK(check(",\"jwk\":\"x\"") == "jwk");
    CHECK(check(",\"jwk\":[" + jwk + "]") == "jwk");
    CHECK(check(",\"jku\":\"https://evil.example\",\"jwk\":" + jwk) == "jku");
    CHECK(check(",\"x5c\":[],\"jwk\":" + jwk) == "x5c");
    CHECK(check(",\"crit\":[],\"jwk\":" + jwk) == "crit");
}

TEST_CASE("8 levels and 8192 bytes are taken") {
    CHECK(death(with_claims(R"({"a":)" + std::string(7, '[') + std::string(7, ']') + "}")).empty());
    std::string token;
    for (std::size_t size = 5900; token.size() < kMaxTokenBytes; ++size)
        token = with_claims(R"({"a":")" + std::string(size, 'a') + "\"}");
    CHECK(death(token).empty() == (token.size() == kMaxTokenBytes));
}
