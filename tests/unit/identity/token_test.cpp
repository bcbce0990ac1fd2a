#include "identity/token.h"

#include <catch2/catch.hpp>

#include "identity/principal_of.h"
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
}  // namespace

TEST_CASE("what mint makes holds") {
    Grant grant;
    grant.subject = "deploy-bot";
    grant.actor_kind = "service";
    grant.scopes = {"read:infrastructure", "manage:infrastructure"};
    grant.ttl_s = 60;
    const auto token = mint(keys(), kPolicy, grant, kNow).value();
    const auto parsed = jose::parse(token).value();
    CHECK(parsed.typ == "at+jwt");
    CHECK(keys().signed_here(parsed));
    const std::string_view audience = kPolicy.audience, type = "at+jwt";
    const auto times = check_claims(parsed, {kPolicy.issuer, {&audience, 1}, {&type, 1}}, kNow).value();
    const auto who = principal_of(parsed.claims, times).value();
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
