#include <catch2/catch.hpp>

#include "flows/fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kConfig = R"({"issuer":"cp.example","audience":"cp.example","jwks_url":"https://cp.example/.well-known/pomerium/jwks.json","organization_id":"org-1"})";
constexpr const char* kClaims = R"({"iss":"cp.example","aud":["cp.example"],"sub":"u-1","email":"carol@example.org","groups":["admins"],"exp":4102444800})";

sdk::AuthRequest with(Params fields) {
    auto r = request("");
    r.method = "GET";
    r.path = "/manage/workloads";
    r.fields = std::move(fields);
    return r;
}

}  // namespace

TEST_CASE("pomerium has no endpoints and judges one field") {
    Fixture f(kConfig);
    CHECK(f.flow.endpoints().empty());
    CHECK(f.flow.credential_fields() == std::vector<std::string>{"x-pomerium-jwt-assertion"});
}

TEST_CASE("an assertion that holds says who calls") {
    Fixture f(kConfig);
    f.identity.accept("good", "cp.example", "cp.example", kClaims);
    const Step step = f.flow.authenticate(with({{"accept", "*/*"}, {"x-pomerium-jwt-assertion", "good"}}));
    REQUIRE(step.is(ACP_AUTH_GRANT));
    CHECK(step.decided.identity.subject == "u-1");
    CHECK(step.decided.identity.issuer == "cp.example");
    CHECK(step.decided.identity.actor_kind == "user");
    CHECK(step.decided.identity.organization_id == "org-1");
    CHECK(step.decided.identity.expires_unix_s == 4102444800);
    CHECK(Json::parse(step.decided.identity.claims_json)["groups"] == Json{"admins"});
    CHECK(step.decided.identity.scopes.empty());
    CHECK(f.identity.checks().at(0) == "cp.example cp.example https://cp.example/.well-known/pomerium/jwks.json");
}

TEST_CASE("plain fields say nothing") {
    Fixture f(kConfig);
    CHECK(f.flow.authenticate(with({{"x-pomerium-claim-email", "carol@example.org"}, {"x-pomerium-claim-groups", "admins"}})).is(ACP_AUTH_PASS));
    CHECK(f.identity.checks().empty());
}

TEST_CASE("an assertion that does not hold, or is there twice, lets nobody in") {
    Fixture f(kConfig);
    f.identity.accept("good", "cp.example", "cp.example", kClaims);
    f.identity.accept("elsewhere", "cp.example", "other.example", kClaims);
    f.identity.accept("nobody", "cp.example", "cp.example", R"({"exp":4102444800})");
    f.identity.accept("forever", "cp.example", "cp.example", R"({"sub":"u-1"})");
    for (const char* bad : {"", "bad", "elsewhere", "nobody", "forever"}) {
        INFO(bad);
        const Step step = f.flow.authenticate(with({{"x-pomerium-jwt-assertion", bad}}));
        CHECK(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.error_code == "invalid_token");
    }
    CHECK(f.flow.authenticate(with({{"x-pomerium-jwt-assertion", "good"}, {"x-pomerium-jwt-assertion", "good"}})).is(ACP_AUTH_REFUSE));
}

TEST_CASE("keys that cannot be had are an outage") {
    Fixture f(kConfig);
    f.identity.fail_with(ACP_E_UNAVAILABLE);
    const Step step = f.flow.authenticate(with({{"x-pomerium-jwt-assertion", "good"}}));
    CHECK(step.code == ACP_E_UNAVAILABLE);
    CHECK(step.decisions == 0);
}

TEST_CASE("a configuration without issuer, audience or keys is refused") {
    CHECK(complaint(kConfig).empty());
    CHECK(complaint(R"({"issuer":"a","jwks_url":"https://a/k"})").find("/audience") == 0);
    CHECK(complaint(R"({"audience":"a","jwks_url":"https://a/k"})").find("/issuer") == 0);
    CHECK(complaint(R"({"issuer":"a","audience":"a"})").find("/jwks_url") == 0);
    CHECK(complaint(R"({"issuer":"a","audience":"a","jwks_url":"http://a/k"})").find("/jwks_url") == 0);
    CHECK_FALSE(complaint("{}").empty());
    CHECK_FALSE(complaint("").empty());
}
