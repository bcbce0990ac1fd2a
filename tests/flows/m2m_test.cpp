#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "flows/fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kConfig = R"({"upstreams": [
    {"audience": "api://orders", "kind": "entra", "tenant": "contoso", "base_url": "http://127.0.0.1:1", "client_id": "cp-entra", "client_secret": "HUSH-entra"},
    {"audience": "https://api.example", "kind": "auth0", "domain": "x.auth0.com", "client_id": "cp-auth0", "client_secret": "HUSH-auth0", "scopes": ["read:a", "write:a"], "ca_file": "/etc/ca.pem"},
    {"audience": "billing", "kind": "oidc", "token_url": "https://idp.example/token", "client_id": "cp id", "client_secret": "HUSH:oidc", "scopes": ["bill"]},
    {"audience": "signed", "kind": "oidc", "token_url": "https://idp.example/token", "client_id": "cp-signed", "assertion_key": "k1"}]})";

constexpr const char* kClient = R"({"client_id":"robot","actor_kind":"agent","organization_id":"org-1",
    "scopes":["read:a","read:b","bill"],"audiences":["api://orders","https://api.example","billing","signed"]})";

sdk::AuthRequest ask(Params params, const std::string& grant = "client_credentials") {
    if (!grant.empty()) params.emplace_back("grant_type", grant);
    auto r = request("m2m-token", std::move(params));
    r.client_id = "robot";
    r.client_json = kClient;
    return r;
}

FakeReply token(const std::string& value, int lives = 3600, const std::string& more = "") {
    return {200, R"({"access_token":")" + value + R"(","token_type":"bearer","refresh_token":"HUSH-refresh","expires_in":)" + std::to_string(lives) + more + "}"};
}

std::string scope_of(const Step& step) {
    return Json::parse(step.decided.token_json).value("scope", "");
}

}  // namespace

TEST_CASE("m2m serves one endpoint and one grant") {
    Fixture f;
    const auto endpoints = f.flow.endpoints();
    REQUIRE(endpoints.size() == 1);
    CHECK(endpoints[0].path == "/m2m/token");
    CHECK(endpoints[0].grant_type == "client_credentials");
    CHECK(endpoints[0].flags == ACP_AUTH_NEEDS_CLIENT);
    CHECK(Json::parse(endpoints[0].operation_json).contains("requestBody"));
    CHECK(f.flow.credential_fields().empty());
}

TEST_CASE("a client gets a token of this server's own, for what it asked") {
    Fixture f(kConfig);
    auto r = ask({{"scope", "read:b read:a read:b"}, {"audience", "own-api"}});
    r.confirmation_json = R"({"jkt":"t"})";
    const Step step = f.flow.handle(r);
    REQUIRE(step.is(ACP_AUTH_GRANT));
    const auto& who = step.decided.identity;
    CHECK(who.subject == "robot");
    CHECK(who.actor_kind == "agent");
    CHECK(who.organization_id == "org-1");
    CHECK(who.scopes == std::vector<std::string>{"read:a", "read:b"});
    CHECK(who.audiences == std::vector<std::string>{"own-api"});
    CHECK(who.confirmation_json == R"({"jkt":"t"})");
    CHECK(f.http.sent().empty());
    CHECK(f.flow.handle(ask({})).decided.identity.audiences.empty());
    CHECK(f.flow.handle(ask({{"resource", "own-api"}})).decided.identity.audiences == std::vector<std::string>{"own-api"});
}

TEST_CASE("requests that are wrong are refused by the words of RFC 6749") {
    Fixture f(kConfig);
    const std::vector<std::tuple<sdk::AuthRequest, std::string>> table = {
        {ask({}, ""), "invalid_request"},
        {ask({}, "password"), "unsupported_grant_type"},
        {ask({{"scope", "a\"b"}}), "invalid_scope"},
        {ask({{"scope", " a"}}), "invalid_scope"},
        {ask({{"scope", "a  b"}}), "invalid_scope"},
        {ask({{"scope", "a "}}), "invalid_scope"},
        {ask({{"audience", "a"}, {"resource", "b"}}), "invalid_target"},
        {ask({{"audience", "https://api.example"}, {"scope", "read:b"}}), "invalid_scope"},   // not at this upstream
        {ask({{"audience", "https://api.example"}, {"scope", "write:a"}}), "invalid_scope"},  // not this client
        {ask({{"audience", "api://orders"}, {"scope", "read:a"}}), "invalid_scope"},          // Entra has none by name
    };
    for (const auto& [r, error] : table) {
        const Step step = f.flow.handle(r);
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.error_code == error);
    }
    auto nobody = ask({});
    nobody.client_id.clear();
    CHECK(f.flow.handle(nobody).decided.error_code == "invalid_client");
    CHECK(f.flow.handle(request("other")).code == ACP_E_NOT_FOUND);
    CHECK(f.http.sent().empty());
}

