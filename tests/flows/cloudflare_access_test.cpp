#include <catch2/catch.hpp>

#include "flows/fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kConfig = R"({"team_url":"https://team.cloudflareaccess.com/","audience":"aud-tag"})";
constexpr const char* kTeam = "https://team.cloudflareaccess.com";

Step judge(Fixture& f, const std::string& claims) {
    f.identity.accept(claims, kTeam, "aud-tag", claims);
    auto r = request("");
    r.fields = {{"cf-access-authenticated-user-email", "admin@example.org"}, {"cf-access-jwt-assertion", claims}};
    return f.flow.authenticate(r);
}

}  // namespace

TEST_CASE("a person, a service token, and the team's own token") {
    Fixture f(kConfig);
    CHECK(f.flow.credential_fields() == std::vector<std::string>{"cf-access-jwt-assertion"});

    Step step = judge(f, R"({"type":"app","sub":"u-1","email":"carol@example.org","exp":4102444800})");
    REQUIRE(step.is(ACP_AUTH_GRANT));
    CHECK(step.decided.identity.subject == "u-1");
    CHECK(step.decided.identity.actor_kind == "user");
    CHECK(step.decided.identity.issuer == kTeam);
    CHECK(f.identity.checks().at(0) == std::string(kTeam) + " aud-tag " + kTeam + "/cdn-cgi/access/certs");

    step = judge(f, R"({"type":"app","sub":"","common_name":"id.access","exp":4102444800})");
    REQUIRE(step.is(ACP_AUTH_GRANT));
    CHECK(step.decided.identity.subject == "id.access");
    CHECK(step.decided.identity.actor_kind == "service");

    CHECK(judge(f, R"({"type":"org","sub":"u-1","exp":4102444800})").is(ACP_AUTH_REFUSE));
    CHECK(judge(f, R"({"sub":"u-1","exp":4102444800})").is(ACP_AUTH_REFUSE));
    CHECK(judge(f, R"({"type":"app","sub":"","exp":4102444800})").is(ACP_AUTH_REFUSE));
}

TEST_CASE("other fields of the proxy say nothing") {
    Fixture f(kConfig);
    auto r = request("");
    r.fields = {{"cf-access-authenticated-user-email", "admin@example.org"}, {"cf-connecting-ip", "192.0.2.1"}};
    CHECK(f.flow.authenticate(r).is(ACP_AUTH_PASS));
    r.fields.emplace_back("cf-access-jwt-assertion", "forged");
    CHECK(f.flow.authenticate(r).is(ACP_AUTH_REFUSE));
}

TEST_CASE("a configuration without team or audience is refused") {
    CHECK(complaint(kConfig).empty());
    CHECK(complaint(R"({"team_url":"https://team.cloudflareaccess.com"})").find("/audience") == 0);
    CHECK(complaint(R"({"audience":"a"})").find("/team_url") == 0);
    CHECK(complaint(R"({"audience":"a","team_url":"team.cloudflareaccess.com"})").find("/team_url") == 0);
    CHECK_FALSE(complaint(R"({"audience":"a","team_url":"https://t","x":1})").empty());
}
