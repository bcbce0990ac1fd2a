#include <atomic>
#include <catch2/catch.hpp>
#include <regex>
#include <thread>

#include "flows/fixture.h"

using namespace acp::test::flows;
using namespace acp;

namespace {

constexpr const char* kGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr const char* kClient = R"({"client_id":"cli","name":"The CLI","scopes":["read:a","write:a"],"audiences":[],
    "grant_types":["urn:ietf:params:oauth:grant-type:device_code"]})";

struct Device : Fixture {
    using Fixture::Fixture;

    Step start(Params params = {{"scope", "read:a"}}) {
        auto r = request("device-start", std::move(params));
        r.client_id = "cli";
        r.client_json = kClient;
        return flow.handle(r);
    }
    Json started(Params params = {{"scope", "read:a"}}) { return Json::parse(start(std::move(params)).decided.body_json); }
    Step poll(const Json& device, const std::string& client = "cli") {
        auto r = request("device-poll", {{"grant_type", kGrant}, {"device_code", device["device_code"]}});
        r.client_id = client;
        r.client_json = kClient;
        return flow.handle(r);
    }
    Step page(Params params, const std::string& subject = "carol") {
        auto r = request("device-decide", std::move(params));
        r.peer = "198.51.100.9";
        r.session = sdk::AuthSession{"s-1", subject, "https://idp.example", "user", "org-1", "sid", "high", 1000, 900, R"({"roles":["editor"]})", "HUSH"};
        return flow.handle(r);
    }
    Step decide(const Json& device, const std::string& decision, const std::string& subject = "carol") {
        return page({{"user_code", device["user_code"]}, {"decision", decision}}, subject);
    }
    /// The error of a poll after the interval has passed.
    std::string next_poll(const Json& device) {
        identity.advance(std::chrono::seconds(60));
        return poll(device).decided.error_code;
    }
};

std::string step_of(const Step& step) { return step.is(ACP_AUTH_PAGE) ? Json::parse(step.decided.body_json).value("step", step.decided.page) : ""; }
bool has_problem(const Step& step) { return Json::parse(step.decided.body_json).contains("problem"); }

}  // namespace

TEST_CASE("the endpoints ask the host for what each needs") {
    Device d;
    std::map<std::string, sdk::AuthEndpoint> by_id;
    for (const auto& e : d.flow.endpoints()) by_id[e.operation_id] = e;
    REQUIRE(by_id.size() == 4);
    CHECK(by_id["device-start"].path == "/device/start");
    CHECK(by_id["device-start"].flags == ACP_AUTH_NEEDS_CLIENT);
    CHECK(by_id["device-poll"].grant_type == kGrant);
    CHECK(by_id["device-page"].method == "GET");
    CHECK((by_id["device-page"].flags & ACP_AUTH_NEEDS_SESSION) != 0);
    CHECK(by_id["device-decide"].method == "POST");
    CHECK(by_id["device-decide"].flags == (ACP_AUTH_NEEDS_SESSION | ACP_AUTH_NEEDS_CSRF | ACP_AUTH_GUESSABLE | ACP_AUTH_HTML));
    for (const auto& [id, e] : by_id) CHECK((e.operation_json.empty() || Json::parse(e.operation_json).is_object()));
}

TEST_CASE("a start gives codes and where to go") {
    Device d;
    const Step step = d.start();
    REQUIRE(step.is(ACP_AUTH_RESPOND));
    const Json body = Json::parse(step.decided.body_json);
    CHECK(body["device_code"].get<std::string>().size() >= 43);
    CHECK(std::regex_match(body["user_code"].get<std::string>(), std::regex("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")));
    CHECK(body["verification_uri"] == "https://cp.example/auth/device");
    CHECK(body["verification_uri_complete"] == "https://cp.example/auth/device?user_code=" + body["user_code"].get<std::string>());
    CHECK(body["expires_in"] == 600);
    CHECK(body["interval"] == 5);
}

TEST_CASE("a start is for registered clients and their own scopes") {
    Device d;
    CHECK(d.start({{"scope", "admin:cluster"}}).decided.error_code == "invalid_scope");
    CHECK(d.start({{"scope", "a\\b"}}).decided.error_code == "invalid_scope");
    auto r = request("device-start");
    CHECK(d.flow.handle(r).decided.error_code == "invalid_client");
    r.client_id = "cli";
    r.client_json = R"({"client_id":"cli","scopes":["read:a"],"grant_types":["client_credentials"]})";
    CHECK(d.flow.handle(r).decided.error_code == "unauthorized_client");
    CHECK(d.identity.kept() == 0);
}

