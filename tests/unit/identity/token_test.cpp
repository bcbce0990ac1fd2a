#include "identity/token.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "json/json.h"
#include "unit/identity/temp_dir.h"

using namespace acp;
using namespace acp::identity;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const TokenPolicy kPolicy{"https://cp.example", "alphaswarm-cp", 30};

const Keyring& keys() {
    static const test::TempDir dir;
    static const auto ring = Keyring::open(dir.path()).value();
    return *ring;
}
std::string kid() {
    return keys().keys().at(0).kid;
}

/// Claims of a good token.
json::Object::Ptr claims() {
    return json::object({{"iss", kPolicy.issuer},
                         {"sub", std::string("alice")},
                         {"aud", kPolicy.audience},
                         {"iat", kNow},
                         {"nbf", kNow},
                         {"exp", kNow + 600},
                         {"jti", std::string("t1")},
                         {"scope", std::string("read:infrastructure admin:cluster")}});
}
std::string signed_with(const json::Object::Ptr& c) {
    return keys().sign("at+jwt", json::dump(c)).value();
}

/// The check that failed, "" when none did.
std::string fault(const std::string& token, std::int64_t now = kNow) {
    auto verified = verify(keys(), kPolicy, token, now);
    if (verified) return "";
    CHECK(verified.error().code == Code::unauthenticated);
    CHECK(verified.error().slug == "invalid_token");
    return verified.error().internal;
}

/// A token with a header of ours, signed as it stands.
std::string with_header(const std::string& header) {
    // Only the header differs: whatever check it fails comes before the signature's.
    const std::string good = signed_with(claims());
    return base64url(header) + good.substr(good.find('.'));
}
std::string header_text(const std::string& more = "") {
    return R"({"alg":"ES256","kid":")" + kid() + R"(","typ":"at+jwt")" + more + "}";
}

}  // namespace

TEST_CASE("what mint makes, verify takes") {
    Grant grant;
    grant.subject = "deploy-bot";
    grant.actor_kind = "service";
    grant.scopes = {"read:infrastructure", "manage:infrastructure"};
    grant.ttl_s = 60;
    const auto token = mint(keys(), kPolicy, grant, kNow).value();
    const auto who = verify(keys(), kPolicy, token, kNow).value();
    CHECK(who.subject == "deploy-bot");
    CHECK(who.actor_kind == "service");
    CHECK(who.scopes == grant.scopes);
    CHECK(who.expires_unix_s == kNow + 60);
    CHECK_FALSE(who.token_id.empty());
    CHECK(who.may("manage:infrastructure"));
    CHECK_FALSE(who.may("admin:cluster"));
}

TEST_CASE("mint refuses what would be no token") {
    Grant grant;
    grant.subject = "a";
    grant.scopes = {"x"};
    auto slug = [&] {
        auto minted = mint(keys(), kPolicy, grant, kNow);
        return minted ? std::string() : minted.error().slug;
    };
    CHECK(slug().empty());
    grant.scopes = {};
    CHECK(slug() == "bad_scope");
    grant.scopes = {"has space"};
    CHECK(slug() == "bad_scope");
    grant.scopes = {"x"};
    grant.subject = "";
    CHECK(slug() == "bad_subject");
    grant.subject = std::string(257, 'a');
    CHECK(slug() == "bad_subject");
    grant.subject = "a";
    grant.ttl_s = 0;
    CHECK(slug() == "bad_ttl");
}

TEST_CASE("a scope is visible ASCII without quotes and backslashes") {
    CHECK(is_scope("admin:cluster"));
    for (auto bad : {"", "a b", "a\"", "a\\", "a\x7f", "\xc3\xa4", "a\n"}) CHECK_FALSE(is_scope(bad));
}

TEST_CASE("cluster scopes satisfy every other") {
    Principal p;
    p.scopes = {"platform:admin"};
    CHECK(p.may("anything"));
    p.scopes = {"admin:cluster"};
    CHECK(p.may("anything"));
    p.scopes = {"admin:cluste"};
    CHECK_FALSE(p.may("anything"));
}

TEST_CASE("times are checked with the leeway and not beyond") {
    const auto token = signed_with(claims());
    CHECK(fault(token, kNow - 30).empty());
    CHECK(fault(token, kNow - 31) == "iat in the future");
    CHECK(fault(token, kNow + 629).empty());
    CHECK(fault(token, kNow + 630) == "exp");
    CHECK(verify(keys(), kPolicy, token, kNow + 630).error().message.find("expired") != std::string::npos);
    auto c = claims();
    c->set("nbf", kNow + 31);
    CHECK(fault(signed_with(c)) == "nbf");
    c->set("nbf", kNow + 30);
    CHECK(fault(signed_with(c)).empty());
    c->remove("nbf");
    CHECK(fault(signed_with(c)).empty());
    c->set("exp", static_cast<double>(kNow) + 0.5);
    CHECK(fault(signed_with(c)).empty());
}

