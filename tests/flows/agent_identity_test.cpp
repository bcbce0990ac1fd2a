#include <atomic>
#include <catch2/catch.hpp>

#include "flows/fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kConfig = R"({
    "blueprints": [
        {"name": "bots", "tenant": "contoso", "base_url": "http://127.0.0.1:1", "client_id": "bp-1", "client_secret": "HUSH-bp"},
        {"name": "signed", "tenant": "contoso", "client_id": "bp-2", "assertion_key": "k1", "ca_file": "/etc/ca.pem"}],
    "agents": [
        {"id": "triage", "clients": ["runner", "other"]},
        {"id": "ag-1", "clients": ["runner"], "blueprint": "bots", "resources": ["https://graph.example", "api://x"]},
        {"id": "ag-2", "clients": ["runner"], "blueprint": "signed", "resources": ["https://graph.example"]}]})";

sdk::AuthRequest ask(Params params, const std::string& grant = "client_credentials") {
    if (!grant.empty()) params.emplace_back("grant_type", grant);
    auto r = request("agent-token", std::move(params));
    r.path = "/auth/agent-identity/token";
    r.client_id = "runner";
    r.client_json = R"({"client_id":"runner","scopes":["read:a"],"audiences":["https://graph.example"]})";
    return r;
}

/// Entra's token endpoint, as far as the two steps go: each is judged by what it must bring.
FakeReply entra(const SentRequest& sent, int lives = 3600) {
    const auto refuse = [](const std::string& word) {
        return FakeReply{400, R"({"error":")" + word + R"(","error_description":"HUSH-inside","correlation_id":"c"})"};
    };
    const auto token = [&](const std::string& value) {
        return FakeReply{200, Json{{"token_type", "Bearer"}, {"expires_in", lives}, {"ext_expires_in", lives}, {"access_token", value}}.dump()};
    };
    if (sent.form("grant_type") != "client_credentials") return refuse("unsupported_grant_type");
    const std::string client = sent.form("client_id"), scope = sent.form("scope");
    if (client == "bp-1" || client == "bp-2") {
        const bool proven = client == "bp-1" ? sent.form("client_secret") == "HUSH-bp" : !sent.form("client_assertion").empty();
        if (!proven) return refuse("invalid_client");
        if (scope != "api://AzureADTokenExchange/.default" || sent.form("fmi_path").empty()) return refuse("invalid_request");
        return token("parent-of-" + sent.form("fmi_path"));
    }
    if (sent.form("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
        sent.form("client_assertion") != "parent-of-" + client || !sent.form("client_secret").empty())
        return refuse("invalid_client");
    return scope.ends_with("/.default") ? token(client + "@" + scope) : refuse("invalid_scope");
}

}  // namespace

TEST_CASE("agent-identity serves one endpoint, whose grant it shares") {
    Fixture f;
    const auto endpoints = f.flow.endpoints();
    REQUIRE(endpoints.size() == 1);
    CHECK(endpoints[0].path == "/agent-identity/token");
    CHECK(endpoints[0].grant_type == "client_credentials");
    CHECK(endpoints[0].flags == ACP_AUTH_NEEDS_CLIENT);
    CHECK(Json::parse(endpoints[0].operation_json).contains("requestBody"));
    auto r = ask({});
    r.path = "/auth/token";
    CHECK(f.flow.handle(r).is(ACP_AUTH_PASS));
}

TEST_CASE("an agent of this server's own gets a token that names who acts") {
    Fixture f(kConfig);
    auto r = ask({{"agent_id", "triage"}, {"scope", "read:a"}, {"audience", "own-api"}});
    r.confirmation_json = R"({"jkt":"t"})";
    const Step step = f.flow.handle(r);
    REQUIRE(step.is(ACP_AUTH_GRANT));
    const auto& who = step.decided.identity;
    CHECK(who.subject == "triage");
    CHECK(who.issuer.empty());
    CHECK(who.actor_kind == "agent");
    CHECK(Json::parse(who.act_json) == Json{{"sub", "runner"}});
    CHECK(who.scopes == std::vector<std::string>{"read:a"});
    CHECK(who.audiences == std::vector<std::string>{"own-api"});
    CHECK(who.confirmation_json == R"({"jkt":"t"})");
    CHECK(f.http.sent().empty());
    r.path = "/auth/token";
    CHECK(f.flow.handle(r).is(ACP_AUTH_GRANT));
}

