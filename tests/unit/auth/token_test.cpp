// What a token says, and who may ask for what.
#include <catch2/catch.hpp>

#include "auth/claims.h"
#include "base/bytes.h"
#include "unit/auth/house.h"

using namespace acp;
using namespace acp::auth;
using namespace acp::auth::test;
using Kind = plugins::AuthDecision::Kind;

TEST_CASE("a token as RFC 9068 has it") {
    House house;
    const Reply reply = house.mint();
    REQUIRE(reply.status() == 200);
    CHECK(reply.response.content_type == "application/json");
    CHECK(reply.text("token_type") == "Bearer");
    CHECK(reply.json->getValue<int>("expires_in") == 3600);
    CHECK(reply.text("scope") == "read:infrastructure manage:infrastructure");
    const auto claims = house.claims_of(reply.text("access_token"));
    CHECK(json::text_or(claims, "iss") == kIssuer);
    CHECK(json::text_or(claims, "sub") == "basic");
    CHECK(json::text_or(claims, "aud") == "alphaswarm-cp");
    CHECK(json::text_or(claims, "client_id") == "basic");
    CHECK(json::text_or(claims, "actor_kind") == "service");
    CHECK(claims->getValue<std::int64_t>("iat") == house.now);
    CHECK(claims->getValue<std::int64_t>("exp") == house.now + 3600);
    CHECK_FALSE(claims->has("cnf"));
    CHECK_FALSE(claims->has("act"));
    // The row is there, and has neither token nor secret.
    REQUIRE(house.log.events.size() == 1);
    CHECK(house.log.last().kind == "token.mint");
    const std::string row = house.log.text();
    CHECK(row.find(json::text_or(claims, "jti")) != std::string::npos);
    CHECK(row.find("eyJ") == std::string::npos);
    CHECK(row.find("canary") == std::string::npos);
    CHECK(house.counters.minted == 1);
}

TEST_CASE("without its row a token is not given out") {
    House house;
    house.log.broken = true;
    const Reply reply = house.mint();
    CHECK(reply.status() == 503);
    CHECK(reply.error() == "temporarily_unavailable");
    CHECK(reply.response.body.find("eyJ") == std::string::npos);
    CHECK(house.counters.minted == 0);
}

TEST_CASE("scopes and audiences that are asked for") {
    struct Case {
        Pairs form;
        std::string error, scope, audience;
    };
    const auto c = GENERATE(values<Case>({
        {{{"scope", "read:infrastructure"}}, "", "read:infrastructure", "alphaswarm-cp"},
        {{{"scope", "read:infrastructure read:infrastructure"}}, "", "read:infrastructure", "alphaswarm-cp"},
        {{{"scope", ""}}, "", "read:infrastructure manage:infrastructure", "alphaswarm-cp"},
        {{{"audience", "billing"}}, "", "read:infrastructure manage:infrastructure", "billing"},
        {{{"resource", "https://orders.example"}}, "", "read:infrastructure manage:infrastructure", "https://orders.example"},
        {{{"audience", "alphaswarm-cp"}}, "", "read:infrastructure manage:infrastructure", "alphaswarm-cp"},
        {{{"scope", "admin:cluster"}}, "invalid_scope", "", ""},
        {{{"scope", "read:infrastructure admin:cluster"}}, "invalid_scope", "", ""},
        {{{"scope", "READ:INFRASTRUCTURE"}}, "invalid_scope", "", ""},
        {{{"scope", "read:infrastructure\"x"}}, "invalid_scope", "", ""},
        {{{"audience", "other"}}, "invalid_target", "", ""},
        {{{"audience", ""}}, "invalid_target", "", ""},
        {{{"resource", "https://orders.example/"}}, "invalid_target", "", ""},
        {{{"resource", "https://orders.example#x"}}, "invalid_target", "", ""},
        {{{"resource", "orders"}}, "invalid_target", "", ""},
        {{{"resource", "https://orders.example"}, {"audience", "alphaswarm-cp"}}, "invalid_target", "", ""},
    }));
    House house;
    const Reply reply = house.mint(c.form);
    INFO(reply.response.body);
    CHECK(reply.error() == c.error);
    if (!c.error.empty()) {
        CHECK(reply.status() == 400);
        return;
    }
    CHECK(reply.text("scope") == c.scope);
    CHECK(json::text_or(house.claims_of(reply.text("access_token")), "aud") == c.audience);
}

