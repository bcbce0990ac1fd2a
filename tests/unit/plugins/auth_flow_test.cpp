#include <catch2/catch.hpp>
#include <map>
#include <vector>

#include "alphaswarm-cp/host/identity.h"
#include "base/clock.h"
#include "json/json.h"
#include "plugins/auth_flow.h"
#include "plugins/flow_host.h"
#include "unit/plugins/house.h"

using namespace acp;
using namespace acp::plugins;
using namespace acp::plugins::test;
using Kind = AuthDecision::Kind;

namespace {

/// Remembers what it was asked, and by whom.
class Notes final : public HostIdentity {
public:
    std::string last, asked_by;
    std::int64_t deadline = 0;
    std::string stored = R"({"v":1})";
    std::string token;

    Result<std::string> verify(const CallContext&, const TokenCheck& check) override {
        last = "verify " + std::string(check.token) + " " + std::string(check.issuer) + " " + std::string(check.audience);
        return fail(Code::unauthenticated, "invalid_token", "expired");
    }
    Result<std::string> assertion(const CallContext& call, const AssertionWanted& wanted) override {
        deadline = call.deadline_mono_ns;
        return std::string(wanted.client_id) + " for " + std::to_string(wanted.ttl_s);
    }
    Result<std::string> token_once(const CallContext&, std::string_view flow, std::string_view key, std::int64_t least,
                                   const Fetch& fetch) override {
        asked_by = flow;
        last = std::string(key) + " " + std::to_string(least);
        return token.empty() ? fetch() : token;
    }
    Result<std::string> state_put(const CallContext& call, std::string_view flow, std::string_view value, std::int64_t ttl) override {
        asked_by = std::string(flow) + " for " + call.principal;
        last = std::string(value) + " " + std::to_string(ttl);
        return std::string("handle-1");
    }
    Result<std::string> state_put_code(const CallContext&, std::string_view, std::string_view, std::int64_t) override {
        return std::string("BCDF-GHJK");
    }
    Result<StateRead> state_read(const CallContext&, std::string_view, std::string_view handle) override {
        if (handle != "handle-1") return fail(Code::not_found, "", "no such handle");
        return StateRead{stored, 7};
    }
    Result<void> state_replace(const CallContext&, std::string_view, std::string_view handle, std::uint64_t version,
                               std::string_view value) override {
        if (handle != "handle-1" || version != 7) return fail(Code::conflict, "", "another version");
        stored = value;
        return {};
    }
    Result<std::string> state_take(const CallContext&, std::string_view, std::string_view handle) override {
        if (handle != "handle-1") return fail(Code::not_found, "", "no such handle");
        return stored;
    }
    void audit(const CallContext&, std::string_view flow, std::string_view kind, std::string_view target,
               std::string_view outcome, std::string_view details) noexcept override {
        last = std::string(flow) + " " + std::string(kind) + " " + std::string(target) + " " + std::string(outcome) + " " +
               std::string(details);
    }
};

LibraryPtr library() {
    static Record record;
    static const LibraryPtr loaded = Library::load(ACP_SCRIPTED_FLOW, host_api(), {}, record);
    return loaded;
}

std::unique_ptr<AuthFlow> flow(HostIdentity* identity = nullptr, const std::string& config = "{}", Fault* fault = nullptr) {
    Fault mine;
    return AuthFlow::create(library(), identity, "scripted", config, "/nowhere", fault ? *fault : mine);
}

AuthRequest request(std::string operation, std::vector<std::pair<std::string, std::string>> params = {}) {
    AuthRequest r;
    r.operation_id = std::move(operation);
    r.method = "POST";
    r.origin = "https://cp.example";
    r.path = "/auth/scripted/x";
    r.peer = "192.0.2.1";
    r.params = std::move(params);
    r.client_id = "robot";
    r.confirmation_json = R"({"jkt":"k"})";
    r.state_json = R"({"a":1})";
    return r;
}

/// What the flow's endpoint for acp.host.identity/1 got for `what`.
Result<std::string> ask(const AuthFlow& flow, const std::string& what, const std::string& handle = {}) {
    auto decision = flow.handle(call(), request("state", {{"do", what}, {"handle", handle}}));
    if (!decision) return fail(decision.error());
    return json::text_or(json::parse_object(decision->audit_json).value(), "out");
}

}  // namespace