TEST_CASE("an upstream's token is for clients that are registered for its audience") {
    Fixture f(kConfig);
    auto r = ask({{"audience", "billing"}});
    r.client_json = R"({"client_id":"robot","scopes":["bill"],"audiences":["api://orders"]})";
    CHECK(f.flow.handle(r).decided.error_code == "invalid_target");
    r.client_json = "";
    CHECK(f.flow.handle(r).decided.error_code == "invalid_target");
    r.client_json = R"({"client_id":"robot","scopes":["other"],"audiences":["billing"]})";
    CHECK(f.flow.handle(r).decided.error_code == "invalid_scope");
    CHECK(f.http.sent().empty());
}

TEST_CASE("each kind of upstream is asked in its own way") {
    Fixture f(kConfig);
    f.http.answer([](const SentRequest&) { return token("T"); });

    REQUIRE(f.flow.handle(ask({{"audience", "api://orders"}})).is(ACP_AUTH_FORWARD));
    SentRequest sent = f.http.sent().back();
    CHECK(sent.method == "POST");
    CHECK(sent.url == "http://127.0.0.1:1/contoso/oauth2/v2.0/token");
    CHECK(sent.field("content-type") == "application/x-www-form-urlencoded");
    CHECK(sent.form("grant_type") == "client_credentials");
    CHECK(sent.form("scope") == "api://orders/.default");
    CHECK(sent.form("client_id") == "cp-entra");
    CHECK(sent.form("client_secret") == "HUSH-entra");

    REQUIRE(f.flow.handle(ask({{"audience", "https://api.example"}})).is(ACP_AUTH_FORWARD));
    sent = f.http.sent().back();
    CHECK(sent.url == "https://x.auth0.com/oauth/token");
    CHECK(sent.form("audience") == "https://api.example");
    CHECK(sent.form("scope") == "read:a");  // what both the client and the upstream's list allow
    CHECK(sent.ca_file == "/etc/ca.pem");

    REQUIRE(f.flow.handle(ask({{"audience", "billing"}, {"scope", "bill"}})).is(ACP_AUTH_FORWARD));
    sent = f.http.sent().back();
    CHECK(sent.form("resource") == "billing");
    CHECK(sent.form("client_secret").empty());
    CHECK(sent.field("authorization") == "Basic Y3AraWQ6SFVTSCUzQW9pZGM=");  // cp+id:HUSH%3Aoidc

    REQUIRE(f.flow.handle(ask({{"audience", "signed"}})).is(ACP_AUTH_FORWARD));
    sent = f.http.sent().back();
    CHECK(sent.form("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    CHECK(sent.form("client_assertion") == "assertion:k1:cp-signed:https://idp.example/token");
}

TEST_CASE("what is forwarded is the token and nothing else of the answer") {
    Fixture f(kConfig);
    f.http.answer([](const SentRequest&) { return token("T", 3600, R"(,"scope":"bill","id_token":"x")"); });
    const Step step = f.flow.handle(ask({{"audience", "billing"}}));
    REQUIRE(step.is(ACP_AUTH_FORWARD));
    CHECK(Json::parse(step.decided.token_json) ==
          Json{{"access_token", "T"}, {"token_type", "Bearer"}, {"expires_in", 3600}, {"scope", "bill"}});
    CHECK(scope_of(step) == "bill");
    CHECK(Json::parse(step.decided.audit_json) == Json{{"mode", "brokered"}, {"audience", "billing"}, {"scopes", {"bill"}}});
}

TEST_CASE("an upstream that grants more than it was asked for is not passed on") {
    Fixture f(kConfig);
    f.http.answer([](const SentRequest&) { return token("T", 3600, R"(,"scope":"bill admin")"); });
    const Step step = f.flow.handle(ask({{"audience", "billing"}}));
    CHECK(step.code == ACP_E_PROVIDER);
    CHECK(step.decisions == 0);
}

TEST_CASE("a token is cached by audience and scopes, until less than a minute is left") {
    Fixture f(kConfig);
    std::atomic<int> asked{0};
    f.http.answer([&](const SentRequest&) { return token("T" + std::to_string(++asked), 300); });
    const auto get = [&](Params params) { return Json::parse(f.flow.handle(ask(std::move(params))).decided.token_json); };
    CHECK(get({{"audience", "billing"}})["access_token"] == "T1");
    CHECK(get({{"audience", "billing"}, {"scope", "bill"}})["access_token"] == "T1");  // the same scopes, by name
    CHECK(get({{"audience", "https://api.example"}})["access_token"] == "T2");
    f.identity.advance(std::chrono::seconds(230));
    CHECK(get({{"audience", "billing"}})["access_token"] == "T1");
    CHECK(get({{"audience", "billing"}})["expires_in"].get<int>() <= 70);
    f.identity.advance(std::chrono::seconds(11));
    CHECK(get({{"audience", "billing"}})["access_token"] == "T3");
    CHECK(f.identity.fetches() == 3);
}

TEST_CASE("many who ask at once make one request") {
    Fixture f(kConfig);
    std::atomic<int> asked{0};
    f.http.answer([&](const SentRequest&) { return token("T" + std::to_string(++asked)); });
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&] { good += f.flow.handle(ask({{"audience", "billing"}})).is(ACP_AUTH_FORWARD) ? 1 : 0; });
    for (auto& thread : threads) thread.join();
    CHECK(good == 16);
    CHECK(asked == 1);
}