TEST_CASE("several audiences of others go together") {
    House house;
    const auto claims = house.claims_of(house.token({{"resource", "https://orders.example"}, {"audience", "billing"}}));
    CHECK(audiences_of(claims) == std::vector<std::string>{"https://orders.example", "billing"});
}

TEST_CASE("what a flow grants is cut to the client, whatever it says") {
    House house;
    plugins::AuthDecision decision;
    decision.kind = Kind::grant;
    decision.identity.subject = "basic";
    decision.identity.actor_kind = "service";
    SECTION("scopes") {
        decision.identity.scopes = {"admin:cluster"};
    }
    SECTION("audiences") {
        decision.identity.audiences = {"other"};
    }
    SECTION("a subject that is no client of ours has no scope") {
        decision.identity.subject = "nobody";
    }
    SECTION("nor has somebody without a role") {
        decision.identity.subject = "bob";
        decision.identity.issuer = "https://idp.example";
        decision.identity.claims_json = R"({"groups":["guests"]})";
    }
    SECTION("an issuer that is not trusted gives no role") {
        decision.identity.subject = "bob";
        decision.identity.issuer = "https://evil.example";
        decision.identity.claims_json = R"({"groups":["ops"],"scope":"admin:cluster"})";
    }
    SECTION("nor a person who is called like one") {
        decision.identity.subject = "both";
        decision.identity.actor_kind = "user";
    }
    SECTION("one that has expired") {
        decision.identity.expires_unix_s = 1;
    }
    house.decide = [&](const auto&) { return decision; };
    const Reply reply = house.mint();
    CHECK(reply.status() == 400);
    CHECK(house.counters.minted == 0);
    CHECK(house.counters.refused == 1);
}

TEST_CASE("somebody with a role gets what role and client both allow, and no longer than told") {
    House house;
    house.decide = [&](const auto&) {
        plugins::AuthDecision out;
        out.kind = Kind::grant;
        out.identity.subject = "bob";
        out.identity.issuer = "https://idp.example";
        out.identity.actor_kind = "user";
        out.identity.claims_json = R"({"groups":["ops"],"resources":["web"]})";
        out.identity.acr = "high";
        out.identity.amr = {"pwd", "otp"};
        out.identity.auth_time_unix_s = house.now - 5;
        out.identity.expires_unix_s = house.now + 60;
        out.identity.act_json = R"({"sub":"agent"})";
        return out;
    };
    const Reply reply = house.mint();
    REQUIRE(reply.status() == 200);
    CHECK(reply.text("scope") == "read:infrastructure");
    CHECK(reply.json->getValue<int>("expires_in") == 60);
    const auto claims = house.claims_of(reply.text("access_token"));
    CHECK(json::text_or(claims, "sub") == "bob");
    CHECK(json::text_or(claims, "acr") == "high");
    CHECK(texts_of(claims, "amr") == std::vector<std::string>{"pwd", "otp"});
    CHECK(texts_of(claims, "resources") == std::vector<std::string>{"web"});
    CHECK(claims->getValue<std::int64_t>("auth_time") == house.now - 5);
    CHECK(json::text_or(claims->getObject("act"), "sub") == "agent");
}

TEST_CASE("a role is told only with all that it stands for") {
    House house;
    const bool narrow = GENERATE(true, false);
    house.decide = [&](const auto&) {
        plugins::AuthDecision out;
        out.kind = Kind::grant;
        out.identity.subject = "bob";
        out.identity.issuer = "https://idp.example";
        out.identity.actor_kind = "user";
        out.identity.claims_json = narrow ? R"({"team":"web"})" : R"({"team":"audit"})";
        return out;
    };
    const auto claims = house.claims_of(house.token());
    CHECK(texts_of(claims, "roles") == (narrow ? std::vector<std::string>{} : std::vector<std::string>{"auditor"}));
}

