// What strangers see: metadata, keys, pages; and which endpoints of flows are served.
#include <algorithm>
#include <catch2/catch.hpp>

#include "auth/discovery.h"
#include "auth/pages.h"
#include "unit/auth/house.h"

using namespace acp;
using namespace acp::auth;
using namespace acp::auth::test;

namespace {

std::string field(const http::Response& response, const std::string& name) {
    for (const auto& [n, v] : response.fields)
        if (n == name) return v;
    return {};
}

/// The answer to GET `path`, of a route that answers at once.
http::Response get(House& house, const std::string& path) {
    for (auto& mounted : house.endpoints->routes()) {
        if (mounted.route.pattern != path) continue;
        REQUIRE(mounted.route.immediate);
        wire::RequestView request;
        request.method = "GET";
        request.target = path;
        return mounted.route.immediate(request);
    }
    FAIL("nothing is served at " + path);
    return {};
}

}  // namespace

TEST_CASE("metadata by the issuer's URL") {
    House house;
    const auto path = GENERATE(
        values<std::string>({"/auth/.well-known/openid-configuration", "/.well-known/openid-configuration", "/.well-known/openid-configuration/auth",
                             "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/auth"}));
    const auto response = get(house, path);
    CHECK(response.status == 200);
    CHECK(field(response, "Cache-Control") == "public, max-age=300");
    const auto body = json::parse_object(response.body).value();
    CHECK(json::text_or(body, "issuer") == kIssuer);
    CHECK(json::text_or(body, "token_endpoint") == kIssuer + "/token");
    CHECK(json::text_or(body, "jwks_uri") == kIssuer + "/jwks");
    CHECK(json::text_or(body, "revocation_endpoint") == kIssuer + "/revoke");
    CHECK(json::text_or(body, "introspection_endpoint") == kIssuer + "/introspect");
    const std::string grants = json::dump(body->get("grant_types_supported"));
    CHECK(grants.find("client_credentials") != std::string::npos);
    CHECK(grants.find(kExchange) != std::string::npos);
    CHECK_FALSE(body->has("device_authorization_endpoint"));
    // A DPoP proof or an assertion by a shared secret is no proof.
    CHECK(response.body.find("HS256") == std::string::npos);
}

TEST_CASE("an issuer that is no URL of ours has nothing to discover") {
    const auto issuer = GENERATE(values<std::string>({"urn:alphaswarm:cp", "https://cp.example", "https://cp.example/auth/"}));
    Settings settings = make_settings(issuer, "https://cp.example");
    settings.audience = "alphaswarm-cp";
    House house(settings);
    const auto response = get(house, "/.well-known/openid-configuration");
    CHECK(response.status == 404);
    CHECK(response.content_type == http::kProblem);
    CHECK(response.body.find("identity.issuer") != std::string::npos);
    CHECK(get(house, "/auth/jwks").status == 200);
    CHECK(house.mint().status() == 200);
}

TEST_CASE("published keys have no private part") {
    House house;
    const auto response = get(house, "/auth/jwks");
    CHECK(response.content_type == "application/jwk-set+json");
    CHECK_FALSE(field(response, "Cache-Control").empty());
    const auto keys = json::parse_object(response.body).value()->getArray("keys");
    REQUIRE(keys->size() == 1);
    CHECK(json::text_or(keys->getObject(0), "crv") == "P-256");
    CHECK_FALSE(keys->getObject(0)->has("d"));
}

TEST_CASE("where the endpoints are") {
    CHECK(make_settings("https://a.example/x/auth", "http://b").base == "https://a.example/x/auth");
    CHECK(make_settings("https://a.example/x/auth", "http://b").origin == "https://a.example");
    CHECK(make_settings("urn:x", "http://b:1").base == "http://b:1/auth");
    CHECK(make_settings("urn:x:/auth", "http://b:1").base == "http://b:1/auth");
}

