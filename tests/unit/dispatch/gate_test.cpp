#include "dispatch/gate.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <thread>

#include "base/clock.h"
#include "wire/loop.h"

using namespace acp;
using namespace acp::dispatch;

namespace {

/// A request without a wire: answers at once and later ones both end in `answer`.
class FakeExchange final : public wire::Exchange, private wire::Responder::Target {
public:
    explicit FakeExchange(std::string method, std::string target,
                          std::vector<std::pair<std::string, std::string>> fields = {}, std::string body = {},
                          std::string authority = {})
        : method_(std::move(method)),
          target_(std::move(target)),
          authority_(std::move(authority)),
          texts_(std::move(fields)),
          body_(std::move(body)) {
        for (const auto& [n, v] : texts_) fields_.push_back({n, v});
        view_.method = method_;
        view_.target = target_;
        view_.authority = authority_;
        view_.fields = fields_;
        view_.request_id = "req-1";
        view_.peer = "127.0.0.1:5";
        view_.has_body = !body_.empty();
    }
    const wire::RequestView& request() const noexcept override { return view_; }
    wire::RequestView& view_of() noexcept { return view_; }
    wire::Loop& loop() noexcept override { return loop_; }
    void respond(http::Response response) override { complete(std::move(response)); }
    void read_body(std::uint64_t limit, std::function<void(std::string)> done) override {
        body_was_read = true;
        body_limit = limit;
        done(body_);
    }
    wire::Responder defer() override {
        control_ = std::make_shared<wire::Responder::Control>();
        control_->loop = &loop_;
        control_->target = this;
        return wire::Responder(control_);
    }
    /// Runs the loop until the answer is there.
    const http::Response& wait() {
        if (!answer) {
            loop_.after(20'000, [this] { loop_.stop(); });
            loop_.run();
        }
        REQUIRE(answer);
        return *answer;
    }
    std::string field(const std::string& name) const {
        for (const auto& [n, v] : answer->fields)
            if (n == name) return v;
        return {};
    }
    std::optional<http::Response> answer;
    bool body_was_read = false;
    std::uint64_t body_limit = 0;

private:
    void resumed(const std::function<void(wire::Exchange&)>& task) override { task(*this); }
    void complete(http::Response response) override {
        REQUIRE_FALSE(answer);
        answer = std::move(response);
        loop_.stop();
    }
    std::string method_, target_, authority_;
    std::vector<std::pair<std::string, std::string>> texts_;
    std::vector<wire::http1::Field> fields_;
    std::string body_;
    wire::RequestView view_;
    wire::Loop loop_{0, {}};
    std::shared_ptr<wire::Responder::Control> control_;
};

/// Knows one token, and proves two more.
class FakeCallers final : public Authenticator {
public:
    identity::PrincipalPtr known(const Evidence& e) const noexcept override { return e.value == "known" ? known_ : nullptr; }
    Result<identity::PrincipalPtr> prove(const Evidence& e) override {
        seen.emplace_back(e);
        if (e.value == "boom") throw std::runtime_error("secret cause");
        if (e.value == "good") return std::make_shared<const identity::Principal>(identity::Principal{.subject = "alice", .scopes = {"read:x"}});
        if (e.value == "fresh") return std::make_shared<const identity::Principal>(identity::Principal{.subject = "alice", .scopes = {"read:x"}, .acr = "high", .auth_time_unix_s = unix_ns() / 1'000'000'000 - 100});
        if (e.value == "stale") return std::make_shared<const identity::Principal>(identity::Principal{.subject = "alice", .scopes = {"read:x"}, .acr = "high", .auth_time_unix_s = unix_ns() / 1'000'000'000 - 200});
        if (e.value == "nonceless") return fail(Code::unauthenticated, "use_dpop_nonce", R"(repeat the "nonce")");
        return fail(Code::unauthenticated, e.kind == Evidence::Kind::session ? "no_session" : "invalid_token", "the access token is invalid");
    }
    std::string dpop_nonce() override { return "n-1"; }
    std::deque<HeldEvidence> seen;

private:
    identity::PrincipalPtr known_ = std::make_shared<const identity::Principal>(identity::Principal{.subject = "bob", .scopes = {"read:x"}});
};

struct House {
    FakeCallers callers;
    Router router;
    work::Pool pool{"test", 2, 2};
    GateOptions options;
    std::vector<std::string> denials;
    ContextPtr seen;

    void add(std::string method, std::string pattern, std::string scope, Body body = Body::none) {
        Route r{std::move(method),
                std::move(pattern),
                "op",
                std::move(scope),
                body,
                {},
                [this](const ContextPtr& c) {
                    seen = c;
                    return http::json_response(200, R"({"body":)" + json::quoted(c->body) + "}");
                },
                {}};
        REQUIRE(router.add(std::move(r)));
    }
    void ask(FakeExchange& exchange) {
        Gate gate(router, {pool, pool}, callers, options);
        gate.on_denial(
            [this](const Context& c, const Error& e) { denials.push_back(c.principal->subject + " " + e.slug); });
        gate.on_request(exchange);
        exchange.wait();
        pool.stop();  // so that nothing of the gate is in use when it goes
    }
    int status(FakeExchange&& exchange) {
        ask(exchange);
        return exchange.answer->status;
    }
};

const std::pair<std::string, std::string> kGood{"Authorization", "Bearer good"};

std::string code_of(const http::Response& r) {
    return json::text_or(json::parse_object(r.body).value(), "code");
}

}  // namespace

TEST_CASE("a request passes the gate with everything the handler needs") {
    House house;
    house.add("POST", "/a/{id}", "read:x", Body::json);
    FakeExchange e("POST", "/a/x%20y?k=v",
                   {kGood,
                    {"Content-Type", "Application/JSON ; charset=utf-8"},
                    {"Cookie", "c"},
                    {"X-Mine", "1"},
                    {"Traceparent", "00-ab"}},
                   R"({"n":1})");
    house.ask(e);
    CHECK(e.answer->status == 200);
    CHECK(e.body_limit == house.options.body_bytes);
    const Context& c = *house.seen;
    CHECK(c.method == "POST");
    CHECK(c.path == "/a/x y");
    CHECK(c.param("id") == "x y");
    CHECK(c.param("none").empty());
    CHECK(c.query.get("k") == "v");
    CHECK(c.raw_query == "k=v");
    CHECK(c.field("x-mine") == "1");
    CHECK(c.traceparent == "00-ab");
    CHECK(c.request_id == "req-1");
    CHECK(c.peer == "127.0.0.1:5");
    CHECK(c.principal->subject == "alice");
    CHECK(c.json_body().value()->getValue<int>("n") == 1);
    // Credentials go no further than the gate.
    CHECK(c.field("authorization").data() == nullptr);
    CHECK(c.field("cookie").data() == nullptr);
}

TEST_CASE("without, with a bad and with a weak token nothing is read or run") {
    House house;
    house.add("POST", "/a", "write:x", Body::json);
    struct Case {
        std::vector<std::pair<std::string, std::string>> fields;
        int status;
        std::string challenge;
        std::size_t denials;
    };
    const auto c =
        GENERATE(values<Case>({{{}, 401, "Bearer realm=\"alphaswarm-cp\"", 0},
                               {{{"Authorization", "Basic Z29vZA=="}}, 401, "Bearer realm=\"alphaswarm-cp\"", 0},
                               {{{"Authorization", "Bearer "}}, 401, "Bearer realm=\"alphaswarm-cp\"", 0},
                               {{{"Authorization", "Bearer bad"}}, 401, "error=\"invalid_token\"", 1},
                               {{kGood}, 403, "error=\"insufficient_scope\", scope=\"write:x\"", 1},
                               {{kGood, kGood}, 400, "", 1}}));
    auto fields = c.fields;
    fields.emplace_back("Content-Type", "application/json");
    FakeExchange e("POST", "/a", fields, "{}");
    house.ask(e);
    CHECK(e.answer->status == c.status);
    CHECK(e.field("WWW-Authenticate").find(c.challenge) != std::string::npos);
    CHECK(house.denials.size() == c.denials);
    CHECK_FALSE(e.body_was_read);
    CHECK_FALSE(house.seen);
}

TEST_CASE("the scheme's name is in any case") {
    House house;
    house.add("GET", "/a", "read:x");
    CHECK(house.status(FakeExchange("GET", "/a", {{"authorization", "bearer good"}})) == 200);
}

TEST_CASE("an anonymous caller is let in only when the options name one") {
    House house;
    house.add("GET", "/a", "read:x");
    house.options.anonymous = std::make_shared<identity::Principal>(identity::Principal{.subject = "dev", .scopes = {"admin:cluster"}});
    SECTION("no token") {
        CHECK(house.status(FakeExchange("GET", "/a")) == 200);
        CHECK(house.seen->principal->subject == "dev");
    }
    SECTION("a bad token stays bad") {
        CHECK(house.status(FakeExchange("GET", "/a", {{"Authorization", "Bearer bad"}})) == 401);
    }
}

TEST_CASE("paths are judged before anything else") {
    House house;
    house.add("GET", "/a", "read:x");
    house.router.reserve("/later", "later");
    struct Case {
        std::string method, target;
        int status;
        std::string code;
    };
    const auto c = GENERATE(values<Case>({{"GET", "/a/../a", 400, "bad_path"},
                                          {"GET", "/%2e%2e/a", 400, "bad_path"},
                                          {"GET", "/nope", 404, "route_not_found"},
                                          {"POST", "/a", 405, "method_not_allowed"},
                                          {"GET", "/later/x", 501, "feature_unavailable"},
                                          {"GET", "*", 400, "bad_path"}}));
    FakeExchange e(c.method, c.target);
    house.ask(e);
    CHECK(e.answer->status == c.status);
    CHECK(code_of(*e.answer) == c.code);
    if (c.status == 405) CHECK(e.field("Allow") == "GET, HEAD, OPTIONS");
}

TEST_CASE("OPTIONS tells the methods, of a path and of the server") {
    House house;
    house.add("GET", "/a", "read:x");
    const auto target = GENERATE(values<std::string>({"/a", "*"}));
    FakeExchange e("OPTIONS", target);
    house.ask(e);
    CHECK(e.answer->status == 204);
    CHECK(e.field("Allow").starts_with("GET, HEAD"));
}

TEST_CASE("queries and bodies must fit the operation") {
    House house;
    house.add("GET", "/none", "read:x");
    house.add("POST", "/json", "read:x", Body::json);
    house.add("PATCH", "/patch", "read:x", Body::merge_patch);
    house.add("POST", "/any", "read:x", Body::any);
    struct Case {
        std::string method, target, type, body;
        int status;
    };
    const auto c = GENERATE(values<Case>({{"GET", "/none?a=%zz", "", "", 400},
                                          {"GET", "/none", "text/plain", "x", 400},
                                          {"POST", "/json", "text/plain", "{}", 415},
                                          {"POST", "/json", "application/jsonx", "{}", 415},
                                          {"POST", "/json", "", "", 200},
                                          {"PATCH", "/patch", "application/merge-patch+json", "{}", 200},
                                          {"PATCH", "/patch", "application/json", "{}", 200},
                                          {"PATCH", "/patch", "text/plain", "{}", 415},
                                          {"POST", "/any", "image/png", "x", 200}}));
    std::vector<std::pair<std::string, std::string>> fields{kGood};
    if (!c.type.empty()) fields.emplace_back("Content-Type", c.type);
    CHECK(house.status(FakeExchange(c.method, c.target, fields, c.body)) == c.status);
}

TEST_CASE("a form is taken apart strictly") {
    House house;
    house.add("POST", "/form", "", Body::form);
    struct Case {
        std::string type, body;
        int status;
        bool good;
    };
    const std::string type = "application/x-www-form-urlencoded";
    const auto c = GENERATE_COPY(values<Case>({{type, "a=1&b=x%20y+z", 200, true},
                                               {"Application/X-WWW-Form-URLencoded;charset=UTF-8", "a=1", 200, true},
                                               {type, "a=1&a=1", 200, false},
                                               {type, "a=1&%61=2", 200, false},
                                               {type, "a=%zz", 200, false},
                                               {type, "a=%00", 200, false},
                                               {type, "a=%ff", 200, false},
                                               {"application/json", "{}", 415, false},
                                               {"", "a=1", 415, false},
                                               {"text/plain", "a=1", 415, false}}));
    std::vector<std::pair<std::string, std::string>> fields;
    if (!c.type.empty()) fields.emplace_back("Content-Type", c.type);
    FakeExchange e("POST", "/form", fields, c.body);
    house.ask(e);
    REQUIRE(e.answer->status == c.status);
    if (c.status != 200) return;
    const auto form = house.seen->form();
    REQUIRE(form.has_value() == c.good);
    if (!c.good) {
        CHECK(form.error().slug == "bad_form");
        CHECK(form.error().message.find('1') == std::string::npos);
        return;
    }
    CHECK(form->get("a") == "1");
    if (c.body.size() > 4) CHECK(form->get("b") == "x y z");
}

TEST_CASE("credentials go to the handlers that ask for them, and to no other") {
    House house;
    house.add("POST", "/token", "", Body::form);
    const bool wanted = GENERATE(true, false);
    Route route{"POST", "/login", "op", {}, Body::form, {}, [&house](const ContextPtr& c) {
                    house.seen = c;
                    return http::json_response(200, "{}");
                }, {}};
    route.wants_credentials = true;
    REQUIRE(house.router.add(std::move(route)));
    FakeExchange e("POST", wanted ? "/login" : "/token", {{"Authorization", "Basic YTpi"}, {"authorization", "Basic YTpj"}, {"Cookie", "c=1"}});
    tls::PeerIdentity peer;
    peer.certificate.sha256 = "ab";
    e.view_of().certificate = &peer;
    house.ask(e);
    REQUIRE(e.answer->status == 200);
    const Context& c = *house.seen;
    CHECK(c.field("authorization").data() == nullptr);
    CHECK(c.field("cookie").data() == nullptr);
    REQUIRE((c.credentials != nullptr) == wanted);
    if (!wanted) return;
    CHECK(c.credentials->authorization == std::vector<std::string>{"Basic YTpi", "Basic YTpj"});
    CHECK(c.credentials->cookie == std::vector<std::string>{"c=1"});
    REQUIRE(c.credentials->certificate);
    CHECK(c.credentials->certificate->certificate.sha256 == "ab");
}

TEST_CASE("an immediate public route is answered on the spot") {
    House house;
    house.router.add({"GET",
                      "/live",
                      "live",
                      {},
                      Body::none,
                      [](const wire::RequestView& r) { return http::json_response(200, json::quoted(r.target)); },
                      {},
                      {}});
    FakeExchange e("GET", "/live");
    house.ask(e);
    CHECK(e.answer->body == "\"/live\"");
}

TEST_CASE("whatever a handler throws becomes a 500 that tells nothing") {
    House house;
    const auto how = GENERATE(0, 1, 2);
    const auto boom = [how] {
        if (how == 0) throw std::runtime_error("secret cause");
        if (how == 1) throw 42;
        throw Poco::NotFoundException("secret cause");
    };
    SECTION("on the pool") {
        house.router.add({"GET",
                          "/a",
                          "a",
                          {},
                          Body::none,
                          {},
                          [boom](const ContextPtr&) -> http::Response {
                              boom();
                              return {};
                          },
                          {}});
    }
    SECTION("on the loop") {
        house.router.add({"GET", "/a", "a", {}, Body::none, {}, {}, [boom](const ContextPtr&) { boom(); }});
    }
    FakeExchange e("GET", "/a");
    house.ask(e);
    CHECK(e.answer->status == 500);
    CHECK(e.answer->body.find("secret cause") == std::string::npos);
}

TEST_CASE("a handler that answers and then throws has answered") {
    House house;
    house.router.add({"GET", "/a", "a", {}, Body::none, {}, {}, [](const ContextPtr& c) {
                          c->responder.send(http::json_response(202, "{}"));
                          throw std::runtime_error("late");
                      }});
    CHECK(house.status(FakeExchange("GET", "/a")) == 202);
}

TEST_CASE("a full pool answers 503 with a time to come again") {
    House house;
    house.add("GET", "/a", "read:x");
    std::vector<int> held;
    while (house.pool.reserve()) held.push_back(1);
    FakeExchange e("GET", "/a", {kGood});
    Gate gate(house.router, {house.pool, house.pool}, house.callers, {});
    gate.on_request(e);
    CHECK(e.wait().status == 503);
    CHECK(e.field("Retry-After") == "1");
    for ([[maybe_unused]] int h : held) house.pool.cancel_reservation();
}

TEST_CASE("a refusal of the protocol has the form of every other problem") {
    House house;
    Gate gate(house.router, {house.pool, house.pool}, house.callers, {});
    const auto response = gate.on_refusal(431, "head_too_large", "req-9");
    CHECK(response.status == 431);
    const auto body = json::parse_object(response.body).value();
    CHECK(json::text_or(body, "code") == "head_too_large");
    CHECK(json::text_or(body, "request_id") == "req-9");
    CHECK(body->getValue<int>("status") == 431);
}

TEST_CASE("a caller that is known is not proven again") {
    House house;
    house.add("GET", "/a", "read:x");
    CHECK(house.status(FakeExchange("GET", "/a", {{"Authorization", "Bearer known"}})) == 200);
    CHECK(house.callers.seen.empty());
    CHECK(house.seen->principal->subject == "bob");
}

TEST_CASE("what throws while it proves a caller becomes a 500 that tells nothing") {
    House house;
    house.add("GET", "/a", "read:x");
    FakeExchange e("GET", "/a", {{"Authorization", "Bearer boom"}});
    house.ask(e);
    CHECK(e.answer->status == 500);
    CHECK(e.answer->body.find("secret cause") == std::string::npos);
}

TEST_CASE("a route may want a strong and fresh authentication") {
    House house;
    house.add("POST", "/kill", "read:x", Body::json);
    const_cast<Route&>(*house.router.routes().front()).acr = "high";
    struct Case {
        std::string token;
        int status;
    };
    const auto c = GENERATE(values<Case>({{"good", 401}, {"stale", 401}, {"fresh", 200}}));
    FakeExchange e("POST", "/kill", {{"Authorization", "Bearer " + c.token}});
    house.ask(e);
    CHECK(e.answer->status == c.status);
    if (c.status == 401)
        CHECK(e.field("WWW-Authenticate") == R"(Bearer realm="alphaswarm-cp", error="insufficient_user_authentication", acr_values="high", max_age="180")");
}

TEST_CASE("evidence of a caller is taken from one place") {
    House house;
    house.add("POST", "/a", "read:x", Body::any);
    house.options.sources = {"sid", {"x-front-jwt"}, {}};
    struct Case {
        std::vector<std::pair<std::string, std::string>> fields;
        int status;
        Evidence::Kind kind;
        std::string value;
        bool same_origin = false;
    };
    using Kind = Evidence::Kind;
    const auto c = GENERATE(values<Case>({
        {{kGood, {"Cookie", "sid=1"}}, 200, Kind::bearer, "good"},
        {{{"Authorization", "DPoP good"}, {"DPoP", "p"}}, 200, Kind::dpop, "good"},
        {{{"Cookie", "a=b; sid=good"}}, 200, Kind::session, "good"},
        {{{"Cookie", "xsid=bad; sid=good"}, {"Sec-Fetch-Site", "same-origin"}}, 200, Kind::session, "good", true},
        {{{"Cookie", "sid=good"}, {"Sec-Fetch-Site", "same-site"}}, 200, Kind::session, "good", false},
        {{{"Cookie", "sid=good"}, {"Sec-Fetch-Site", "none"}}, 200, Kind::session, "good", false},
        {{{"Cookie", "sid=good"}, {"Origin", "http://cp.test"}}, 200, Kind::session, "good", true},
        {{{"Cookie", "sid=good"}, {"Origin", "http://evil.test"}}, 200, Kind::session, "good", false},
        {{{"Cookie", "sid=good"}, {"Origin", "null"}}, 200, Kind::session, "good", false},
        {{{"Cookie", "sid=good"}, {"Origin", "http://evil.test"}, {"Sec-Fetch-Site", "same-origin"}}, 200, Kind::session, "good", false},
        {{{"X-Front-Jwt", "good"}}, 200, Kind::asserted, "good"},
        {{{"Cookie", "sid=bad"}, {"X-Front-Jwt", "good"}}, 401, Kind::session, "bad"},
        {{{"Cookie", "sid=good; sid=good"}}, 400, Kind::session, ""},
        {{{"X-Front-Jwt", "good"}, {"X-Front-Jwt", "good"}}, 400, Kind::asserted, ""},
        {{{"Authorization", "DPoP good"}, {"DPoP", "p"}, {"DPoP", "q"}}, 400, Kind::dpop, ""},
        {{{"Authorization", "DPoP"}, {"DPoP", "p"}}, 401, Kind::dpop, ""},
    }));
    FakeExchange e("POST", "/a", c.fields, "", "cp.test");
    house.ask(e);
    CHECK(e.answer->status == c.status);
    if (c.value.empty()) {
        CHECK(house.callers.seen.empty());
        return;
    }
    const Evidence& seen = house.callers.seen.front().view();
    CHECK(seen.kind == c.kind);
    CHECK(seen.value == c.value);
    CHECK(seen.is_same_origin == c.same_origin);
    CHECK(seen.is_unsafe());
    if (c.kind == Kind::dpop) CHECK(seen.url == "http://cp.test/a");
}

TEST_CASE("a route that welcomes a caller takes a stale cookie for none") {
    House house;
    house.add("GET", "/me", "", Body::none);
    auto& route = const_cast<Route&>(*house.router.routes().front());
    house.options.sources.session_cookie = "sid";
    route.caller = Caller::welcome;
    SECTION("nobody") { CHECK(house.status(FakeExchange("GET", "/me")) == 200); }
    SECTION("stale") { CHECK(house.status(FakeExchange("GET", "/me", {{"Cookie", "sid=old"}})) == 200); }
    SECTION("a bad token") { CHECK(house.status(FakeExchange("GET", "/me", {{"Authorization", "Bearer bad"}})) == 401); }
    SECTION("required") {
        route.caller = Caller::required;
        CHECK(house.status(FakeExchange("GET", "/me", {{"Cookie", "sid=old"}})) == 401);
    }
    SECTION("somebody") {
        CHECK(house.status(FakeExchange("GET", "/me", {{"Cookie", "sid=good"}})) == 200);
        CHECK(house.seen->principal->subject == "alice");
    }
}

TEST_CASE("a client that proves a key is challenged in the DPoP scheme") {
    struct Case {
        std::string token;
        std::string error;
        std::string nonce;
    };
    const auto c = GENERATE(values<Case>({{"bad", R"(error="invalid_token")", ""},
                                          {"good", R"(error="insufficient_scope", scope="write:x")", ""},
                                          {"nonceless", R"(error="use_dpop_nonce", error_description="repeat the nonce")", "n-1"}}));
    House house;
    house.add("GET", "/a", "write:x");
    FakeExchange e("GET", "/a", {{"Authorization", "DPoP " + c.token}, {"DPoP", "p"}});
    house.ask(e);
    const std::string challenge = e.field("WWW-Authenticate");
    CHECK(challenge.starts_with("DPoP realm=\"alphaswarm-cp\", algs=\"RS256 "));
    CHECK(challenge.find(c.error) != std::string::npos);
    CHECK(e.field("DPoP-Nonce") == c.nonce);
}
