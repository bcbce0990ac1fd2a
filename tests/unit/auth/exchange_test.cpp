// Token exchange, and what becomes of tokens that were issued.
#include <catch2/catch.hpp>

#include "auth/claims.h"
#include "base/bytes.h"
#include "unit/auth/house.h"

using namespace acp;
using namespace acp::auth;
using namespace acp::auth::test;

namespace {

Ask exchange(const std::string& subject, const Pairs& more = {}, const std::string& client = "basic") {
    Ask ask;
    ask.form = {{"grant_type", kExchange}, {"subject_token", subject}, {"subject_token_type", kAccess}};
    ask.form.insert(ask.form.end(), more.begin(), more.end());
    ask.authorization = {basic(client, kSecret + client)};
    return ask;
}

json::Object::Ptr parsed(const std::string& text) {
    return json::parse_object(text).value();
}

/// {"sub":"a0","act":{"sub":"a1",...}} with `depth` actors.
json::Object::Ptr actors(int depth) {
    json::Object::Ptr act;
    for (int i = depth - 1; i >= 0; --i) {
        auto outer = json::object({{"sub", "a" + std::to_string(i)}});
        if (act) outer->set("act", act);
        act = outer;
    }
    return act;
}

}  // namespace

TEST_CASE("an exchanged token is the subject's, with who acts written in") {
    House house;
    const std::map<std::string, json::Var> more{{"acr", std::string("high")}, {"auth_time", house.now - 9}, {"organization_id", std::string("org")}};
    const Reply reply = house.ask(exchange(house.own(more)));
    INFO(reply.response.body);
    REQUIRE(reply.status() == 200);
    CHECK(reply.text("issued_token_type") == kAccess);
    CHECK(reply.text("scope") == "read:infrastructure");  // the client has manage:, the subject workloads:halt
    const auto claims = house.claims_of(reply.text("access_token"));
    CHECK(json::text_or(claims, "sub") == "alice");
    CHECK(json::text_or(claims, "actor_kind") == "user");
    CHECK(json::text_or(claims, "client_id") == "basic");
    CHECK_FALSE(claims->has("acr"));
    CHECK(json::text_or(claims, "organization_id") == "org");
    CHECK(json::dump(claims->getObject("act")) == R"({"sub":"basic"})");
    CHECK(claims->getValue<std::int64_t>("exp") == house.now + 600);  // no longer than the subject's
}

TEST_CASE("an actor's token puts the actor before those that acted already") {
    House house;
    const std::string subject = house.own({{"act", parsed(R"({"sub":"first"})")}});
    const std::string actor = house.own({{"sub", std::string("agent-7")}});
    const Reply reply = house.ask(exchange(subject, {{"actor_token", actor}, {"actor_token_type", kAccess}}));
    INFO(reply.response.body);
    REQUIRE(reply.status() == 200);
    CHECK(json::dump(house.claims_of(reply.text("access_token"))->getObject("act")) ==
          R"({"sub":"agent-7","client_id":"basic","act":{"sub":"first"}})");
}

TEST_CASE("a client's own token, exchanged by it, gets no actor") {
    House house;
    const Reply reply = house.ask(exchange(house.token()));
    REQUIRE(reply.status() == 200);
    CHECK_FALSE(house.claims_of(reply.text("access_token"))->has("act"));
}

TEST_CASE("a trusted issuer's token is exchanged for what its roles give") {
    House house;
    auto groups = json::array();
    groups->add(std::string("ops"));
    const Reply reply = house.ask(exchange(
        house.foreign("https://idp.example", {{"groups", groups}, {"scope", std::string("manage:infrastructure admin:cluster")}}, "at+jwt")));
    INFO(reply.response.body);
    REQUIRE(reply.status() == 200);
    CHECK(reply.text("scope") == "read:infrastructure");
}