TEST_CASE("an auth flow describes its endpoints and credential fields") {
    const auto made = flow();
    REQUIRE(made);
    CHECK(made->alias() == "scripted");
    CHECK(made->plugin_id() == "test.flow");
    REQUIRE(made->endpoint("token") != nullptr);
    const AuthEndpoint& token = *made->endpoint("token");
    CHECK(token == AuthEndpoint{"token", "POST", "/scripted/token", "urn:test:scripted", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_CLIENT, "A token",
                                R"({"tags":["test"]})"});
    CHECK(made->endpoint("page")->has(ACP_AUTH_NEEDS_SESSION));
    CHECK_FALSE(made->endpoint("page")->has(ACP_AUTH_NEEDS_CSRF));
    CHECK(made->endpoint("nothing") == nullptr);
    CHECK(made->credential_fields() == std::vector<std::string>{"x-scripted-assertion"});
}

TEST_CASE("a flow that describes itself wrongly is not made, and says why") {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"twice", "b: method and path of a"},
        {"outside", "a: a path with a segment that is no word"},
        {"nothing", "neither endpoints nor credential fields"},
        {"greedy", "a credential field that no flow can have"},
    };
    for (const auto& [config, found] : table) {
        Fault fault;
        CHECK(flow(nullptr, "{\"" + config + "\":1}", &fault) == nullptr);
        CHECK(fault.found == found);
        CHECK(fault.stage == "create");
    }
    Fault fault;
    CHECK(flow(nullptr, R"({"throws":1})", &fault) == nullptr);
    CHECK(flow(nullptr, "[]", &fault) == nullptr);
    CHECK(fault.stage == "config");
    Record record;
    const auto provider = Library::load(ACP_SCRIPTED, host_api(), {}, record);
    CHECK(AuthFlow::create(provider, nullptr, "x", "{}", "/nowhere", fault) == nullptr);
    CHECK(fault.expected == ACP_IID_AUTH_FLOW);
}

TEST_CASE("a grant carries who it is for") {
    const auto made = flow();
    const auto decision = made->handle(call(), request("token", {{"scope", "read:x"}}));
    REQUIRE(decision);
    CHECK(decision->kind == Kind::grant);
    const AuthIdentity& who = decision->identity;
    CHECK(who.subject == "robot");
    CHECK(who.issuer == "https://issuer.example");
    CHECK(who.actor_kind == "service");
    CHECK(who.scopes == std::vector<std::string>{"read:x"});
    CHECK(who.audiences == std::vector<std::string>{"api"});
    CHECK(who.amr == std::vector<std::string>{"pwd", "otp"});
    CHECK(who.claims_json == R"({"roles":["editor"]})");
    CHECK(who.confirmation_json == R"({"jkt":"k"})");
    CHECK(who.act_json.empty());
    CHECK(decision->audit_json == R"({"by":"scripted"})");
}

TEST_CASE("a redirect carries the state that the step was given") {
    const auto made = flow();
    const std::vector<std::pair<std::string, bool>> table = {
        {"", false},
        {"&state=state-1", true},
        {"&state=state-1&x=y", true},
        {"&state=state-10", false},
        {"&state=state-1&state=state-1", false},
        {"&state=other&request_uri=urn:x", false},
        {"&xstate=state-1", false},
        {"&request_uri=urn:x", true},
        {"&request_uri=urn:x&request_uri=urn:y", false},
    };
    for (const auto& [more, taken] : table) {
        INFO(more);
        auto asked = request("redirect", {{"more", more}});
        asked.next_state = "state-1";
        const auto decision = made->handle(call(), asked);
        CHECK(decision.has_value() == taken);
        if (!decision) CHECK(decision.error().slug == "plugin_defect");
    }
}

