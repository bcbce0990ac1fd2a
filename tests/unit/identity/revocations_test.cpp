// Revocations: here at once, elsewhere with the next poll, and not for ever.
#include "identity/revocations.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/clock.h"
#include "unit/identity/fake_store.h"

using namespace acp;
using namespace acp::identity;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kIssuer = "https://cp.example";

RevocationKeys token(const std::string& subject, const std::string& jti, std::int64_t issued = kNow) {
    return revocation_keys(kIssuer, subject, jti, issued);
}

}  // namespace

TEST_CASE("one token is revoked, and no other", "[revocations]") {
    test::FakeStore store;
    Revocations here(store);
    CHECK_FALSE(here.revoked(token("alice", "t1")));
    REQUIRE(here.revoke_token(kIssuer, "t1", kNow + 600, kNow));
    CHECK(here.revoked(token("alice", "t1")));
    CHECK(here.revoked(token("bob", "t1")));
    CHECK_FALSE(here.revoked(token("alice", "t2")));
    CHECK_FALSE(here.revoked(token("alice", "")));
    CHECK_FALSE(here.revoked(token("t1", "")));
    CHECK_FALSE(here.revoked(revocation_keys("https://other.example", "alice", "t1", kNow)));
    CHECK_FALSE(here.revoke_token(kIssuer, "", kNow + 600, kNow));
}

TEST_CASE("names that run into each other are kept apart", "[revocations]") {
    test::FakeStore store;
    Revocations here(store);
    REQUIRE(here.revoke_token("ab", "c", kNow + 600, kNow));
    CHECK_FALSE(here.revoked(revocation_keys("a", "s", "bc", kNow)));
    CHECK(here.revoked(revocation_keys("ab", "s", "c", kNow)));
}

TEST_CASE("a subject's tokens are revoked up to a moment", "[revocations]") {
    test::FakeStore store;
    Revocations here(store);
    REQUIRE(here.revoke_subject(kIssuer, "alice", kNow, 3600, kNow));
    CHECK(here.revoked(token("alice", "t1", kNow - 5)));
    CHECK(here.revoked(token("alice", "", kNow)));
    CHECK_FALSE(here.revoked(token("alice", "t3", kNow + 1)));
    CHECK_FALSE(here.revoked(token("bob", "t1", kNow - 5)));
    // A second one moves the moment on, an older one does not move it back.
    REQUIRE(here.revoke_subject(kIssuer, "alice", kNow + 10, 3600, kNow));
    REQUIRE(here.revoke_subject(kIssuer, "alice", kNow - 10, 3600, kNow));
    CHECK(here.revoked(token("alice", "t3", kNow + 10)));
    CHECK_FALSE(here.revoked(token("alice", "t3", kNow + 11)));
}

TEST_CASE("another replica learns of it with its next poll", "[revocations]") {
    test::FakeStore store;
    Revocations here(store), there(store);
    int told = 0;
    there.on_change([&] { ++told; });
    REQUIRE(there.poll(kNow));
    REQUIRE(here.revoke_token(kIssuer, "t1", kNow + 600, kNow));
    REQUIRE(here.revoke_subject(kIssuer, "alice", kNow, 3600, kNow));
    CHECK_FALSE(there.revoked(token("bob", "t1")));
    REQUIRE(there.poll(kNow));
    CHECK(there.revoked(token("bob", "t1")));
    CHECK(there.revoked(token("alice", "t2")));
    CHECK(told == 1);
    REQUIRE(here.poll(kNow));
    CHECK(here.revoked(token("bob", "t1")));
}