TEST_CASE("exchanges that are refused") {
    struct Case {
        std::string name;
        std::function<Ask(House&)> make;
        std::string error;
    };
    const std::vector<Case> cases{
        {"no subject",
         [](House& h) {
             Ask a = exchange(h.own());
             a.form.erase(a.form.begin() + 1);
             return a;
         },
         "invalid_request"},
        {"an empty subject", [](House&) { return exchange(""); }, "invalid_request"},
        {"no subject type",
         [](House& h) {
             Ask a = exchange(h.own());
             a.form.pop_back();
             return a;
         },
         "invalid_request"},
        {"an unknown subject type",
         [](House& h) {
             Ask a = exchange(h.own());
             a.form.back().second = "urn:ietf:params:oauth:token-type:saml2";
             return a;
         },
         "invalid_request"},
        {"an unknown wish",
         [](House& h) {
             return exchange(h.own(), {{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}});
         },
         "invalid_request"},
        {"an actor without type",
         [](House& h) {
             return exchange(h.own(), {{"actor_token", h.own()}});
         },
         "invalid_request"},
        {"a type without an actor",
         [](House& h) {
             return exchange(h.own(), {{"actor_token_type", kAccess}});
         },
         "invalid_request"},
        {"garbage", [](House&) { return exchange("canary"); }, "invalid_request"},
        {"an actor that is garbage",
         [](House& h) {
             return exchange(h.own(), {{"actor_token", "canary"}, {"actor_token_type", kAccess}});
         },
         "invalid_request"},
        {"expired",
         [](House& h) {
             return exchange(h.own({{"exp", h.now - 60}, {"iat", h.now - 600}}));
         },
         "invalid_request"},
        {"for another service",
         [](House& h) {
             return exchange(h.own({{"aud", std::string("billing")}}));
         },
         "invalid_request"},
        {"of another issuer by our key",
         [](House& h) {
             return exchange(h.own({{"iss", std::string("https://evil.example")}}));
         },
         "invalid_request"},
        {"by another key", [](House& h) { return exchange(h.foreign(kIssuer, {}, "at+jwt")); }, "invalid_request"},
        {"a foreign ID token", [](House& h) { return exchange(h.foreign("https://idp.example", {}, "JWT")); }, "invalid_request"},
        {"a foreign token for somebody else",
         [](House& h) {
             return exchange(h.foreign("https://idp.example", {{"aud", std::string("x")}}, "at+jwt"));
         },
         "invalid_request"},
        {"a foreign token without a role", [](House& h) { return exchange(h.foreign("https://idp.example", {}, "at+jwt")); }, "invalid_scope"},
        {"a scope that only the subject has",
         [](House& h) {
             return exchange(h.own(), {{"scope", "workloads:halt"}});
         },
         "invalid_scope"},
        {"a scope that only the client has",
         [](House& h) {
             return exchange(h.own(), {{"scope", "manage:infrastructure"}});
         },
         "invalid_scope"},
        {"a scope that nobody has",
         [](House& h) {
             return exchange(h.own(), {{"scope", "admin:cluster"}});
         },
         "invalid_scope"},
        {"nothing in common",
         [](House& h) {
             return exchange(h.own({{"scope", std::string("workloads:halt")}}));
         },
         "invalid_scope"},
        {"an audience that is not registered",
         [](House& h) {
             return exchange(h.own(), {{"audience", "payroll"}});
         },
         "invalid_target"},
        {"may_act names another",
         [](House& h) {
             return exchange(h.own({{"may_act", parsed(R"({"sub":"other"})")}}));
         },
         "invalid_request"},
        {"may_act names another client",
         [](House& h) {
             return exchange(h.own({{"may_act", parsed(R"({"client_id":"other"})")}}));
         },
         "invalid_request"},
        {"may_act names nobody",
         [](House& h) {
             return exchange(h.own({{"may_act", parsed("{}")}}));
         },
         "invalid_request"},
        {"may_act is a text",
         [](House& h) {
             return exchange(h.own({{"may_act", std::string("basic")}}));
         },
         "invalid_request"},
        {"may_act names another issuer",
         [](House& h) {
             return exchange(h.own({{"may_act", parsed(R"({"sub":"basic","iss":"https://x"})")}}));
         },
         "invalid_request"},
        {"may_act names the client, but another acts",
         [](House& h) {
             return exchange(h.own({{"may_act", parsed(R"({"sub":"basic"})")}}),
                             {{"actor_token", h.own({{"sub", std::string("agent")}})}, {"actor_token_type", kAccess}});
         },
         "invalid_request"},
        {"too many actors",
         [](House& h) {
             return exchange(h.own({{"act", actors(4)}}));
         },
         "invalid_request"},
        {"bound to a key, and no proof",
         [](House& h) {
             return exchange(h.own({{"cnf", json::object({{"jkt", h.proof_key.public_key().thumbprint()}})}}));
         },
         "invalid_request"},
        {"bound to another key than the proof's",
         [](House& h) {
             Ask a = exchange(h.own({{"cnf", json::object({{"jkt", h.client_key.public_key().thumbprint()}})}}));
             a.dpop = {h.proof()};
             return a;
         },
         "invalid_request"},
        {"bound to a certificate, and none",
         [](House& h) {
             return exchange(h.own({{"cnf", json::object({{"x5t#S256", std::string(43, 'A')}})}}));
         },
         "invalid_request"},
        {"bound to another certificate",
         [](House& h) {
             Ask a = exchange(h.own({{"cnf", json::object({{"x5t#S256", std::string(43, 'A')}})}}));
             a.certificate = certificate("CN=x", "", "der");
             return a;
         },
         "invalid_request"},
        {"an actor bound to a key",
         [](House& h) {
             const std::string actor = h.own({{"cnf", json::object({{"jkt", h.proof_key.public_key().thumbprint()}})}});
             return exchange(h.own(), {{"actor_token", actor}, {"actor_token_type", kAccess}});
         },
         "invalid_request"},
        {"a client without the grant", [](House& h) { return exchange(h.own(), {}, "idle"); }, "unauthorized_client"},
        {"no client",
         [](House& h) {
             Ask a = exchange(h.own());
             a.authorization = {};
             return a;
         },
         "invalid_client"},
    };
    for (const auto& c : cases) {
        House house;
        const Reply reply = house.ask(c.make(house));
        INFO(c.name << ": " << reply.response.body);
        CHECK(reply.error() == c.error);
        CHECK(house.counters.minted == 0);
        CHECK(reply.response.body.find("canary") == std::string::npos);
        CHECK(reply.response.body.find("eyJ") == std::string::npos);
    }
}

TEST_CASE("a bound token is exchanged by who proves the key, and stays bound") {
    House house;
    Ask ask = exchange(house.own({{"cnf", json::object({{"jkt", house.proof_key.public_key().thumbprint()}})}}));
    ask.dpop = {house.proof()};
    const Reply reply = house.ask(ask);
    INFO(reply.response.body);
    REQUIRE(reply.status() == 200);
    CHECK(reply.text("token_type") == "DPoP");
}

TEST_CASE("who may act, may; and three actors are not too many") {
    House house;
    CHECK(house.ask(exchange(house.own({{"may_act", parsed(R"({"sub":"basic"})")}}))).status() == 200);
    CHECK(house.ask(exchange(house.own({{"may_act", parsed(R"({"client_id":"basic"})")}}))).status() == 200);
    CHECK(house.ask(exchange(house.own({{"act", actors(3)}}))).status() == 200);
}

TEST_CASE("the widest scopes bring the others, but not each other") {
    House house;
    CHECK(house.ask(exchange(house.own({{"scope", std::string("admin:cluster")}}))).text("scope") == "read:infrastructure manage:infrastructure");
}

TEST_CASE("introspection shows a client its own tokens, and an auditor all") {
    House house;
    const std::string token = house.token({{"scope", "read:infrastructure"}});
    const auto ask = [&](const std::string& text, const std::string& client) {
        return house.ask({.path = "/auth/introspect",
                          .form = {{"token", text}, {"token_type_hint", "access_token"}},
                          .authorization = {basic(client, kSecret + client)}});
    };
    const auto active = [&](const Reply& reply) { return reply.json->getValue<bool>("active"); };
    const Reply own = ask(token, "basic");
    REQUIRE(active(own));
    CHECK(own.text("scope") == "read:infrastructure");
    CHECK(own.text("client_id") == "basic");
    CHECK(own.text("sub") == "basic");
    CHECK(own.text("token_type") == "Bearer");
    CHECK(own.json->getValue<std::int64_t>("exp") == house.now + 3600);
    CHECK(own.field("Cache-Control") == "no-store");
    CHECK(active(ask(token, "auditor")));
    // Another client is told no more than of garbage.
    for (const auto& reply : {ask(token, "both"), ask("canary", "basic"), ask(house.foreign(kIssuer, {}, "at+jwt"), "auditor"),
                              ask(house.own({{"exp", house.now - 60}}), "auditor")})
        CHECK(reply.response.body == R"({"active":false})");
    // Made for it: by audience.
    CHECK(active(ask(house.token({{"audience", "billing"}}), "both")));
    CHECK(ask("", "basic").error() == "invalid_request");
    CHECK(house.ask({.path = "/auth/introspect", .form = {{"token", token}, {"client_id", "public"}}}).error() == "invalid_client");
    CHECK(house.ask({.path = "/auth/introspect", .form = {{"token", token}}}).error() == "invalid_client");
    CHECK(house
              .ask({.path = "/auth/introspect",
                    .form = {{"token", token}},
                    .authorization = {basic("basic", kSecret + "basic")},
                    .query = "token=" + token})
              .error() == "invalid_request");
}

TEST_CASE("a revoked token is none any more") {
    House house;
    const std::string token = house.token();
    const auto revoke = [&](const std::string& text, const std::string& client) {
        return house.ask({.path = "/auth/revoke", .form = {{"token", text}}, .authorization = {basic(client, kSecret + client)}});
    };
    const auto active = [&] {
        const Reply reply = house.ask({.path = "/auth/introspect", .form = {{"token", token}}, .authorization = {basic("basic", kSecret + "basic")}});
        return reply.json->getValue<bool>("active");
    };
    const Reply of_another = revoke(token, "both");
    CHECK(of_another.error() == "unauthorized_client");
    CHECK(active());
    house.log.broken = true;
    CHECK(revoke(token, "basic").status() == 503);
    CHECK(active());
    house.log.broken = false;
    CHECK(revoke(token, "basic").status() == 200);
    CHECK(house.log.last().kind == "token.revoke");
    CHECK_FALSE(active());
    CHECK(house.counters.revocations == 1);
    CHECK(house.ask(exchange(token)).error() == "invalid_request");
    // RFC 7009 section 2.2: what is no token cannot be made less of one.
    CHECK(revoke(token, "basic").status() == 200);
    CHECK(revoke("canary", "basic").status() == 200);
    CHECK(revoke("", "basic").error() == "invalid_request");
    CHECK(house.log.text().find("eyJ") == std::string::npos);
}