TEST_CASE("requests that are none") {
    struct Case {
        std::string name, body, query, error;
    };
    const auto c = GENERATE(values<Case>({
        {"no grant_type", "scope=x", "", "invalid_request"},
        {"an empty one", "grant_type=", "", "invalid_request"},
        {"an unknown one", "grant_type=password", "", "unsupported_grant_type"},
        {"the code grant", "grant_type=authorization_code", "", "unsupported_grant_type"},
        {"twice", "grant_type=client_credentials&grant_type=client_credentials", "", "invalid_request"},
        {"twice, once encoded", "grant_type=client_credentials&gr%61nt_type=x", "", "invalid_request"},
        {"in the query", "scope=x", "grant_type=client_credentials", "invalid_request"},
        {"something in the query", "grant_type=client_credentials", "x=1", "invalid_request"},
        {"a malformed escape", "grant_type=%zz", "", "invalid_request"},
        {"NUL", "grant_type=client_credentials%00", "", "invalid_request"},
        {"no UTF-8", "grant_type=%ff", "", "invalid_request"},
        {"JSON", R"({"grant_type":"client_credentials"})", "", "invalid_request"},
    }));
    House house;
    Ask ask;
    ask.authorization = {basic("basic", kSecret + "basic")};
    ask.raw_body = c.body;
    ask.query = c.query;
    const Reply reply = house.ask(ask);
    INFO(c.name << ": " << reply.response.body);
    CHECK(reply.error() == c.error);
    CHECK(reply.status() == 400);
    CHECK(house.seen.empty());
}

TEST_CASE("a client gets tokens by the grants it is registered for") {
    House house;
    CHECK(house.mint({}, "idle").error() == "unauthorized_client");
    CHECK(house.ask({.form = {{"grant_type", "client_credentials"}, {"client_id", "public"}}}).error() == "unauthorized_client");
}

TEST_CASE("the route of a flow is the same grant by another name") {
    House house;
    Ask ask;
    ask.path = "/auth/m2m/token";
    ask.authorization = {basic("basic", kSecret + "basic")};
    ask.form = {{"grant_type", "client_credentials"}, {"scope", "read:infrastructure"}};
    CHECK(house.ask(ask).text("scope") == "read:infrastructure");
    ask.form[0].second = "password";
    CHECK(house.ask(ask).error() == "unsupported_grant_type");
    ask.form[0].second = "client_credentials";
    ask.form[1].second = "admin:cluster";
    CHECK(house.ask(ask).error() == "invalid_scope");
    ask.authorization = {basic("idle", kSecret + "idle")};
    CHECK(house.ask(ask).error() == "unauthorized_client");
    ask.authorization = {};
    CHECK(house.ask(ask).error() == "invalid_client");
    ask.query = "x=1";
    CHECK(house.ask(ask).error() == "invalid_request");
}

TEST_CASE("a flow sees who asks, but not how that was proven") {
    House house;
    house.ask({.form = {{"grant_type", "client_credentials"}, {"client_id", "post"}, {"client_secret", kSecret + "post"}, {"extra", "1"}}});
    REQUIRE(house.seen.size() == 1);
    const auto& request = house.seen.front();
    CHECK(request.client_id == "post");
    CHECK(request.client_auth_method == "client_secret_post");
    CHECK(request.origin == "https://cp.example");
    CHECK(request.peer == "192.0.2.1");
    CHECK(request.client_json.find("canary") == std::string::npos);
    CHECK(request.client_json.find(sha256_hex(kSecret + "post")) == std::string::npos);
    for (const auto& [name, value] : request.params) {
        CHECK(name != "client_secret");
        CHECK(value.find("canary") == std::string::npos);
    }
}