TEST_CASE("an upstream's no is a refusal, its outage is one, and no secret is told") {
    Fixture f(kConfig);
    struct Row {
        int status;
        const char* body;
        acp_status failure, code;
        const char* error;
    };
    const Row table[] = {
        {400, R"({"error":"invalid_scope","error_description":"secret HUSH:oidc is wrong"})", 0, ACP_OK, "invalid_scope"},
        {400, R"({"error":"invalid_target","error_description":"HUSH:oidc"})", 0, ACP_OK, "invalid_target"},
        {401, R"({"error":"invalid_client","error_description":"HUSH:oidc"})", 0, ACP_OK, "invalid_grant"},
        {403, R"({"error":"HUSH:oidc"})", 0, ACP_OK, "invalid_grant"},
        {400, "HUSH:oidc is no JSON", 0, ACP_OK, "invalid_grant"},
        {302, "HUSH:oidc", 0, ACP_OK, "invalid_grant"},
        {429, "HUSH:oidc", 0, ACP_E_UNAVAILABLE, ""},
        {500, "HUSH:oidc", 0, ACP_E_UNAVAILABLE, ""},
        {503, R"({"error":"invalid_scope"})", 0, ACP_E_UNAVAILABLE, ""},
        {0, "", ACP_E_UNAVAILABLE, ACP_E_UNAVAILABLE, ""},
        {0, "", ACP_E_DEADLINE, ACP_E_UNAVAILABLE, ""},
        {200, "HUSH:oidc", 0, ACP_E_PROVIDER, ""},
        {200, R"({"access_token":"T","token_type":"DPoP"})", 0, ACP_E_PROVIDER, ""},
        {200, R"({"access_token":"a b","token_type":"Bearer"})", 0, ACP_E_PROVIDER, ""},
        {200, R"({"access_token":"T","access_token":"U","token_type":"Bearer"})", 0, ACP_E_PROVIDER, ""},
    };
    for (const Row& row : table) {
        INFO(row.status << " " << row.body);
        f.http.answer([&](const SentRequest&) { return FakeReply{row.status, row.body, row.failure}; });
        const Step step = f.flow.handle(ask({{"audience", "billing"}}));
        CHECK(step.code == row.code);
        CHECK(step.decided.error_code == row.error);
        CHECK(step.decisions == (row.code == ACP_OK ? 1 : 0));
        CHECK(told(step).find("HUSH") == std::string::npos);
    }
}

TEST_CASE("a configuration that makes no sense is refused, without its secrets") {
    CHECK(complaint("{}").empty());
    CHECK(complaint(kConfig).empty());
    const auto one = [](const std::string& members) { return complaint(R"({"upstreams":[{"client_id":"c",)" + members + "}]}"); };
    const std::vector<std::pair<std::string, std::string>> table = {
        {R"("kind":"entra","audience":"a","client_secret":"HUSH")", "/upstreams/0/tenant is needed"},
        {R"("kind":"auth0","audience":"a","client_secret":"HUSH")", "/upstreams/0/domain is needed"},
        {R"("kind":"oidc","audience":"a","client_secret":"HUSH")", "/upstreams/0/token_url is needed"},
        {R"("kind":"oidc","audience":"a","token_url":"http://idp.example/t","client_secret":"HUSH")", "no https address"},
        {R"("kind":"oidc","audience":"a","token_url":"http://127.0.0.1.example/t","client_secret":"HUSH")", "no https address"},
        {R"("kind":"oidc","audience":"a","token_url":"https://u:HUSH@idp.example/t","client_secret":"HUSH")", "no https address"},
        {R"("kind":"oidc","audience":"a","token_url":"https://idp.example/t")", "client_secret or assertion_key"},
        {R"("kind":"oidc","audience":"a","token_url":"https://idp.example/t","client_secret":"HUSH","assertion_key":"k")", "not both"},
        {R"("kind":"saml","audience":"a")", "/upstreams/0/kind is none"},
        {R"("kind":"oidc","token_url":"https://idp.example/t","client_secret":"HUSH")", "audience is needed"},
        {R"("kind":"oidc","audience":"a","clientsecret":"HUSH")", "has no setting clientsecret"},
    };
    for (const auto& [members, says] : table) {
        const std::string message = one(members);
        CHECK(message.find(says) != std::string::npos);
        CHECK(message.find("HUSH") == std::string::npos);
    }
    const std::string twice = R"({"kind":"oidc","audience":"a","client_id":"c","token_url":"https://i/t","client_secret":"s"})";
    CHECK(complaint(R"({"upstreams":[)" + twice + "," + twice + "]}").find("that of another upstream") != std::string::npos);
    CHECK_FALSE(complaint("[]").empty());
    CHECK_FALSE(complaint(R"({"upstreams":{}})").empty());
}
