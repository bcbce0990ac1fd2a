#include "auth/sessions.h"

#include <catch2/catch.hpp>
#include <thread>

#include "unit/auth/browser_house.h"

using namespace acp;
using namespace acp::auth;
using test::BrowserHouse;

TEST_CASE("a cookie opens its session, and nothing else does") {
    BrowserHouse house;
    Session alice = house.person("alice");
    const std::string cookie = house.sessions.begin(alice).value();
    const auto found = house.sessions.find(cookie).value();
    REQUIRE(found);
    CHECK(found->subject == "alice");
    CHECK(found->handle == cookie.substr(0, cookie.find('.')));
    CHECK(found->principal()->session_id == found->handle);
    CHECK(found->principal()->holds("read:x"));

    Session bob = house.person("bob");
    const std::string other = house.sessions.begin(bob).value();
    const std::string handle = cookie.substr(0, cookie.find('.')), secret = cookie.substr(cookie.find('.') + 1);
    for (const std::string& wrong : {std::string(), handle, handle + ".", "." + secret, handle + "." + other.substr(other.find('.') + 1), handle + "." + secret + "A",
                                     other.substr(0, other.find('.')) + "." + secret, handle + "." + alice.secret_digest, cookie + "." + secret, std::string(5000, 'a')}) {
        CAPTURE(wrong);
        CHECK_FALSE(house.sessions.find(wrong).value());
    }
}

TEST_CASE("a session ends at its end, whatever use is made of it") {
    BrowserHouse house;
    Session alice = house.person("alice");
    const std::string cookie = house.sessions.begin(alice).value();
    house.now += house.sessions.limits().absolute_s - 1;
    REQUIRE(house.sessions.find(cookie).value());
    house.now += 1;
    CHECK_FALSE(house.sessions.find(cookie).value());
    CHECK_FALSE(house.sessions.by_handle(alice.handle).value());
}

TEST_CASE("uses are written down now and then") {
    BrowserHouse house;
    Session alice = house.person("alice");
    const std::string cookie = house.sessions.begin(alice).value();
    const auto version = house.sessions.find(cookie).value()->version;
    house.now += 10;
    CHECK(house.sessions.find(cookie).value()->version == version);
    house.now += house.sessions.limits().idle_s / 2;
    const auto later = house.sessions.find(cookie).value();
    CHECK(later->version != version);
    CHECK(later->seen_unix_s == house.now);
}

TEST_CASE("after a step-up the old cookie opens what it opened, and nothing that is new") {
    BrowserHouse house;
    Session old = house.person("alice");
    const std::string before = house.sessions.begin(old).value();
    Session raised = old;
    raised.acr = "high";
    const std::string after = house.sessions.rotate(raised, old).value();
    CHECK(before != after);
    CHECK(raised.handle != old.handle);
    CHECK(raised.csrf_token != old.csrf_token);
    CHECK(raised.ends_unix_s == old.ends_unix_s);
    CHECK(house.sessions.find(after).value()->acr == "high");
    CHECK(house.sessions.find(before).value()->acr.empty());
}

TEST_CASE("sessions are found by person and by the upstream's session") {
    BrowserHouse house;
    Session a = house.person("alice"), b = house.person("alice"), c = house.person("bob");
    b.upstream_session = "s1";
    for (Session* s : {&a, &b, &c}) REQUIRE(house.sessions.begin(*s));
    CHECK(house.sessions.of_subject(a.issuer, "alice").value().size() == 2);
    CHECK(house.sessions.of_subject("https://other.test", "alice").value().empty());
    CHECK(house.sessions.of_upstream(b.issuer, "s1").value().at(0).handle == b.handle);
    CHECK(house.sessions.end(b.handle).value()->subject == "alice");
    CHECK_FALSE(house.sessions.end(b.handle).value());
    CHECK(house.sessions.of_upstream(b.issuer, "s1").value().empty());
    CHECK(house.sessions.of_subject(a.issuer, "alice").value().size() == 1);
}

TEST_CASE("only one of two that change a session at once does") {
    BrowserHouse house;
    Session a = house.person("alice");
    REQUIRE(house.sessions.begin(a));
    Session first = *house.sessions.by_handle(a.handle).value(), second = first;
    CHECK(house.sessions.replace(first));
    const auto late = house.sessions.replace(second);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Code::conflict);
}