TEST_CASE("each kind of decision arrives with its own members") {
    const auto made = flow();
    auto one = made->handle(call(), request("respond"));
    REQUIRE(one);
    CHECK(one->kind == Kind::respond);
    CHECK(one->body_json == R"({"origin":"https://cp.example","peer":"192.0.2.1","state":{"a":1}})");
    CHECK(one->http_status == 202);

    one = made->handle(call(), request("redirect"));
    REQUIRE(one);
    CHECK(one->location == "https://idp.example/authorize?a=b");
    CHECK(one->state_json == R"({"nonce":"n"})");

    auto away = request("redirect-with-state");
    away.next_state = "state-1";
    one = made->handle(call(), away);
    REQUIRE(one);
    CHECK(one->location == "https://idp.example/authorize?state=state-1");

    one = made->handle(call(), request("session", {{"subject", "carol"}}));
    REQUIRE(one);
    CHECK(one->kind == Kind::session);
    CHECK(one->identity.subject == "carol");
    CHECK(one->location == "/home");
    CHECK(one->replaces_session == "old-session");

    one = made->handle(call(), request("end"));
    REQUIRE(one);
    CHECK(one->kind == Kind::end);
    CHECK(one->end_issuer == "https://issuer.example");
    CHECK(one->end_upstream_session == "sid-1");

    one = made->handle(call(), request("refuse"));
    REQUIRE(one);
    CHECK(one->kind == Kind::refuse);
    CHECK(one->error_code == "slow_down");
    CHECK(one->error_description == "say 'please' ");  // what RFC 6749 allows
    CHECK(one->http_status == 400);
    CHECK(one->retry_after_s == 7);

    one = made->handle(call(), request("forward"));
    REQUIRE(one);
    CHECK(one->kind == Kind::forward);
    CHECK(made->handle(call(), request("pass"))->kind == Kind::pass);

    AuthRequest page = request("page");
    page.session.emplace();
    page.session->subject = "carol";
    one = made->handle(call(), page);
    REQUIRE(one);
    CHECK(one->page == "message");
    CHECK(one->body_json == R"({"title":"hello","text":"carol"})");
}

TEST_CASE("a step without exactly one sound decision is the plugin's defect") {
    const auto made = flow();
    const std::vector<std::tuple<std::string, std::string, std::string>> table = {
        {"none", "", "came to no decision"},
        {"two", "", "decided 2 times"},
        {"throw", "", "threw"},
        {"unknown-kind", "", "an unknown kind"},
        {"no-identity", "", "an identity without a subject"},
        {"foreign-location", "//evil.example/", "not local"},
        {"foreign-location", "/\\evil.example", "not local"},
        {"foreign-location", "https://evil.example/", "not local"},
        {"foreign-location", "/a\r\nSet-Cookie: x", "not local"},
        {"relative-redirect", "/login", "not absolute"},
        {"relative-redirect", "javascript:alert(1)", "not absolute"},
        {"relative-redirect", "https:///x", "not absolute"},
        {"relative-redirect", "https://idp.example/#x", "not absolute"},
        {"body-no-object", "", "body_json that is no object"},
        {"bare-forward", "", "access_token and token_type"},
        {"bad-code", "", "error_code"},
        {"end-nothing", "", "an end of no session"},
    };
    for (const auto& [operation, location, says] : table) {
        INFO(operation << " " << location);
        const auto decision = made->handle(call(), request(operation, {{"location", location}, {"subject", "carol"}}));
        REQUIRE_FALSE(decision);
        CHECK(decision.error().code == Code::internal);
        CHECK(decision.error().slug == "plugin_defect");
        CHECK(decision.error().message.find(says) != std::string::npos);
    }
}

TEST_CASE("a failed step is an outage, no decision; an unknown endpoint never reaches the plugin") {
    const auto made = flow();
    const auto failed = made->handle(call(), request("fail"));
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Code::unavailable);
    CHECK(failed.error().retryable);
    CHECK(made->handle(call(), request("elsewhere")).error().code == Code::not_found);
}

TEST_CASE("a step has a deadline, the caller's or one of its own") {
    const auto made = flow();
    auto context = call();
    const auto told = [&] {
        return json::parse_object(made->handle(context, request("deadline"))->body_json).value()->getValue<std::int64_t>("deadline");
    };
    const std::int64_t now = monotonic_ns();
    CHECK(told() > now);
    const std::int64_t bound = told();
    CHECK(bound <= monotonic_ns() + std::chrono::nanoseconds(kAuthPatience).count());
    context.deadline_mono_ns = now + 5;
    CHECK(told() == now + 5);
}