TEST_CASE("from start to token") {
    Device d;
    const Json device = d.started();
    CHECK(d.poll(device).decided.error_code == "authorization_pending");
    CHECK(d.poll(device).decided.http_status == 400);

    auto page = request("device-page", {{"user_code", device["user_code"]}});
    Step step = d.flow.handle(page);
    CHECK(step_of(step) == "code");
    CHECK(Json::parse(step.decided.body_json)["user_code"] == device["user_code"]);

    step = d.page({{"user_code", device["user_code"]}});
    CHECK(step_of(step) == "confirm");
    const Json confirm = Json::parse(step.decided.body_json);
    CHECK(confirm["client_name"] == "The CLI");
    CHECK(confirm["scopes"] == Json{"read:a"});
    CHECK(confirm["address"] == "192.0.2.7");  // the device's, not the browser's
    CHECK(confirm["action"] == "/device");
    CHECK(d.next_poll(device) == "authorization_pending");  // shown is not approved

    step = d.decide(device, "approve");
    CHECK(step_of(step) == "message");
    REQUIRE(d.identity.audits().size() == 1);
    CHECK(d.identity.audits()[0].kind == "device.approve");
    CHECK(d.identity.audits()[0].target == "cli");
    CHECK(Json::parse(d.identity.audits()[0].details_json)["subject"] == "carol");

    step = d.poll(device);
    REQUIRE(step.is(ACP_AUTH_GRANT));
    const auto& who = step.decided.identity;
    CHECK(who.subject == "carol");
    CHECK(who.issuer == "https://idp.example");
    CHECK(who.actor_kind == "user");
    CHECK(who.organization_id == "org-1");
    CHECK(who.claims_json == R"({"roles":["editor"]})");
    CHECK(who.acr == "high");
    CHECK(who.auth_time_unix_s == 1000);
    CHECK(who.scopes == std::vector<std::string>{"read:a"});

    CHECK(d.poll(device).decided.error_code == "invalid_grant");  // once
    CHECK(has_problem(d.decide(device, "approve")));
    CHECK(d.identity.kept() == 0);
}

TEST_CASE("without a scope the person sees all that the client may have") {
    Device d;
    const Json device = d.started({});
    CHECK(Json::parse(d.page({{"user_code", device["user_code"]}}).decided.body_json)["scopes"] == Json{"read:a", "write:a"});
}

TEST_CASE("a no is a no, and ends it") {
    Device d;
    const Json device = d.started();
    CHECK(step_of(d.decide(device, "deny")) == "message");
    CHECK(d.identity.audits()[0].kind == "device.deny");
    CHECK(has_problem(d.decide(device, "approve")));
    CHECK(d.next_poll(device) == "access_denied");
    CHECK(d.next_poll(device) == "invalid_grant");
}

TEST_CASE("who polls too fast is slowed down by five seconds each time") {
    Device d;
    const Json device = d.started();
    CHECK(d.poll(device).decided.error_code == "authorization_pending");
    CHECK(d.poll(device).decided.error_code == "slow_down");  // 10 s now
    d.identity.advance(std::chrono::seconds(8));
    CHECK(d.poll(device).decided.error_code == "slow_down");  // 15 s
    d.identity.advance(std::chrono::seconds(15));
    CHECK(d.poll(device).decided.error_code == "authorization_pending");
    d.identity.advance(std::chrono::seconds(14));
    CHECK(d.poll(device).decided.error_code == "slow_down");
    // The answer is not held back from who was slowed down.
    CHECK(step_of(d.decide(device, "approve")) == "message");
    CHECK(d.poll(device).is(ACP_AUTH_GRANT));
}

TEST_CASE("time runs out for both sides") {
    Device d(R"({"expires_s":60,"interval_s":1})");
    const Json device = d.started();
    CHECK(device["expires_in"] == 60);
    CHECK(device["interval"] == 1);
    d.identity.advance(std::chrono::seconds(61));
    CHECK(has_problem(d.page({{"user_code", device["user_code"]}})));
    CHECK(d.poll(device).decided.error_code == "expired_token");
    d.identity.advance(std::chrono::seconds(180));
    CHECK(d.poll(device).decided.error_code == "invalid_grant");

    const Json approved = d.started();
    CHECK(step_of(d.decide(approved, "approve")) == "message");
    d.identity.advance(std::chrono::seconds(61));
    CHECK(d.poll(approved).decided.error_code == "expired_token");
}