TEST_CASE("requests that are wrong are refused, and nobody learns which agents there are") {
    Fixture f(kConfig);
    const std::vector<std::tuple<sdk::AuthRequest, std::string>> table = {
        {ask({}), "invalid_request"},
        {ask({{"agent_id", "triage"}}, ""), "invalid_request"},
        {ask({{"agent_id", "triage"}}, "password"), "unsupported_grant_type"},
        {ask({{"agent_id", "nobody"}}), "unauthorized_client"},
        {ask({{"agent_id", ""}}), "unauthorized_client"},
        {ask({{"agent_id", "triage"}, {"scope", "a\"b"}}), "invalid_scope"},
        {ask({{"agent_id", "triage"}, {"audience", "a"}, {"resource", "b"}}), "invalid_target"},
        {ask({{"agent_id", "ag-1"}}), "invalid_target"},
        {ask({{"agent_id", "ag-1"}, {"audience", "https://other.example"}}), "invalid_target"},
        {ask({{"agent_id", "ag-1"}, {"audience", "api://x"}}), "invalid_target"},  // the agent's, but not the client's
        {ask({{"agent_id", "ag-1"}, {"audience", "https://graph.example"}, {"scope", "read:a"}}), "invalid_scope"},
    };
    for (const auto& [r, error] : table) {
        const Step step = f.flow.handle(r);
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.error_code == error);
    }
    auto stranger = ask({{"agent_id", "ag-1"}, {"audience", "https://graph.example"}});
    stranger.client_id = "other";
    const Step not_its_own = f.flow.handle(stranger), not_there = f.flow.handle(ask({{"agent_id", "nobody"}}));
    CHECK(not_its_own.decided.error_code == not_there.decided.error_code);
    CHECK(not_its_own.decided.error_description == not_there.decided.error_description);
    stranger.client_id.clear();
    CHECK(f.flow.handle(stranger).decided.error_code == "invalid_client");
    CHECK(f.flow.handle(request("other")).code == ACP_E_NOT_FOUND);
    CHECK(f.http.sent().empty());
}

TEST_CASE("an agent identity's token comes in two steps") {
    Fixture f(kConfig);
    f.http.answer([](const SentRequest& sent) { return entra(sent); });
    const Step step = f.flow.handle(ask({{"agent_id", "ag-1"}, {"audience", "https://graph.example"}}));
    REQUIRE(step.is(ACP_AUTH_FORWARD));
    CHECK(Json::parse(step.decided.token_json) ==
          Json{{"access_token", "ag-1@https://graph.example/.default"}, {"token_type", "Bearer"}, {"expires_in", 3600}});
    CHECK(Json::parse(step.decided.audit_json)["act"] == Json{{"sub", "runner"}});
    REQUIRE(f.http.sent().size() == 2);
    CHECK(f.http.sent()[0].url == "http://127.0.0.1:1/contoso/oauth2/v2.0/token");
    CHECK(f.http.sent()[1].url == f.http.sent()[0].url);
    CHECK(told(step).find("HUSH") == std::string::npos);
    CHECK(told(step).find("parent-of") == std::string::npos);

    REQUIRE(f.flow.handle(ask({{"agent_id", "ag-2"}, {"resource", "https://graph.example"}})).is(ACP_AUTH_FORWARD));
    const SentRequest first = f.http.sent()[2];
    CHECK(first.url == "https://login.microsoftonline.com/contoso/oauth2/v2.0/token");
    CHECK(first.form("client_assertion") == "assertion:k1:bp-2:" + first.url);
    CHECK(first.ca_file == "/etc/ca.pem");
}

TEST_CASE("an agent's token is kept for that agent and that audience alone") {
    Fixture f(kConfig);
    f.http.answer([](const SentRequest& sent) { return entra(sent, 300); });
    const auto get = [&](const std::string& agent) {
        return Json::parse(f.flow.handle(ask({{"agent_id", agent}, {"audience", "https://graph.example"}})).decided.token_json)["access_token"];
    };
    CHECK(get("ag-1") == "ag-1@https://graph.example/.default");
    CHECK(get("ag-1") == "ag-1@https://graph.example/.default");
    CHECK(f.http.sent().size() == 2);
    CHECK(get("ag-2") == "ag-2@https://graph.example/.default");
    CHECK(f.http.sent().size() == 4);
    f.identity.advance(std::chrono::seconds(241));
    get("ag-1");
    CHECK(f.http.sent().size() == 6);
}

