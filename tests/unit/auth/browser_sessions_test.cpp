#include "auth/browser_sessions.h"

#include <catch2/catch.hpp>

#include "unit/auth/browser_house.h"

using namespace acp;
using namespace acp::auth;
using test::BrowserHouse;

namespace {

using Kind = plugins::AuthDecision::Kind;

struct Visitor {
    std::string session, login;  // cookies

    dispatch::ContextPtr context(std::string method = "GET", std::string path = "/auth/callback") const {
        auto c = std::make_shared<dispatch::Context>();
        c->method = std::move(method);
        c->path = std::move(path);
        c->peer = "192.0.2.7:4000";
        c->request_id = "req-1";
        c->fields = {{"accept", "text/html"}};
        c->credentials = std::make_unique<dispatch::Credentials>();
        if (!session.empty()) c->credentials->cookie.push_back("__Host-acp_session=" + session);
        if (!login.empty()) c->credentials->cookie.push_back("__Host-acp_login=" + login);
        return c;
    }
    /// Takes the cookies of an answer over.
    void take(const http::Response& response) {
        for (const auto& [name, value] : response.fields) {
            if (name != "Set-Cookie") continue;
            CHECK(value.find("; Path=/; HttpOnly; SameSite=Lax; Secure") != std::string::npos);
            const auto equals = value.find('=');
            (value.starts_with("__Host-acp_session") ? session : login) = value.substr(equals + 1, value.find(';') - equals - 1);
        }
    }
};

std::string field(const http::Response& r, const std::string& name) {
    for (const auto& [n, v] : r.fields)
        if (n == name) return v;
    return {};
}

plugins::AuthDecision redirect(const std::string& state) {
    plugins::AuthDecision d;
    d.kind = Kind::redirect;
    d.location = "https://idp.test/authorize?client_id=x&state=" + state;
    d.state_json = R"({"verifier":"v"})";
    return d;
}

plugins::AuthDecision session_for(const std::string& subject, std::string acr = {}) {
    plugins::AuthDecision d;
    d.kind = Kind::session;
    d.identity.subject = subject;
    d.identity.issuer = "https://idp.test";
    d.identity.actor_kind = "user";
    d.identity.claims_json = R"({"groups":["a"],"email":"a@x.test"})";
    d.identity.acr = std::move(acr);
    d.identity.auth_time_unix_s = 5;
    d.location = "/console/";
    return d;
}

http::Query query(const std::string& raw) { return http::Query::parse(raw).value(); }

}  // namespace

TEST_CASE("what a redirect keeps comes back once, to the browser that was sent") {
    BrowserHouse house;
    Visitor mine;
    const auto away = house.browser.redirect(*mine.context(), "web", "state-1", redirect("state-1"));
    CHECK(away.status == 303);
    CHECK(field(away, "Location") == "https://idp.test/authorize?client_id=x&state=state-1");
    CHECK(field(away, "Cache-Control") == "no-store");
    mine.take(away);
    SECTION("once") {
        CHECK(house.browser.take_state(*mine.context(), "web", query("state=state-1&code=c")).value() == R"({"verifier":"v"})");
        CHECK(house.browser.take_state(*mine.context(), "web", query("state=state-1&code=c")).value().empty());
    }
    SECTION("by another browser") {
        Visitor other;
        other.take(house.browser.redirect(*other.context(), "web", "state-2", redirect("state-2")));
        CHECK(house.browser.take_state(*other.context(), "web", query("state=state-1")).error().slug == "login_csrf");
    }
    SECTION("by one without a cookie") { CHECK(house.browser.take_state(*Visitor().context(), "web", query("state=state-1")).error().slug == "login_csrf"); }
    SECTION("by another flow") { CHECK(house.browser.take_state(*mine.context(), "other", query("state=state-1")).value().empty()); }
    SECTION("unknown") { CHECK(house.browser.take_state(*mine.context(), "web", query("state=state-9")).value().empty()); }
    SECTION("a second tab shares the cookie") {
        mine.take(house.browser.redirect(*mine.context(), "web", "state-3", redirect("state-3")));
        CHECK_FALSE(house.browser.take_state(*mine.context(), "web", query("state=state-1")).value().empty());
        CHECK_FALSE(house.browser.take_state(*mine.context(), "web", query("state=state-3")).value().empty());
    }
}

TEST_CASE("a redirect must carry the state that it was given") {
    BrowserHouse house;
    const auto answer = [&](const std::string& location) {
        auto decision = redirect("x");
        decision.location = location;
        return house.browser.redirect(*Visitor().context(), "web", "state-1", decision).status;
    };
    CHECK(answer("https://idp.test/authorize?state=other") == 500);
    CHECK(answer("https://idp.test/authorize") == 500);
    CHECK(answer("https://idp.test/authorize?request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3A1&client_id=x") == 303);
}

TEST_CASE("a login makes a session, and what the browser had before ends") {
    BrowserHouse house;
    Visitor mine;
    const auto first = house.browser.begin_session(*mine.context(), "web", session_for("alice"));
    CHECK(first.status == 303);
    CHECK(field(first, "Location") == "/console/");
    mine.take(first);
    const auto session = house.browser.current(*mine.context()).value();
    REQUIRE(session);
    CHECK(session->subject == "alice");
    CHECK(session->scopes == std::vector<std::string>{"read:x"});
    CHECK(session->address == "192.0.2.7");
    CHECK(house.log.kinds == std::vector<std::string>{"session.begin granted"});

    const Visitor before = mine;
    mine.take(house.browser.begin_session(*mine.context(), "web", session_for("bob")));
    CHECK(mine.session != before.session);
    CHECK_FALSE(house.browser.current(*before.context()).value());
    CHECK(house.browser.current(*mine.context()).value()->subject == "bob");
    CHECK(house.ended == 1);
}

