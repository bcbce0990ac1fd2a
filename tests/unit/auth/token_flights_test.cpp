#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <thread>

#include "json/json.h"
#include "unit/auth/flow_house.h"

using namespace acp;
using namespace acp::auth;
using namespace acp::auth::test;

namespace {

constexpr const char* kOwner = "robots";
const std::string kLockOfB = "flow-token/robots/" + sha256_hex("b");

struct Upstream {
    std::atomic<int> asked{0};
    std::int64_t lives_s = 3600;
    TokenFlights::Fetch fetch = [this]() -> Result<std::string> {
        return R"({"access_token":"T)" + std::to_string(++asked) + R"(","expires_in":)" + std::to_string(lives_s) + "}";
    };
};

std::string token(const Result<std::string>& got) { return json::text_or(json::parse_object(got.value()).value(), "access_token"); }

std::int64_t life(const Result<std::string>& got) { return json::parse_object(got.value()).value()->getValue<std::int64_t>("expires_in"); }

}  // namespace

TEST_CASE("a token is kept by space and key until too little of its life is left") {
    FaultyStore store;
    std::int64_t now = unix_ms();
    TokenFlights flights(store, [&] { return now; });
    Upstream up;
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T1");
    now += 3'000'000;
    const auto again = flights.get(call(), kOwner, "a", 60, up.fetch);
    CHECK(token(again) == "T1");
    CHECK(life(again) <= 600);
    CHECK(life(again) >= 590);
    CHECK(token(flights.get(call(), kOwner, "b", 60, up.fetch)) == "T2");
    CHECK(token(flights.get(call(), "others", "a", 60, up.fetch)) == "T3");
    now += 541'000;
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T4");
}

TEST_CASE("a token that does not say how long it lives is not kept") {
    FaultyStore store;
    TokenFlights flights(store, [] { return unix_ms(); });
    int asked = 0;
    for (const char* answer : {R"({"access_token":"x"})", R"({"access_token":"x","expires_in":"60"})", R"({"access_token":"x","expires_in":0})",
                               R"({"access_token":"x","expires_in":-5})"}) {
        const auto got = flights.get(call(), kOwner, "a", 0, [&]() -> Result<std::string> {
            ++asked;
            return std::string(answer);
        });
        CHECK(got.value() == answer);
    }
    CHECK(asked == 4);
    CHECK(store.puts == 0);
    CHECK(flights.get(call(), kOwner, "a", 0, []() -> Result<std::string> { return std::string("[]"); }).error().slug == "plugin_defect");
}

TEST_CASE("of many threads on two replicas one fetches") {
    FaultyStore store;
    TokenFlights here(store, [] { return unix_ms(); }), there(store, [] { return unix_ms(); });
    Upstream up;
    std::latch all(16);
    std::atomic<int> right{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i)
        threads.emplace_back([&, i] {
            all.arrive_and_wait();
            right += token((i % 2 == 0 ? here : there).get(call(), kOwner, "a", 60, up.fetch)) == "T1" ? 1 : 0;
        });
    for (auto& thread : threads) thread.join();
    CHECK(right == 16);
    CHECK(up.asked == 1);
}

TEST_CASE("those who wait get the failure whole; the next one asks anew") {
    FaultyStore store;
    TokenFlights flights(store, [] { return unix_ms(); });
    std::latch flying(1), waiting(1);
    std::atomic<int> asked{0};
    const TokenFlights::Fetch refused = [&]() -> Result<std::string> {
        ++asked;
        flying.count_down();
        waiting.wait();
        Error e;
        e.code = Code::provider_error;
        e.message = "no";
        e.details_json = R"({"upstream_error":"invalid_scope"})";
        return fail(std::move(e));
    };
    Result<std::string> first, second;
    std::thread leader([&] { first = flights.get(call(), kOwner, "a", 60, refused); });
    flying.wait();
    auto follower_call = call();
    follower_call.cancelled = [&] {
        // Asked while it waits, so it is in the queue: now the flight may land.
        static std::once_flag once;
        std::call_once(once, [&] { waiting.count_down(); });
        return false;
    };
    std::thread follower([&] { second = flights.get(follower_call, kOwner, "a", 60, refused); });
    leader.join();
    follower.join();
    CHECK(asked == 1);
    CHECK(first.error().details_json == R"({"upstream_error":"invalid_scope"})");
    CHECK(second.error().details_json == R"({"upstream_error":"invalid_scope"})");
    Upstream up;
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T1");
}

TEST_CASE("a first caller that gives up takes nobody along") {
    FaultyStore store;
    TokenFlights flights(store, [] { return unix_ms(); });
    std::latch flying(1), waiting(1);
    Result<std::string> first, second;
    std::thread leader([&] {
        first = flights.get(call(), kOwner, "a", 60, [&]() -> Result<std::string> {
            flying.count_down();
            waiting.wait();
            return fail(Code::cancelled, "cancelled", "the caller has gone");
        });
    });
    flying.wait();
    auto follower_call = call();
    std::once_flag once;
    follower_call.cancelled = [&] {
        std::call_once(once, [&] { waiting.count_down(); });
        return false;
    };
    Upstream up;
    std::thread follower([&] { second = flights.get(follower_call, kOwner, "a", 60, up.fetch); });
    leader.join();
    follower.join();
    CHECK(first.error().code == Code::cancelled);
    CHECK(token(second) == "T1");
}

TEST_CASE("who waits for another replica ends with its own deadline") {
    FaultyStore store;
    TokenFlights flights(store, [] { return unix_ms(); });
    Upstream up;
    REQUIRE(flights.get(call(), kOwner, "a", 60, up.fetch));
    const auto fence = store.lock(kLockOfB, 60'000);
    REQUIRE(fence);
    auto short_call = call();
    short_call.deadline_mono_ns = monotonic_ns() + 150'000'000;
    CHECK(flights.get(short_call, kOwner, "b", 60, up.fetch).error().code == Code::deadline);
    auto gone = call();
    gone.cancelled = [] { return true; };
    CHECK(flights.get(gone, kOwner, "b", 60, up.fetch).error().code == Code::cancelled);
    CHECK(up.asked == 1);
    REQUIRE(store.unlock(kLockOfB, *fence));
    CHECK(token(flights.get(call(), kOwner, "b", 60, up.fetch)) == "T2");
}

TEST_CASE("without the store tokens are fetched and not kept") {
    FaultyStore store;
    TokenFlights flights(store, [] { return unix_ms(); });
    Upstream up;
    store.down = true;
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T1");
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T2");
    store.down = false;
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T3");
    CHECK(token(flights.get(call(), kOwner, "a", 60, up.fetch)) == "T3");
}