TEST_CASE("each claim must be right, whatever its type") {
    const auto broken = [](const char* name, const json::Var& value) {
        auto c = claims();
        c->set(name, value);
        return fault(signed_with(c));
    };
    CHECK(broken("iss", std::string("https://cp.example/")) == "iss");
    CHECK(broken("iss", 5) == "iss");
    CHECK(broken("aud", std::string("other")) == "aud");
    CHECK(broken("aud", json::Var()) == "aud");
    CHECK(broken("sub", std::string()) == "sub");
    CHECK(broken("sub", 7) == "sub");
    CHECK(broken("exp", std::string("1900000000")) == "exp missing");
    CHECK(broken("exp", true) == "exp missing");
    CHECK(broken("exp", 1e300) == "exp missing");
    CHECK(broken("nbf", std::string("now")) == "nbf");
    for (auto name : {"iss", "aud", "exp", "iat", "sub"}) {
        CAPTURE(name);
        auto c = claims();
        c->remove(name);
        CHECK_FALSE(fault(signed_with(c)).empty());
    }
    auto c = claims();
    auto list = json::array();
    list->add(std::string("other"));
    list->add(kPolicy.audience);
    c->set("aud", list);
    CHECK(fault(signed_with(c)).empty());
    c->remove("scope");
    CHECK(verify(keys(), kPolicy, signed_with(c), kNow).value().scopes.empty());
}

TEST_CASE("the header decides nothing: it must be the one we make") {
    CHECK(fault(with_header(header_text() + " ")) == "signature");
    CHECK(fault(with_header(R"({"alg":"none","kid":")" + kid() + R"(","typ":"at+jwt"})")) == "alg");
    CHECK(fault(with_header(R"({"alg":"HS256","kid":")" + kid() + R"(","typ":"at+jwt"})")) == "alg");
    CHECK(fault(with_header(R"({"alg":"ES256","kid":"x","typ":"at+jwt"})")) == "kid");
    CHECK(fault(with_header(R"({"alg":"ES256","typ":"at+jwt"})")) == "kid");
    CHECK(fault(keys().sign("JWT", json::dump(claims())).value()) == "typ");
    CHECK(fault(keys().sign("", json::dump(claims())).value()) == "typ");
    CHECK(fault(keys().sign("application/AT+jwt", json::dump(claims())).value()).empty());
    for (auto name : {"crit", "jku", "jwk", "x5u", "x5c"})
        CHECK(fault(with_header(header_text(std::string(",\"") + name + "\":[]"))) == name);
    CHECK(fault(with_header(header_text(R"(,"alg":"none")"))).starts_with("header"));
    CHECK(fault(with_header("[]")).starts_with("header"));
}

TEST_CASE("a token has three strict parts of bounded size") {
    const auto token = signed_with(claims());
    const auto first = token.find('.'), second = token.rfind('.');
    for (const auto& bad : {std::string(), std::string("."), std::string(".."), token.substr(0, second), token + ".",
                            token + "=", " " + token, token + "\n", "." + token,
                            token.substr(0, first) + token.substr(second), std::string(9000, 'a')}) {
        CAPTURE(bad.substr(0, 40));
        CHECK_FALSE(fault(bad).empty());
    }
    auto c = claims();
    c->set("pad", std::string(7000, 'x'));
    CHECK(fault(signed_with(c)) == "size");
}

TEST_CASE("a changed payload or signature is not believed") {
    const auto token = signed_with(claims());
    const auto first = token.find('.'), second = token.rfind('.');
    auto c = claims();
    c->set("sub", std::string("mallory"));
    CHECK(fault(token.substr(0, first + 1) + base64url(json::dump(c)) + token.substr(second)) == "signature");
    const auto other = signed_with(c);
    CHECK(fault(token.substr(0, second) + other.substr(other.rfind('.'))) == "signature");
}

TEST_CASE("the caller learns no more than invalid or expired") {
    auto c = claims();
    c->set("iss", std::string("https://evil.example"));
    const auto refused = verify(keys(), kPolicy, signed_with(c), kNow);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "the access token is invalid");
}