TEST_CASE("no session without its row in the ledger") {
    BrowserHouse house;
    house.log.is_full = true;
    const auto refused = house.browser.begin_session(*Visitor().context(), "web", session_for("alice"));
    CHECK(refused.status == 503);
    CHECK(field(refused, "Set-Cookie").empty());
    CHECK(house.sessions.of_subject("https://idp.test", "alice").value().empty());
}

TEST_CASE("a step-up raises the session of the same person alone") {
    BrowserHouse house;
    Visitor mine;
    mine.take(house.browser.begin_session(*mine.context(), "web", session_for("alice")));
    const std::string handle = house.browser.current(*mine.context()).value()->handle;
    auto raise = session_for("alice", "high");
    raise.replaces_session = handle;
    SECTION("the same") {
        const Visitor before = mine;
        mine.take(house.browser.begin_session(*mine.context(), "stepup", raise));
        CHECK(mine.session != before.session);
        const auto now = house.browser.current(*mine.context()).value();
        CHECK(now->acr == "high");
        CHECK(now->flow == "web");  // that renews it
        CHECK(house.browser.current(*before.context()).value()->acr.empty());
    }
    SECTION("somebody else") {
        raise.identity.subject = "mallory";
        CHECK(house.browser.begin_session(*mine.context(), "stepup", raise).status == 403);
        CHECK(house.browser.current(*mine.context()).value()->acr.empty());
    }
    SECTION("without the session") { CHECK(house.browser.begin_session(*Visitor().context(), "stepup", raise).status == 401); }
    SECTION("of another session") {
        raise.replaces_session = "nobodys";
        CHECK(house.browser.begin_session(*mine.context(), "stepup", raise).status == 401);
    }
}

TEST_CASE("sessions end by their cookie, by the upstream's session and by the person") {
    BrowserHouse house;
    Visitor mine;
    auto login = session_for("alice");
    login.identity.upstream_session = "s1";
    mine.take(house.browser.begin_session(*mine.context(), "web", login));
    plugins::AuthDecision end;
    end.kind = Kind::end;
    SECTION("own") {
        end.end_session = house.browser.current(*mine.context()).value()->handle;
        end.location = "https://idp.test/end?x=1";
        const auto response = house.browser.end_session(*mine.context("POST"), "web", end);
        CHECK(response.status == 303);
        CHECK(field(response, "Set-Cookie").find("Max-Age=0") != std::string::npos);
    }
    SECTION("back channel, by session") {
        end.end_issuer = "https://idp.test";
        end.end_upstream_session = "s1";
        CHECK(house.browser.end_session(*Visitor().context("POST"), "web", end).status == 200);
    }
    SECTION("back channel, by person") {
        end.end_issuer = "https://idp.test";
        end.end_subject = "alice";
        CHECK(house.browser.end_session(*Visitor().context("POST"), "web", end).status == 200);
    }
    CHECK_FALSE(house.browser.current(*mine.context()).value());
    CHECK(house.ended == 1);
}

TEST_CASE("the back channel of one issuer ends no session of another") {
    BrowserHouse house;
    Visitor mine;
    auto login = session_for("alice");
    login.identity.upstream_session = "s1";
    mine.take(house.browser.begin_session(*mine.context(), "web", login));
    plugins::AuthDecision end;
    end.kind = Kind::end;
    end.end_issuer = "https://evil.test";
    SECTION("session") { end.end_upstream_session = "s1"; }
    SECTION("person") { end.end_subject = "alice"; }
    CHECK(house.browser.end_session(*Visitor().context("POST"), "web", end).status == 200);
    CHECK(house.browser.current(*mine.context()).value());
}

TEST_CASE("a change needs the session's token, from a page of this server") {
    BrowserHouse house;
    Visitor mine;
    mine.take(house.browser.begin_session(*mine.context(), "web", session_for("alice")));
    const auto session = house.browser.session(*mine.context()).value();
    REQUIRE(session);
    struct Case {
        bool same_origin;
        std::string field, form;
        bool good;
    };
    const std::string token = session->csrf_token;
    for (const auto& c : std::vector<Case>{{true, token, "", true}, {true, "", token, true}, {false, token, "", false}, {true, "", "", false}, {true, "wrong", token, false}, {true, token + "x", "", false}}) {
        CAPTURE(c.same_origin, c.field, c.form);
        auto context = mine.context("POST");
        context->credentials->is_same_origin = c.same_origin;
        if (!c.field.empty()) context->fields.emplace_back("x-csrf-token", c.field);
        CHECK(house.browser.check_csrf(*context, session, c.form).has_value() == c.good);
    }
    auto context = Visitor().context("POST");
    context->credentials->is_same_origin = true;
    CHECK_FALSE(house.browser.check_csrf(*context, std::nullopt, ""));
}

TEST_CASE("a page that needs a session sends its browser to log in and back") {
    BrowserHouse house;
    auto context = Visitor().context("GET", "/auth/device");
    context->raw_query = "user_code=BCDF-GHJK";
    const auto response = house.browser.log_in(*context);
    CHECK(response.status == 303);
    CHECK(field(response, "Location") == "https://cp.test/auth/login?return_to=%2Fauth%2Fdevice%3Fuser_code%3DBCDF-GHJK");
}
