#include "flows/oidc_fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kConfig = R"({"redirect_uri": "https://cp.example/auth/stepup/callback",
  "providers": [{"id": "main", "issuer": "https://idp.example", "client_id": "cp", "client_secret": "HUSH-secret", "acr_values": {"high": "urn:strong", "low": "urn:weak"}}]})";

std::string with(const std::string& more) {
    return R"({"redirect_uri": "https://cp.example/auth/stepup/callback", "providers": [{"id": "main", "issuer": "https://idp.example", "client_id": "cp", "client_secret": "s")" + more + "}]}";
}

struct StepUp : LoginFixture {
    explicit StepUp(const std::string& config = kConfig) : LoginFixture(config) {
        session.emplace();
        session->id = "s1";
        session->subject = "eve";
        session->issuer = kIssuer;
        session->acr = "low";
        session->organization_id = "org-1";
        session->claims_json = R"({"email":"eve@example.org"})";
    }
    Step step_up() {
        REQUIRE(go("stepup", {{"return_to", "/apply"}}).is(ACP_AUTH_REDIRECT));
        return back("stepup-callback");
    }
};

}  // namespace

TEST_CASE("stepup serves its endpoints with what protects them") {
    StepUp f;
    const auto endpoints = f.flow.endpoints();
    REQUIRE(endpoints.size() == 2);
    CHECK(endpoints[0].path == "/stepup");
    CHECK(endpoints[0].flags == (ACP_AUTH_NEEDS_SESSION | ACP_AUTH_HTML));
    CHECK(endpoints[1].path == "/stepup/callback");
    CHECK(f.flow.handle(request("other")).code == ACP_E_NOT_FOUND);
}

TEST_CASE("a step-up asks for the class, now, of the same person") {
    StepUp f;
    const Step step = f.go("stepup", {{"return_to", "/apply"}});
    REQUIRE(step.is(ACP_AUTH_REDIRECT));
    auto query = query_of(step.decided.location);
    CHECK(query["acr_values"] == "urn:strong");
    CHECK(query["max_age"] == "0");
    CHECK(query["prompt"] == "login");
    CHECK(query["login_hint"] == "eve@example.org");
    CHECK(query["state"] == "next-state");
    CHECK(query["redirect_uri"] == "https://cp.example/auth/stepup/callback");
    CHECK(Json::parse(f.state_json)["session"] == "s1");

    CHECK(f.go("stepup", {{"return_to", "//evil.example"}}).decided.http_status == 400);
    f.session->issuer = "https://other.example";
    CHECK(f.go("stepup").decided.http_status == 400);
    f.session.reset();
    CHECK(f.go("stepup").decided.http_status == 403);
}

TEST_CASE("a proof that is strong and recent replaces the session") {
    StepUp f;
    const Step step = f.step_up();
    REQUIRE(step.is(ACP_AUTH_SESSION));
    CHECK(step.decided.replaces_session == "s1");
    CHECK(step.decided.location == "/apply");
    CHECK(step.decided.identity.subject == "eve");
    CHECK(step.decided.identity.acr == "high");
    CHECK(step.decided.identity.organization_id == "org-1");
    CHECK(step.decided.identity.auth_time_unix_s == f.idp.claims["auth_time"]);
    CHECK(told(step).find("HUSH") == std::string::npos);
}