TEST_CASE("a poll without news is one small read", "[revocations]") {
    test::FakeStore store;
    Revocations here(store), there(store);
    REQUIRE(here.revoke_token(kIssuer, "t1", kNow + 600, kNow));
    REQUIRE(there.poll(kNow));
    const int lists = store.lists, gets = store.gets;
    for (int i = 0; i < 10; ++i) REQUIRE(there.poll(kNow));
    CHECK(store.lists == lists);
    CHECK(store.gets == gets + 10);
    REQUIRE(here.revoke_token(kIssuer, "t2", kNow + 600, kNow));
    REQUIRE(there.poll(kNow));
    CHECK(store.lists == lists + 1);
    CHECK(there.revoked(token("a", "t2")));
}

TEST_CASE("a replica that starts later knows what still matters", "[revocations]") {
    test::FakeStore store;
    store.now_ms = kNow * 1000;
    Revocations first(store);
    REQUIRE(first.revoke_token(kIssuer, "short", kNow + 10, kNow));
    REQUIRE(first.revoke_token(kIssuer, "long", kNow + 6000, kNow));
    store.now_ms += 1000 * 1000;
    Revocations late(store);
    REQUIRE(late.poll(kNow + 1000));
    CHECK_FALSE(late.revoked(token("a", "short")));
    CHECK(late.revoked(token("a", "long")));
}

TEST_CASE("what has expired anyway is forgotten, with slack for clocks", "[revocations]") {
    test::FakeStore store;
    Revocations here(store);
    REQUIRE(here.revoke_token(kIssuer, "t1", kNow + 10, kNow));
    REQUIRE(here.poll(kNow + 10 + 60));
    CHECK(here.revoked(token("a", "t1")));  // the leeway of exp
    REQUIRE(here.poll(kNow + 10 + 121));
    CHECK_FALSE(here.revoked(token("a", "t1")));
    // Nothing is written for a token that is long dead.
    const auto size = store.size();
    REQUIRE(here.revoke_token(kIssuer, "old", kNow - 1000, kNow));
    CHECK(store.size() == size);
}

TEST_CASE("while the store is down revocations hold here, and those known stay", "[revocations]") {
    test::FakeStore store;
    Revocations here(store), there(store);
    int told = 0;
    here.on_change([&] { ++told; });
    REQUIRE(here.revoke_token(kIssuer, "t1", kNow + 600, kNow));
    REQUIRE(there.poll(kNow));
    store.down = true;
    const auto failed = here.revoke_token(kIssuer, "t2", kNow + 600, kNow);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Code::unavailable);
    CHECK(here.revoked(token("a", "t2")));
    CHECK(told == 2);
    CHECK_FALSE(there.poll(kNow));
    CHECK(there.failed_polls() == 1);
    CHECK(there.revoked(token("a", "t1")));
    store.down = false;
    // Trying again tells the others.
    REQUIRE(here.revoke_token(kIssuer, "t2", kNow + 600, kNow));
    REQUIRE(there.poll(kNow));
    CHECK(there.revoked(token("a", "t2")));
}

TEST_CASE("members that are none are passed over", "[revocations]") {
    test::FakeStore store;
    Revocations here(store);
    for (const char* bad : {"", "x", "a b c", "AAAA 1 2", "  ", "x 9999999999999999999999 1"})
        REQUIRE(store.remember("revoked", "all", bad, 1000));
    REQUIRE(store.put({"revoked", "generation", "g", 1000, state::If::any, 0}));
    int told = 0;
    here.on_change([&] { ++told; });
    CHECK(here.poll(kNow));
    CHECK(told == 0);
}

TEST_CASE("it follows on a thread of its own, and ends at once", "[revocations]") {
    test::FakeStore store;
    Revocations here(store);
    std::atomic<int> told{0};
    {
        Revocations there(store);
        there.on_change([&] { ++told; });
        there.follow(1);
        // Times of the real clock: the follower polls by it.
        const std::int64_t now = unix_ns() / 1'000'000'000;
        REQUIRE(here.revoke_token(kIssuer, "t1", now + 600, now));
        while (told == 0) std::this_thread::yield();
        CHECK(there.revoked(token("a", "t1")));
        Revocations slow(store);
        slow.follow(3'600'000);  // or the destructor would take an hour
    }
}