TEST_CASE("a flow's mistake costs its endpoint") {
    House house;
    const auto endpoint = [](std::string method, std::string path) {
        plugins::AuthEndpoint out;
        out.operation_id = "x" + path + method;
        out.method = std::move(method);
        out.path = std::move(path);
        return out;
    };
    Flow flow = house.flows.front();
    flow.alias = "odd";
    flow.endpoints = {endpoint("POST", "/token"),        endpoint("GET", "/jwks"),       endpoint("PUT", "/odd/put"),
                      endpoint("POST", "odd"),           endpoint("POST", "/odd//x"),    endpoint("GET", "/../x"),
                      endpoint("GET", "/odd/{x}"),       endpoint("POST", "/m2m/token"), endpoint("GET", "/odd/good-one"),
                      endpoint("GET", "/.well-known/x"), endpoint("GET", "/odd/")};
    house.flows.push_back(flow);
    std::vector<std::string> served;
    for (const auto& mounted : house.endpoints->routes())
        if (mounted.operation) served.push_back(mounted.route.method + " " + mounted.route.pattern + " " + mounted.route.operation_id);
    CHECK(served == std::vector<std::string>{"POST /auth/m2m/token m2m.token", "GET /auth/odd/good-one odd.x/odd/good-oneGET"});
}

TEST_CASE("what needs a session is answered with 501 while there is none; guesses are limited") {
    House house;
    plugins::AuthEndpoint page;
    page.operation_id = "enter";
    page.method = "POST";
    page.path = "/enter";
    page.input = ACP_AUTH_INPUT_FORM;
    const bool sessions = GENERATE(true, false);
    page.flags = sessions ? ACP_AUTH_NEEDS_SESSION | ACP_AUTH_HTML : ACP_AUTH_GUESSABLE;
    Flow flow = house.flows.front();
    flow.alias = "page";
    flow.endpoints = {page};
    flow.handle = [](const auto&, const auto&) -> Result<plugins::AuthDecision> {
        plugins::AuthDecision out;
        out.kind = plugins::AuthDecision::Kind::respond;
        out.body_json = R"({"ok":true})";
        return out;
    };
    house.flows.push_back(flow);
    dispatch::BlockingHandler serve;
    for (auto& mounted : house.endpoints->routes())
        if (mounted.route.pattern == "/auth/enter") serve = mounted.route.blocking;
    REQUIRE(serve);
    const auto ask = [&](const std::string& peer) {
        auto context = std::make_shared<dispatch::Context>();
        context->path = "/auth/enter";
        context->peer = peer;
        context->body = "user_code=x";
        context->credentials = std::make_unique<dispatch::Credentials>();
        return serve(context);
    };
    if (sessions) {
        const auto response = ask("192.0.2.1:1");
        CHECK(response.status == 501);
        CHECK(response.content_type.starts_with("text/html"));
        return;
    }
    for (int i = 0; i < 30; ++i) CHECK(ask("192.0.2.1:" + std::to_string(i)).status == 200);
    CHECK(ask("192.0.2.1:99").status == 429);
    CHECK(ask("192.0.2.2:1").status == 200);
}

TEST_CASE("pages escape all that flows fill in, and run nothing") {
    const std::string evil = R"("><script>alert('x')</script>&)";
    auto scopes = json::array();
    scopes->add(evil);
    const auto confirm = page(200, "device",
                              json::object({{"step", std::string("confirm")},
                                            {"action", std::string("/auth/device")},
                                            {"client_name", evil},
                                            {"address", evil},
                                            {"user_code", evil},
                                            {"problem", evil},
                                            {"scopes", scopes}}),
                              evil);
    REQUIRE(confirm);
    CHECK(confirm->body.find("<script") == std::string::npos);
    CHECK(confirm->body.find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;") != std::string::npos);
    CHECK(confirm->body.find("name=\"csrf_token\"") != std::string::npos);
    const std::string policy = field(*confirm, "Content-Security-Policy");
    CHECK(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(field(*confirm, "X-Frame-Options") == "DENY");
    CHECK(field(*confirm, "Cache-Control") == "no-store");
    CHECK(message_page(400, evil, evil).body.find("<script") == std::string::npos);
}

TEST_CASE("forms are sent below /auth and nowhere else") {
    struct Case {
        std::string action;
        bool good;
    };
    const auto c = GENERATE(values<Case>({{"/device", true},
                                          {"/auth/device", true},
                                          {"https://evil.example/auth/", false},
                                          {"//evil.example/auth/x", false},
                                          {"/auth/../x", false},
                                          {"javascript:alert(1)", false},
                                          {"", false},
                                          {"/auth/x?y", false}}));
    const auto made = page(200, "device", json::object({{"step", std::string("code")}, {"action", c.action}}), "t");
    CHECK(made.has_value() == c.good);
    CHECK_FALSE(page(200, "nonsense", json::object(), ""));
    CHECK_FALSE(page(200, "device", json::object({{"step", std::string("x")}, {"action", std::string("/auth/device")}}), ""));
}