TEST_CASE("nothing that opens a session is in what the store is given as a key or told of a session") {
    BrowserHouse house;
    Session a = house.person("alice");
    const std::string cookie = house.sessions.begin(a).value();
    CHECK(to_json(a).find(cookie.substr(cookie.find('.') + 1)) == std::string::npos);
}

// --- renewal

namespace {

plugins::AuthDecision renewed_for(const std::string& subject) {
    plugins::AuthDecision d;
    d.kind = plugins::AuthDecision::Kind::session;
    d.identity.subject = subject;
    d.identity.issuer = "https://idp.test";
    d.identity.acr = "high";
    d.identity.upstream_tokens_json = R"({"refresh_token":"r2","expires_at":9000000000})";
    return d;
}

plugins::AuthDecision refusal(std::string code) {
    plugins::AuthDecision d;
    d.kind = plugins::AuthDecision::Kind::refuse;
    d.error_code = std::move(code);
    return d;
}

}  // namespace

TEST_CASE("of many requests on an expiring session one renews it, and none fails") {
    BrowserHouse house;
    const bool on_demand = GENERATE(false, true);
    const std::int64_t arrived = unix_ms();
    Session a = house.person("alice");
    const std::string cookie = house.sessions.begin(a).value();
    a.renew_at_unix_s = house.now - 1;
    REQUIRE(house.sessions.replace(a));
    house.renew = [](const plugins::AuthSession& session) { return renewed_for(session.subject); };
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int t = 0; t < 16; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 8; ++i) {
                auto session = house.sessions.find(cookie);
                if (!session || !*session || !(on_demand ? house.renewals.on_demand(std::move(**session), "r", arrived) : house.renewals.when_due(std::move(**session), "r"))) ++failed;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(house.renewed == 1);
    const Session after = *house.sessions.find(cookie).value();
    CHECK(after.upstream_tokens_json.find("r2") != std::string::npos);
    CHECK(after.renew_at_unix_s == 9000000000 - 60);
    CHECK(after.acr.empty());  // a renewal proves nothing anew
    CHECK(after.scopes == std::vector<std::string>{"read:x"});
}

TEST_CASE("only invalid_grant ends a session, and one for somebody else") {
    BrowserHouse house;
    Session a = house.person("alice");
    const std::string cookie = house.sessions.begin(a).value();
    a.renew_at_unix_s = house.now - 1;
    REQUIRE(house.sessions.replace(a));
    const auto renew = [&] { return house.renewals.when_due(*house.sessions.find(cookie).value(), "r"); };
    SECTION("the upstream is down") {
        house.renew = [](const plugins::AuthSession&) -> Result<plugins::AuthDecision> { return fail(Code::unavailable, "down", "down"); };
        CHECK(renew());
        CHECK(house.sessions.find(cookie).value());
        CHECK(renew());
        CHECK(house.renewed == 1);  // not again at once
    }
    SECTION("the upstream is down, and a client asks") {
        house.renew = [](const plugins::AuthSession&) -> Result<plugins::AuthDecision> { return fail(Code::unavailable, "down", "down"); };
        const auto ask = [&](std::int64_t arrived) { return house.renewals.on_demand(*house.sessions.find(cookie).value(), "r", arrived).error().slug; };
        const std::int64_t arrived = unix_ms();
        CHECK(ask(arrived) == "renewal_failed");
        CHECK(ask(arrived) == "renewal_failed");
        CHECK(house.renewed == 1);  // the second has waited for that attempt too
        CHECK(ask(unix_ms() + 1) == "renewal_failed");
        CHECK(house.renewed == 2);
        CHECK(house.sessions.find(cookie).value());
    }
    SECTION("another error") {
        house.renew = [](const plugins::AuthSession&) { return refusal("temporarily_unavailable"); };
        CHECK(renew());
        CHECK(house.sessions.find(cookie).value());
    }
    SECTION("invalid_grant") {
        house.renew = [](const plugins::AuthSession&) { return refusal("invalid_grant"); };
        CHECK(renew().error().slug == "no_session");
        CHECK_FALSE(house.sessions.find(cookie).value());
    }
    SECTION("another subject") {
        house.renew = [](const plugins::AuthSession&) { return renewed_for("mallory"); };
        CHECK(renew().error().slug == "no_session");
        CHECK_FALSE(house.sessions.find(cookie).value());
    }
}