TEST_CASE("authenticate judges by field; renew and ended by session") {
    const auto made = flow();
    const auto judge = [&](std::string value) {
        AuthRequest r = request("");
        r.fields = {{"x-scripted-assertion", std::move(value)}};
        return made->authenticate(call(), r);
    };
    CHECK(judge("good")->identity.subject == "carol");
    CHECK(judge("")->kind == Kind::pass);
    CHECK(judge("bad")->kind == Kind::refuse);
    CHECK(judge("wrong-kind").error().slug == "plugin_defect");

    AuthSession session;
    session.id = "s-1";
    session.subject = "carol";
    CHECK(made->renew(call(), session)->error_code == "invalid_grant");
    session.upstream_tokens_json = R"({"refresh_token":"r"})";
    const auto renewed = made->renew(call(), session);
    REQUIRE(renewed);
    CHECK(renewed->kind == Kind::session);
    CHECK(renewed->replaces_session == "s-1");
    CHECK(renewed->identity.upstream_tokens_json == R"({"refresh_token":"next"})");
    CHECK(made->ended(call(), session));
    session.id = "bad";
    CHECK(made->ended(call(), session).error().code == Code::unavailable);
}

TEST_CASE("acp.host.identity/1 reaches the house under the instance's alias") {
    Notes notes;
    const auto made = flow(&notes);
    CHECK(ask(*made, "put").value() == "handle-1");
    CHECK(notes.asked_by == "scripted for alice");
    CHECK(notes.last == R"({"v":1} 60)");
    CHECK(ask(*made, "code").value() == "BCDF-GHJK");
    CHECK(ask(*made, "read", "handle-1").value() == R"({"v":1} 7)");
    CHECK(ask(*made, "read", "other").value() == "none");
    CHECK(ask(*made, "replace", "handle-1").value() == "yes");
    CHECK(ask(*made, "replace", "other").value() == "no");
    CHECK(ask(*made, "take", "handle-1").value() == R"({"v":2})");
    CHECK(ask(*made, "take", "other").value() == "none");
    CHECK(ask(*made, "assertion").value() == "me for 60");
    CHECK(notes.deadline > monotonic_ns());
    CHECK(ask(*made, "audit"));
    CHECK(notes.last == R"(scripted auth.test target ok {"a":1})");

    const auto refused = ask(*made, "verify");
    REQUIRE_FALSE(refused);
    CHECK(notes.last == "verify t i a");
    CHECK(refused.error().message == "expired");
    CHECK(ask(*made, "bad").error().code == Code::invalid);
}

TEST_CASE("a token is fetched by the flow when the house has none, and its failure comes back whole") {
    Notes notes;
    const auto made = flow(&notes);
    CHECK(ask(*made, "once").value() == R"({"access_token":"fetched","expires_in":3600})");
    CHECK(notes.asked_by == "scripted");
    CHECK(notes.last == "k 60");
    const auto failed = ask(*made, "once", "invalid_scope");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message == "no");
    CHECK(failed.error().details_json == R"({"error":"invalid_scope"})");
    notes.token = R"({"access_token":"cached"})";
    CHECK(ask(*made, "once", "invalid_scope").value() == R"({"access_token":"cached"})");
}

TEST_CASE("without a house there is no acp.host.identity/1, and other hosts are none") {
    const auto made = flow(nullptr);
    CHECK(ask(*made, "put").error().code == Code::unsupported);
    CHECK(host_api().get_interface(&host_api(), ACP_STR_LITERAL(ACP_IID_HOST_IDENTITY)) == nullptr);

    Notes notes;
    const auto host = flow_host("mine", &notes);
    const auto* table = static_cast<const acp_host_identity*>(host->get_interface(host.get(), ACP_STR_LITERAL(ACP_IID_HOST_IDENTITY)));
    REQUIRE(table != nullptr);
    CHECK(host->get_interface(host.get(), ACP_STR_LITERAL("acp.host.stream/1")) != nullptr);
    acp_error error{};
    error.struct_size = sizeof error;
    const acp_text_sink sink{sizeof(acp_text_sink), 0, nullptr, [](void*, acp_str) {}};
    const CallContext context = call();
    const CallScope scope(context, "test");
    CHECK(table->state_take(&host_api(), scope.get(), ACP_STR_LITERAL("handle-1"), &sink, &error) == ACP_E_INVALID);
    if (error.release) error.release(&error);
    CHECK(table->state_take(host.get(), nullptr, ACP_STR_LITERAL("handle-1"), &sink, nullptr) == ACP_E_INVALID);
    CHECK(table->state_take(host.get(), scope.get(), ACP_STR_LITERAL("handle-1"), nullptr, nullptr) == ACP_E_INVALID);
    CHECK(table->state_take(host.get(), scope.get(), ACP_STR_LITERAL("handle-1"), &sink, nullptr) == ACP_OK);
}