TEST_CASE("a token bound to a key") {
    House house;
    Ask ask;
    ask.form = {{"grant_type", "client_credentials"}};
    ask.authorization = {basic("bound", kSecret + "bound")};
    SECTION("one that must prove its key, and does") {
        ask.dpop = {house.proof()};
        const Reply reply = house.ask(ask);
        INFO(reply.response.body);
        REQUIRE(reply.status() == 200);
        CHECK(reply.text("token_type") == "DPoP");
        const auto cnf = house.claims_of(reply.text("access_token"))->getObject("cnf");
        CHECK(json::text_or(cnf, "jkt") == house.proof_key.public_key().thumbprint());
        CHECK(house.seen.front().confirmation_json.find("jkt") != std::string::npos);
    }
    SECTION("no proof") {
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
    SECTION("two proofs") {
        ask.dpop = {house.proof(), house.proof()};
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
    SECTION("a proof twice") {
        ask.dpop = {house.proof()};
        CHECK(house.ask(ask).status() == 200);
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
    SECTION("a proof for elsewhere") {
        ask.dpop = {house.proof({}, "/auth/introspect")};
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
    SECTION("for another method") {
        ask.dpop = {house.proof({{"htm", std::string("GET")}})};
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
    SECTION("an old one") {
        ask.dpop = {house.proof({{"iat", house.now - 3600}})};
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
    SECTION("garbage") {
        ask.dpop = {"canary"};
        const Reply reply = house.ask(ask);
        CHECK(reply.error() == "invalid_dpop_proof");
        CHECK(reply.status() == 400);
        CHECK(reply.response.body.find("canary") == std::string::npos);
    }
    SECTION("an upstream's token cannot be bound") {
        ask.dpop = {house.proof()};
        house.decide = [](const auto&) {
            plugins::AuthDecision out;
            out.kind = Kind::forward;
            out.token_json = R"({"access_token":"canary","token_type":"Bearer"})";
            return out;
        };
        CHECK(house.ask(ask).error() == "invalid_dpop_proof");
    }
}

TEST_CASE("a server that wants nonces gives one") {
    House house(House::default_settings(), {60, 30, true});
    Ask ask;
    ask.form = {{"grant_type", "client_credentials"}};
    ask.authorization = {basic("bound", kSecret + "bound")};
    ask.dpop = {house.proof()};
    const Reply asked = house.ask(ask);
    CHECK(asked.error() == "use_dpop_nonce");
    CHECK(asked.status() == 400);
    const std::string nonce = asked.field("DPoP-Nonce");
    REQUIRE_FALSE(nonce.empty());
    ask.dpop = {house.proof({{"nonce", nonce}})};
    CHECK(house.ask(ask).status() == 200);
}

TEST_CASE("a token bound to the certificate that proved its client") {
    House house;
    const auto peer = certificate("CN=x", kSpiffe, "some der");
    const Reply reply = house.ask({.form = {{"grant_type", "client_credentials"}, {"client_id", "mtls"}}, .certificate = peer});
    REQUIRE(reply.status() == 200);
    CHECK(reply.text("token_type") == "Bearer");
    const auto digest = sha256("some der");
    CHECK(json::text_or(house.claims_of(reply.text("access_token"))->getObject("cnf"), "x5t#S256") ==
          base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}));
    CHECK(house.seen.front().peer_certificate == "some der");
}

TEST_CASE("a certificate that merely comes along binds nothing") {
    House house;
    Ask ask;
    ask.form = {{"grant_type", "client_credentials"}};
    ask.authorization = {basic("basic", kSecret + "basic")};
    ask.certificate = certificate("CN=x", kSpiffe, "der");
    CHECK_FALSE(house.claims_of(house.ask(ask).text("access_token"))->has("cnf"));
}

TEST_CASE("an upstream's token is handed on, without what is not for the client") {
    House house;
    house.decide = [](const auto&) {
        plugins::AuthDecision out;
        out.kind = Kind::forward;
        out.token_json =
            R"({"access_token":"canary-upstream","token_type":"Bearer","expires_in":60,"refresh_token":"canary-refresh","id_token":"x"})";
        return out;
    };
    const Reply reply = house.mint({{"audience", "billing"}});
    REQUIRE(reply.status() == 200);
    CHECK(reply.text("access_token") == "canary-upstream");
    CHECK_FALSE(reply.json->has("refresh_token"));
    CHECK_FALSE(reply.json->has("id_token"));
    CHECK(house.counters.forwarded == 1);
    CHECK(house.log.last().kind == "token.forward");
    CHECK(house.log.text().find("canary") == std::string::npos);
    house.log.broken = true;
    CHECK(house.mint({{"audience", "billing"}}).status() == 503);
}

TEST_CASE("refusals in the flow's own words") {
    struct Case {
        std::string code;
        int http_status, retry_after, status;
        std::size_t rows;
    };
    const auto c = GENERATE(values<Case>({{"invalid_grant", 0, 0, 400, 1},
                                          {"authorization_pending", 0, 0, 400, 0},
                                          {"slow_down", 0, 5, 400, 0},
                                          {"access_denied", 403, 0, 403, 1},
                                          {"my_own_code", 0, 0, 400, 1},
                                          {"temporarily_unavailable", 503, 7, 503, 1}}));
    House house;
    house.decide = [&](const auto&) {
        plugins::AuthDecision out;
        out.kind = Kind::refuse;
        out.error_code = c.code;
        out.error_description = "because of <b>\"it\"</b>\\";
        out.http_status = c.http_status;
        out.retry_after_s = c.retry_after;
        return out;
    };
    const Reply reply = house.mint();
    CHECK(reply.status() == c.status);
    CHECK(reply.error() == c.code);
    CHECK(reply.text("error_description") == "because of <b>'it'</b>?");
    CHECK(reply.field("Retry-After") == (c.retry_after > 0 ? std::to_string(c.retry_after) : ""));
    CHECK(house.log.events.size() == c.rows);
}

TEST_CASE("decisions that need a browser are answered with 501 while there is none") {
    House house;
    const auto kind = GENERATE(Kind::session, Kind::redirect, Kind::end);
    house.decide = [&](const auto&) {
        plugins::AuthDecision out;
        out.kind = kind;
        out.location = "https://idp.example/authorize";
        return out;
    };
    Ask ask;
    ask.path = "/auth/m2m/token";
    ask.authorization = {basic("basic", kSecret + "basic")};
    ask.form = {{"grant_type", "client_credentials"}};
    CHECK(house.ask(ask).status() == 501);
}

TEST_CASE("a flow that passes leaves the grant to the next, and in the end to nobody") {
    House house;
    house.decide = [](const auto&) {
        plugins::AuthDecision out;
        out.kind = Kind::pass;
        return out;
    };
    CHECK(house.mint().error() == "unsupported_grant_type");
    auto second = house.flows.front();
    second.alias = "second";
    second.handle = [](const auto&, const plugins::AuthRequest& request) -> Result<plugins::AuthDecision> {
        plugins::AuthDecision out;
        out.kind = Kind::grant;
        out.identity.subject = request.client_id;
        return out;
    };
    house.flows.push_back(second);
    CHECK(house.mint().status() == 200);
}

TEST_CASE("a flow that fails is an outage that tells nothing of itself") {
    House house;
    house.flows.front().handle = [](const auto&, const auto&) -> Result<plugins::AuthDecision> {
        return fail(Code::internal, "plugin_defect", "canary");
    };
    const Reply broken = house.mint();
    CHECK(broken.status() == 500);
    CHECK(broken.error() == "server_error");
    CHECK(broken.response.body.find("canary") == std::string::npos);
    house.flows.front().handle = [](const auto&, const auto&) -> Result<plugins::AuthDecision> {
        return fail(Code::unavailable, "down", "the upstream is down");
    };
    CHECK(house.mint().status() == 503);
}
