#include "flows/bff_fixture.h"

using namespace acp::test::flows;
using namespace acp;

TEST_CASE("bff serves its endpoints with what protects them") {
    Bff f;
    std::map<std::string, sdk::AuthEndpoint> by_path;
    for (const auto& e : f.flow.endpoints()) by_path[e.path] = e;
    REQUIRE(by_path.size() == 5);
    CHECK(by_path["/login"].flags == ACP_AUTH_HTML);
    CHECK(by_path["/login"].method == "GET");
    CHECK(by_path["/callback"].input == ACP_AUTH_INPUT_QUERY);
    CHECK(by_path["/logout"].method == "POST");
    CHECK(by_path["/logout"].flags == (ACP_AUTH_NEEDS_SESSION | ACP_AUTH_NEEDS_CSRF));
    CHECK(by_path["/logout/done"].method == "GET");
    CHECK(by_path["/backchannel-logout"].method == "POST");
    CHECK(by_path["/backchannel-logout"].flags == 0);
    for (const auto& [path, e] : by_path)
        if (!e.operation_json.empty()) CHECK(Json::parse(e.operation_json).is_object());
    CHECK(f.flow.handle(request("other")).code == ACP_E_NOT_FOUND);
}

TEST_CASE("a configuration that cannot work names the setting, and no value") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"{}", "/providers"},
        {R"({"providers": []})", "/providers"},
        {with(""), "client_secret or assertion_key"},
        {with(R"(, "client_secret": "HUSH", "assertion_key": "k")"), "client_secret or assertion_key"},
        {with(R"(, "client_secret": "HUSH", "kind": "google")"), "/kind"},
        {with(R"(, "client_secret": "HUSH", "use_par": "maybe")"), "/use_par"},
        {with(R"(, "client_secret": "HUSH", "scopes": ["profile"])"), "lacks openid"},
        {with(R"(, "client_secret": "HUSH", "scopes": ["openid", "a\"b"])"), "/scopes"},
        {with(R"(, "client_secret": "HUSH", "client_auth": "none")"), "/client_auth"},
        {with(R"(, "assertion_key": "", "client_auth": "basic")"), "/client_auth"},
        {with(R"(, "client_secret": "HUSH", "kind": "entra", "audience": "a")"), "/audience"},
        {with(R"(, "client_secret": "HUSH", "other_origins": ["http://x.example"])"), "/other_origins"},
        {with(R"(, "client_secret": "HUSH", "acr_values": {"high": ""})"), "/acr_values"},
        {with(R"(, "client_secret": "HUSH", "acr_values": ["high"])"), "/acr_values"},
        {with(R"(, "client_secret": "HUSH", "unknown": 1)"), "unknown"},
        {with(R"(, "client_secret": "HUSH")", R"(, "default_provider": "other")"), "/default_provider"},
        {with(R"(, "client_secret": "HUSH")", R"(, "post_logout_redirect_uri": "/done")"), "/post_logout_redirect_uri"},
        {R"({"redirect_uri": "http://cp.example/auth/callback", "providers": [{"id": "a", "issuer": "https://a.example", "client_id": "c", "client_secret": "s"}]})", "/redirect_uri"},
        {R"({"redirect_uri": "https://cp.example/cb", "providers": [{"id": "a", "issuer": "http://a.example", "client_id": "c", "client_secret": "s"}]})", "/issuer"},
        {R"({"redirect_uri": "https://cp.example/cb", "providers": [{"id": "a", "issuer": "http://127.evil.example", "client_id": "c", "client_secret": "s"}]})", "/issuer"},
        {R"({"redirect_uri": "https://cp.example/cb", "providers": [{"id": "a", "issuer": "https://u@a.example", "client_id": "c", "client_secret": "s"}]})", "/issuer"},
        {R"({"redirect_uri": "https://cp.example/cb", "providers": [{"id": "a", "issuer": "https://a.example", "client_id": "c", "client_secret": "s"}, {"id": "b", "issuer": "https://a.example", "client_id": "c", "client_secret": "s"}]})", "/providers/1/issuer"},
        {R"({"redirect_uri": "https://cp.example/cb", "providers": [{"id": "a", "issuer": "https://a.example", "client_id": "c", "client_secret": "s"}, {"id": "a", "issuer": "https://b.example", "client_id": "c", "client_secret": "s"}]})", "/providers/1/id"},
    };
    for (const auto& [config, words] : table) {
        INFO(config);
        const std::string why = complaint(config);
        CHECK(why.find(words) != std::string::npos);
        CHECK(why.find("HUSH") == std::string::npos);
    }
    CHECK(complaint(kBffConfig).empty());
}

TEST_CASE("a login leads to the provider with PKCE, a nonce and the host's state") {
    Bff f;
    const Step step = f.go("bff-login", {{"return_to", "/apps?a=b#c"}});
    REQUIRE(step.is(ACP_AUTH_REDIRECT));
    CHECK(step.decided.location.starts_with("https://idp.example/authorize?"));
    auto query = query_of(step.decided.location);
    const Json kept = Json::parse(f.state_json);
    CHECK(query["response_type"] == "code");
    CHECK(query["client_id"] == "cp");
    CHECK(query["redirect_uri"] == "https://cp.example/auth/callback");
    CHECK(query["scope"] == "openid profile email");
    CHECK(query["state"] == "next-state");
    CHECK(query["nonce"] == kept["nonce"]);
    CHECK(query["code_challenge_method"] == "S256");
    CHECK(query["code_challenge"].size() == 43);
    CHECK(query["code_challenge"] != kept["verifier"]);
    CHECK(kept["verifier"].get<std::string>().size() == 43);
    CHECK(kept["return_to"] == "/apps?a=b#c");
    CHECK(query.count("acr_values") == 0);
    CHECK(step.decided.location.find(kept["verifier"].get<std::string>()) == std::string::npos);

    const std::string first = kept["nonce"];
    f.go("bff-login");
    CHECK(Json::parse(f.state_json)["nonce"] != first);
    CHECK(f.idp.asked("/.well-known/openid-configuration") == 1);

    auto stateless = request("bff-login");
    CHECK(f.flow.handle(stateless).code == ACP_E_UNSUPPORTED);
}

TEST_CASE("return_to is a path of this server") {
    Bff f;
    for (const char* good : {"/", "/a", "/a/b?c=//d", "/a#//b", "/a?u=https://x", "/%2fevil.example", "/@evil.example"}) {
        INFO(good);
        CHECK(f.go("bff-login", {{"return_to", good}}).is(ACP_AUTH_REDIRECT));
    }
    for (const std::string& bad : std::vector<std::string>{"", "a", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "/a//b", "///x",
                                                           "javascript:alert(1)", "/\tevil", "/a\nb", " /a", "/a b", "/\x7f", "/\xc3\xa9", std::string("/\0x", 3), "/" + std::string(2048, 'a')}) {
        INFO(bad);
        const Step step = f.go("bff-login", {{"return_to", bad}});
        REQUIRE(step.is(ACP_AUTH_REFUSE));
        CHECK(step.decided.error_code == "invalid_request");
        CHECK(step.decided.http_status == 400);
    }
    CHECK(f.go("bff-login", {{"idp", "other"}}).decided.http_status == 400);
    CHECK(f.go("bff-login", {{"idp", "main"}}).is(ACP_AUTH_REDIRECT));
}

TEST_CASE("each kind of provider is asked in its own way") {
    {
        Bff f(with(R"(, "client_secret": "s", "kind": "auth0", "audience": "https://api.example", "scopes": ["offline_access", "openid"])"));
        auto query = query_of(f.go("bff-login").decided.location);
        CHECK(query["audience"] == "https://api.example");
        CHECK(query["scope"] == "offline_access openid");
        REQUIRE(f.back("bff-callback").is(ACP_AUTH_SESSION));
        CHECK(f.http.sent().back().form("client_secret") == "s");
        CHECK(f.http.sent().back().field("authorization").empty());
    }
    {
        Bff f(with(R"(, "client_secret": "s", "audience": "https://api.example")"));
        CHECK(query_of(f.go("bff-login").decided.location)["resource"] == "https://api.example");
    }
    {
        Bff f(with(R"(, "assertion_key": "k1")"));
        REQUIRE(f.log_in().is(ACP_AUTH_SESSION));
        CHECK(f.http.sent().back().form("client_assertion") == "assertion:k1:cp:https://idp.example");
        CHECK(f.http.sent().back().form("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    }
    {
        Bff f(with(R"(, "assertion_key": "", "kind": "entra")"));
        REQUIRE(f.log_in().is(ACP_AUTH_SESSION));
        CHECK(f.http.sent().back().form("client_assertion") == "assertion::cp:https://idp.example/token");
    }
}

TEST_CASE("requests are pushed where that is offered and wanted") {
    Bff f;
    f.idp.metadata["pushed_authorization_request_endpoint"] = "https://idp.example/par";
    const Step step = f.go("bff-login");
    REQUIRE(step.is(ACP_AUTH_REDIRECT));
    const auto query = query_of(step.decided.location);
    CHECK(query == std::map<std::string, std::string>{{"client_id", "cp"}, {"request_uri", "urn:ietf:params:oauth:request_uri:1"}});
    const SentRequest sent = f.http.sent().back();
    CHECK(sent.url == "https://idp.example/par");
    CHECK(sent.form("state") == "next-state");
    CHECK(sent.form("nonce") == f.idp.nonce);
    CHECK(sent.form("code_challenge").size() == 43);
    CHECK(sent.field("authorization") == "Basic " + flow::base64("cp:HUSH%3Asecret"));
    CHECK(f.back("bff-callback").is(ACP_AUTH_SESSION));
}

TEST_CASE("use_par is held to") {
    struct Row {
        const char* use;
        bool offered, needed, works, pushed;
    };
    const std::vector<Row> table = {{"never", true, false, true, false}, {"never", true, true, false, false}, {"always", false, false, false, false},
                                    {"always", true, false, true, true}, {"auto", false, false, true, false}, {"auto", true, true, true, true}};
    for (const auto& row : table) {
        INFO(row.use << row.offered << row.needed);
        Bff f(with(R"(, "client_secret": "s", "use_par": ")" + std::string(row.use) + "\""));
        if (row.offered) f.idp.metadata["pushed_authorization_request_endpoint"] = "https://idp.example/par";
        f.idp.metadata["require_pushed_authorization_requests"] = row.needed;
        CHECK(f.go("bff-login").is(ACP_AUTH_REDIRECT) == row.works);
        CHECK(f.idp.asked("/par") == (row.pushed ? 1 : 0));
    }
}

TEST_CASE("a pushed request that goes wrong leads nowhere") {
    const std::vector<FakeReply> table = {
        {201, R"({"request_uri":"https://evil.example/r&response_type=token#x"})"}, {201, R"({"request_uri":"urn:a b"})"}, {201, R"({"request_uri":""})"}, {201, "{}"}, {201, "<html>"},
        {307, ""}, {400, R"({"error":"invalid_request"})"}, {401, R"({"error":"invalid_client"})"}, {503, ""}, {200, R"({"request_uri":"urn:a","request_uri":"urn:b"})"},
        {201, R"({"request_uri":"urn:a"})", ACP_OK, "text/html"}, {201, "", ACP_E_UNAVAILABLE}};
    for (const auto& reply : table) {
        INFO(reply.status << reply.body);
        Bff f;
        f.idp.metadata["pushed_authorization_request_endpoint"] = "https://idp.example/par";
        f.idp.par_reply = reply;
        const Step step = f.go("bff-login");
        CHECK_FALSE(step.ok());
        check_no_secret(step);
    }
}

TEST_CASE("metadata that are not the issuer's, or lead elsewhere, are not used") {
    const std::vector<std::pair<std::string, std::function<void(Json&)>>> table = {
        {"another issuer", [](Json& m) { m["issuer"] = "https://other.example"; }},
        {"a slash more", [](Json& m) { m["issuer"] = "https://idp.example/"; }},
        {"no issuer", [](Json& m) { m.erase("issuer"); }},
        {"keys elsewhere", [](Json& m) { m["jwks_uri"] = "https://other.example/jwks"; }},
        {"keys in plain", [](Json& m) { m["jwks_uri"] = "http://idp.example/jwks"; }},
        {"keys on loopback", [](Json& m) { m["jwks_uri"] = "http://127.0.0.1/jwks"; }},
        {"no keys", [](Json& m) { m.erase("jwks_uri"); }},
        {"tokens elsewhere", [](Json& m) { m["token_endpoint"] = "https://other.example/token"; }},
        {"tokens at another port", [](Json& m) { m["token_endpoint"] = "https://idp.example:8443/token"; }},
        {"tokens by user information", [](Json& m) { m["token_endpoint"] = "https://idp.example@other.example/token"; }},
        {"no tokens", [](Json& m) { m.erase("token_endpoint"); }},
        {"authorization by script", [](Json& m) { m["authorization_endpoint"] = "javascript:alert(1)"; }},
        {"authorization with a fragment", [](Json& m) { m["authorization_endpoint"] = "https://idp.example/a#b"; }},
        {"authorization is no text", [](Json& m) { m["authorization_endpoint"] = 7; }},
        {"revocation elsewhere", [](Json& m) { m["revocation_endpoint"] = "https://other.example/revoke"; }},
        {"logout elsewhere", [](Json& m) { m["end_session_endpoint"] = "https://other.example/end"; }},
        {"no way to use a secret", [](Json& m) { m["token_endpoint_auth_methods_supported"] = {"private_key_jwt"}; }},
    };
    for (const auto& [name, change] : table) {
        INFO(name);
        Bff f;
        change(f.idp.metadata);
        const Step step = f.go("bff-login");
        CHECK(step.code == ACP_E_PROVIDER);
        CHECK(f.http.sent().size() == 1);
    }
}

TEST_CASE("metadata are fetched once, and again when their time is over") {
    Bff f;
    for (int i = 0; i < 3; ++i) REQUIRE(f.log_in().is(ACP_AUTH_SESSION));
    CHECK(f.idp.asked("/.well-known/openid-configuration") == 1);
    f.identity.advance(std::chrono::seconds(601));
    f.idp.metadata_reply = FakeReply{503, ""};
    CHECK(f.go("bff-login").is(ACP_AUTH_REDIRECT));  // what was known serves on
    CHECK(f.go("bff-login").is(ACP_AUTH_REDIRECT));
    CHECK(f.idp.asked("/.well-known/openid-configuration") == 2);
    f.identity.advance(std::chrono::seconds(3));
    f.idp.metadata_reply = FakeReply{200, R"({"issuer":"https://other.example"})"};
    CHECK(f.go("bff-login").code == ACP_E_PROVIDER);  // but not when the provider is somebody else now
}

TEST_CASE("a provider that cannot be asked is an outage, and is not asked by everybody") {
    const std::vector<std::pair<FakeReply, acp_status>> table = {
        {{200, "<html>we are down"}, ACP_E_PROVIDER}, {{302, ""}, ACP_E_PROVIDER}, {{404, ""}, ACP_E_PROVIDER}, {{503, ""}, ACP_E_UNAVAILABLE},
        {{200, "", ACP_E_UNAVAILABLE}, ACP_E_UNAVAILABLE}, {{200, "", ACP_E_DEADLINE}, ACP_E_UNAVAILABLE}, {{200, std::string(70'000, ' ') + "{}"}, ACP_E_EXHAUSTED},
        {{200, R"({"issuer":"https://idp.example","issuer":"https://idp.example"})"}, ACP_E_PROVIDER}};
    for (const auto& [reply, code] : table) {
        INFO(reply.status << " " << reply.failure);
        Bff f;
        f.idp.metadata_reply = reply;
        for (int i = 0; i < 5; ++i) CHECK(f.go("bff-login").code == code);
        CHECK(f.http.sent().size() == 1);
        f.identity.advance(std::chrono::seconds(3));
        f.idp.metadata_reply.reset();
        CHECK(f.go("bff-login").is(ACP_AUTH_REDIRECT));
    }
}