TEST_CASE("a proof that is not leaves the session as it is") {
    struct Row {
        std::string name;
        std::function<void(StepUp&)> change;
        std::string code;
    };
    const std::string not_enough = "insufficient_user_authentication";
    const std::vector<Row> table = {
        {"lower acr", [](StepUp& f) { f.idp.claims["acr"] = "urn:weak"; }, not_enough},
        {"no acr", [](StepUp& f) { f.idp.claims.erase("acr"); }, not_enough},
        {"our word from the provider", [](StepUp& f) { f.idp.claims["acr"] = "high"; }, not_enough},
        {"acr as a list", [](StepUp& f) { f.idp.claims["acr"] = {"urn:strong"}; }, not_enough},
        {"acr only in acrs", [](StepUp& f) { f.idp.claims.erase("acr"); f.idp.claims["acrs"] = {"urn:strong"}; }, not_enough},
        {"mfa is Auth0's word", [](StepUp& f) { f.idp.claims.erase("acr"); f.idp.claims["amr"] = {"mfa"}; }, not_enough},
        {"an hour old", [](StepUp& f) { f.idp.claims["auth_time"] = f.identity.unix_s() - 3600; }, not_enough},
        {"just too old", [](StepUp& f) { f.idp.claims["auth_time"] = f.identity.unix_s() - 182; }, not_enough},
        {"no auth_time", [](StepUp& f) { f.idp.claims.erase("auth_time"); }, not_enough},
        {"auth_time 0", [](StepUp& f) { f.idp.claims["auth_time"] = 0; }, not_enough},
        {"tomorrow", [](StepUp& f) { f.idp.claims["auth_time"] = f.identity.unix_s() + 86400; }, "access_denied"},
        {"somebody else", [](StepUp& f) { f.idp.claims["sub"] = "mallory"; }, "access_denied"},
        {"not verified", [](StepUp& f) { f.idp.signs = false; }, "access_denied"},
        {"another nonce", [](StepUp& f) { f.idp.claims["nonce"] = "other"; }, "access_denied"},
    };
    for (const auto& row : table) {
        INFO(row.name);
        StepUp f;
        row.change(f);
        const Step step = f.step_up();
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.error_code == row.code);
        CHECK(step.decided.http_status == 403);
    }
}

TEST_CASE("a proof is for the session that asked for it") {
    for (const char* id : {"", "s2"}) {
        StepUp f;
        REQUIRE(f.go("stepup").is(ACP_AUTH_REDIRECT));
        if (*id)
            f.session->id = id;
        else
            f.session.reset();
        CHECK(f.back("stepup-callback").is(ACP_AUTH_REFUSE));
    }
    StepUp f;
    REQUIRE(f.go("stepup").is(ACP_AUTH_REDIRECT));
    Json kept = Json::parse(f.state_json);
    kept["session"] = "";
    f.state_json = kept.dump();
    f.session->id = "";
    CHECK(f.back("stepup-callback").is(ACP_AUTH_REFUSE));
    CHECK(f.back("stepup-callback").decided.http_status == 400);
    REQUIRE(f.go("stepup").is(ACP_AUTH_REDIRECT));
    CHECK(f.back("stepup-callback", {{"error", "access_denied"}, {"iss", kIssuer}}).is(ACP_AUTH_REFUSE));
}

TEST_CASE("Entra is asked for an authentication context") {
    StepUp f(with(R"(, "kind": "entra", "acr_values": {"high": "c1"})"));
    f.idp.claims.erase("acr");
    f.idp.claims["acrs"] = {"c1", "c2"};
    const Step step = f.go("stepup");
    auto query = query_of(step.decided.location);
    CHECK(query.count("acr_values") == 0);
    CHECK(Json::parse(query["claims"])["id_token"]["acrs"]["value"] == "c1");
    CHECK(f.back("stepup-callback").decided.identity.acr == "high");
    f.idp.claims["acrs"] = {"c2"};
    CHECK(f.step_up().is(ACP_AUTH_REFUSE));
    f.idp.claims.erase("acrs");
    f.idp.claims["acr"] = "c1";
    CHECK(f.step_up().is(ACP_AUTH_REFUSE));
}

TEST_CASE("Auth0 tells its multi-factor policy by a method") {
    const std::string policy = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
    StepUp f(with(R"(, "kind": "auth0", "acr_values": {"high": ")" + policy + "\"}"));
    f.idp.claims.erase("acr");
    f.idp.claims["amr"] = {"mfa"};
    auto query = query_of(f.go("stepup").decided.location);
    CHECK(query["acr_values"] == policy);
    CHECK(f.back("stepup-callback").is(ACP_AUTH_SESSION));
    f.idp.claims["amr"] = {"pwd"};
    CHECK(f.step_up().is(ACP_AUTH_REFUSE));
}

TEST_CASE("a configuration without a value for the class cannot step up") {
    CHECK(complaint(with("")).find("acr_values") != std::string::npos);
    CHECK(complaint(with(R"(, "acr_values": {"low": "a"})")).find("acr_values") != std::string::npos);
    const std::string sound = with(R"(, "acr_values": {"high": "a"})");
    CHECK(complaint(sound).empty());
    for (const char* more : {R"(, "max_age_s": 181})", R"(, "max_age_s": 0})", R"(, "acr": ""})", R"(, "default_provider": "main"})"}) {
        INFO(more);
        CHECK_FALSE(complaint(sound.substr(0, sound.size() - 1) + more).empty());
    }
}