TEST_CASE("a no or an outage in either step is told as one, without the parent token") {
    Fixture f(kConfig);
    struct Row {
        int status;
        const char* body;
        acp_status code;
        const char* error;
    };
    const Row table[] = {
        {400, R"({"error":"invalid_grant","error_description":"HUSH"})", ACP_OK, "invalid_grant"},
        {401, R"({"error":"invalid_client","error_description":"HUSH"})", ACP_OK, "invalid_grant"},
        {400, R"({"error":"invalid_scope"})", ACP_OK, "invalid_scope"},
        {503, "HUSH", ACP_E_UNAVAILABLE, ""},
        {200, "HUSH", ACP_E_PROVIDER, ""},
        {200, R"({"access_token":"","token_type":"Bearer"})", ACP_E_PROVIDER, ""},
    };
    for (const bool at_first : {true, false}) {
        for (const Row& row : table) {
            INFO(at_first << " " << row.status << " " << row.body);
            f.http.answer([&](const SentRequest& sent) {
                return sent.form("fmi_path").empty() == at_first ? entra(sent) : FakeReply{row.status, row.body};
            });
            const Step step = f.flow.handle(ask({{"agent_id", "ag-1"}, {"audience", "https://graph.example"}}));
            CHECK(step.code == row.code);
            CHECK(step.decided.error_code == row.error);
            CHECK(told(step).find("HUSH") == std::string::npos);
            CHECK(told(step).find("parent-of") == std::string::npos);
        }
    }
}

TEST_CASE("a configuration that makes no sense is refused, without its secrets") {
    CHECK(complaint("{}").empty());
    CHECK(complaint(kConfig).empty());
    const std::vector<std::pair<std::string, std::string>> table = {
        {R"({"agents":[{"clients":["c"]}]})", "/agents/0/id is needed"},
        {R"({"agents":[{"id":"a"}]})", "/agents/0/clients is needed"},
        {R"({"agents":[{"id":"a","clients":["c"],"blueprint":"b"}]})", "blueprint and resources, or neither"},
        {R"({"agents":[{"id":"a","clients":["c"],"resources":["r"]}]})", "blueprint and resources, or neither"},
        {R"({"agents":[{"id":"a","clients":["c"],"blueprint":"b","resources":["r"]}]})", "/agents/0/blueprint is none of"},
        {R"({"agents":[{"id":"a","clients":["c"]},{"id":"a","clients":["d"]}]})", "that of another agent"},
        {R"({"agents":{}})", "/agents is no array"},
        {R"({"agents":["a"]})", "/agents/0 is no object"},
        {R"({"blueprints":[{"name":"b","client_id":"c","client_secret":"HUSH"}]})", "/blueprints/0/tenant is needed"},
        {R"({"blueprints":[{"name":"b","tenant":"t","client_secret":"HUSH"}]})", "/blueprints/0/client_id is needed"},
        {R"({"blueprints":[{"name":"b","tenant":"t","client_id":"c"}]})", "client_secret or assertion_key"},
        {R"({"blueprints":[{"name":"b","tenant":"t","client_id":"c","client_secret":"HUSH","assertion_key":"k"}]})", "not both"},
        {R"({"blueprints":[{"name":"b","tenant":"t","client_id":"c","client_secret":"HUSH","base_url":"http://idp.example"}]})", "no https address"},
        {R"({"blueprints":[{"name":"b","tenant":"t","client_id":"c","clientsecret":"HUSH"}]})", "has no setting clientsecret"},
    };
    for (const auto& [config, says] : table) {
        const std::string message = complaint(config);
        CHECK(message.find(says) != std::string::npos);
        CHECK(message.find("HUSH") == std::string::npos);
    }
    const std::string one = R"({"name":"b","tenant":"t","client_id":"c","client_secret":"s"})";
    CHECK(complaint(R"({"blueprints":[)" + one + "," + one + "]}").find("that of another blueprint") != std::string::npos);
}