TEST_CASE("a device code is its client's alone") {
    Device d;
    const Json device = d.started();
    d.decide(device, "approve");
    CHECK(d.poll(device, "other").decided.error_code == "invalid_grant");
    CHECK(d.poll(device, "").decided.error_code == "invalid_client");
    CHECK(d.poll(device).is(ACP_AUTH_GRANT));
}

TEST_CASE("the two codes cannot stand in for each other") {
    Device d;
    const Json device = d.started();
    CHECK(d.poll({{"device_code", device["user_code"]}}).decided.error_code == "invalid_grant");
    CHECK(has_problem(d.page({{"user_code", device["device_code"]}, {"decision", "approve"}})));
    CHECK(d.poll(device).decided.error_code == "authorization_pending");
}

TEST_CASE("what is typed is judged, and shown again only if it can be a code") {
    Device d;
    const Json device = d.started();
    const std::string code = device["user_code"];
    std::string typed = code.substr(0, 4) + " " + code.substr(5);
    for (char& c : typed) c = static_cast<char>(c | 0x20);
    CHECK(step_of(d.page({{"user_code", typed}})) == "confirm");
    for (const std::string& wrong : {std::string("<script>"), std::string("WRONG"), std::string(1000, 'B'), std::string("BCDF-GHJK\r\n")}) {
        const Step step = d.page({{"user_code", wrong}});
        CHECK(step_of(step) == "code");
        CHECK(has_problem(step));
        CHECK(step.decided.http_status == 400);
        CHECK(step.decided.body_json.find('<') == std::string::npos);
    }
    CHECK(has_problem(d.page({})));
    CHECK(has_problem(d.page({{"user_code", code}, {"decision", "maybe"}})));
    auto stranger = request("device-decide", {{"user_code", code}, {"decision", "approve"}});
    CHECK(d.flow.handle(stranger).is(ACP_AUTH_REFUSE));
    CHECK(d.poll(device).decided.error_code == "authorization_pending");
}

TEST_CASE("wrong polls") {
    Device d;
    auto r = request("device-poll", {{"device_code", "x"}});
    r.client_id = "cli";
    CHECK(d.flow.handle(r).decided.error_code == "invalid_request");
    r.params = {{"grant_type", "password"}, {"device_code", "x"}};
    CHECK(d.flow.handle(r).decided.error_code == "unsupported_grant_type");
    r.params = {{"grant_type", kGrant}};
    CHECK(d.flow.handle(r).decided.error_code == "invalid_request");
    r.params = {{"grant_type", kGrant}, {"device_code", "x"}};
    CHECK(d.flow.handle(r).decided.error_code == "invalid_grant");
}

TEST_CASE("of many who decide or fetch at once, one does") {
    Device d;
    for (int round = 0; round < 20; ++round) {
        const Json device = d.started();
        std::atomic<int> decided{0}, granted{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, i] {
                decided += step_of(d.decide(device, i % 2 == 0 ? "approve" : "deny", "person-" + std::to_string(i))) == "message" ? 1 : 0;
            });
            threads.emplace_back([&] { granted += d.poll(device).is(ACP_AUTH_GRANT) ? 1 : 0; });
        }
        for (auto& thread : threads) thread.join();
        CHECK(decided == 1);
        threads.clear();
        for (int i = 0; i < 4; ++i) threads.emplace_back([&] { granted += d.poll(device).is(ACP_AUTH_GRANT) ? 1 : 0; });
        for (auto& thread : threads) thread.join();
        CHECK(granted <= 1);
        CHECK(d.poll(device).decided.error_code == "invalid_grant");
    }
}

TEST_CASE("a state service that is down is an outage, not a no") {
    Device d;
    const Json device = d.started();
    d.identity.fail_with(ACP_E_UNAVAILABLE);
    for (const Step& step : {d.start(), d.poll(device), d.decide(device, "approve")}) {
        CHECK(step.code == ACP_E_UNAVAILABLE);
        CHECK(step.decisions == 0);
    }
    d.identity.fail_with(ACP_OK);
    CHECK(d.next_poll(device) == "authorization_pending");
}

TEST_CASE("settings out of range are refused") {
    CHECK(complaint("{}").empty());
    CHECK(complaint(R"({"expires_s":5})").find("/expires_s") == 0);
    CHECK(complaint(R"({"interval_s":"5"})").find("/interval_s") == 0);
    CHECK(complaint(R"({"interval":5})").find("no setting interval") != std::string::npos);
    CHECK_FALSE(complaint("[]").empty());
}
