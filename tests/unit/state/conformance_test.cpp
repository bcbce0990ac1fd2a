// What every backend does, seen through the store.
#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "bench.h"
#include "state/seal.h"

using namespace acp;
using namespace acp::state;
using namespace acp::state::test;

#define EVERY_BACKEND MemoryBench, SqliteBench, RedisBench, PostgresqlBench

namespace {

constexpr std::int64_t kMinute = 60'000;

Write write(std::string_view key, std::string_view value, std::int64_t ttl_ms = kMinute) {
    return {"test", key, value, ttl_ms, If::any, 0};
}

Write only_if(If condition, std::string_view key, std::string_view value, std::uint64_t version = 0, std::int64_t ttl_ms = kMinute) {
    return {"test", key, value, ttl_ms, condition, version};
}

template <typename T>
Code code_of(const Result<T>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

/// Runs `body(i)` on `count` threads at a time.
template <typename Body>
void together(int count, Body body) {
    std::atomic<int> waiting{count};
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            --waiting;
            while (waiting > 0) std::this_thread::yield();
            body(i);
        });
    for (auto& thread : threads) thread.join();
}

}  // namespace

TEMPLATE_TEST_CASE("what is put is got", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto replica = bench.store();
    const std::string key = bench.own("key");
    CHECK_FALSE(must(store->get("test", key)));
    const auto before = unix_ms();
    const auto first = must(store->put(write(key, "one")));
    auto got = must(replica->get("test", key));
    REQUIRE(got);
    CHECK(got->value == "one");
    CHECK(got->version == first);
    if (!bench.has_clock()) {
        CHECK(got->expires_unix_ms >= before + kMinute - 2000);
        CHECK(got->expires_unix_ms <= unix_ms() + kMinute + 2000);
    }
    const auto second = must(replica->put(write(key, "two")));
    CHECK(second > first);
    CHECK(must(store->get("test", key))->value == "two");
    // Another space, another key.
    CHECK_FALSE(must(store->get("tests", key)));
    CHECK_FALSE(must(store->get("test", key + "y")));
    REQUIRE(store->ping());
}

TEMPLATE_TEST_CASE("conditions", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    const std::string key = bench.own("key");
    CHECK(code_of(store->put(only_if(If::version, key, "x", 1))) == Code::conflict);
    const auto first = must(store->put(only_if(If::absent, key, "one")));
    CHECK(code_of(store->put(only_if(If::absent, key, "two"))) == Code::conflict);
    CHECK(code_of(store->put(only_if(If::version, key, "two", first + 1))) == Code::conflict);
    CHECK(code_of(store->put(only_if(If::version, key, "two", 0))) == Code::conflict);
    const auto second = must(store->put(only_if(If::version, key, "two", first)));
    CHECK(second > first);
    CHECK(code_of(store->put(only_if(If::version, key, "three", first))) == Code::conflict);
    CHECK(must(store->get("test", key))->value == "two");

    SECTION("a version does not come back with a new entry") {
        CHECK(must(store->remove("test", key)));
        CHECK(code_of(store->put(only_if(If::version, key, "x", second))) == Code::conflict);
        CHECK(must(store->put(only_if(If::absent, key, "new"))) > second);
        CHECK(code_of(store->put(only_if(If::version, key, "x", second))) == Code::conflict);
    }
    SECTION("an expired entry is absent") {
        must(store->put(write(key, "short", Bench::kShortMs)));
        std::uint64_t last = 0;
        REQUIRE(bench.later([&] {
            auto done = store->put(only_if(If::absent, key, "new"));
            if (done) last = *done;
            return done.has_value();
        }));
        CHECK(last > second);
        CHECK(must(store->get("test", key))->value == "new");
    }
}

TEMPLATE_TEST_CASE("one of many writers over a version wins", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto replica = bench.store();
    const std::string key = bench.own("key");
    for (const If condition : {If::absent, If::version}) {
        const auto version = condition == If::version ? must(store->get("test", key))->version : 0;
        std::atomic<int> won{0}, lost{0};
        together(16, [&](int i) {
            auto& mine = i % 2 == 0 ? store : replica;
            const auto done = mine->put(only_if(condition, key, std::to_string(i), version));
            if (done)
                ++won;
            else if (done.error().code == Code::conflict)
                ++lost;
        });
        CHECK(won == 1);
        CHECK(lost == 15);
    }
}

TEMPLATE_TEST_CASE("one of many takers gets it", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto replica = bench.store();
    for (int round = 0; round < 5; ++round) {
        const std::string key = bench.own("key" + std::to_string(round));
        must(store->put(write(key, "prize")));
        std::atomic<int> got{0}, none{0};
        together(16, [&](int i) {
            auto& mine = i % 2 == 0 ? store : replica;
            const auto taken = mine->take("test", key);
            if (taken && *taken && (*taken)->value == "prize") ++got;
            if (taken && !*taken) ++none;
        });
        CHECK(got == 1);
        CHECK(none == 15);
        CHECK_FALSE(must(store->get("test", key)));
    }
}

TEMPLATE_TEST_CASE("remove", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    const std::string key = bench.own("key");
    CHECK_FALSE(must(store->remove("test", key)));
    must(store->put(write(key, "x")));
    CHECK(must(store->remove("test", key)));
    CHECK_FALSE(must(store->remove("test", key)));
    CHECK_FALSE(must(store->get("test", key)));
    CHECK_FALSE(must(store->take("test", key)));
}

TEMPLATE_TEST_CASE("expiry", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    const std::string kept = bench.own("kept"), key = bench.own("key"), taken = bench.own("taken"), renewed = bench.own("renewed");
    must(store->put(write(kept, "x")));
    must(store->put(write(renewed, "x", Bench::kShortMs)));
    must(store->put(write(renewed, "y")));
    must(store->put(write(key, "x", Bench::kShortMs)));
    must(store->put(write(taken, "x", Bench::kShortMs)));
    CHECK(bench.later([&] { return !must(store->get("test", key)); }));
    if (bench.has_clock()) {
        CHECK_FALSE(must(store->take("test", taken)));
        CHECK_FALSE(must(store->remove("test", key)));
    }
    CHECK(must(store->get("test", kept)));
    CHECK(must(store->get("test", renewed))->value == "y");
}

TEMPLATE_TEST_CASE("an expired value is not taken", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    const std::string probe = bench.own("probe"), key = bench.own("key");
    must(store->put(write(key, "x", Bench::kShortMs)));
    must(store->put(write(probe, "x", Bench::kShortMs)));
    REQUIRE(bench.later([&] { return !must(store->get("test", probe)); }));
    CHECK_FALSE(must(store->take("test", key)));
    // A short one that was not looked at leaves nothing behind that could be removed.
    CHECK_FALSE(must(store->remove("test", probe)));
}

TEMPLATE_TEST_CASE("counters", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto replica = bench.store();
    const std::string key = bench.own("key");
    std::mutex mutex;
    std::set<std::uint64_t> seen;
    together(8, [&](int i) {
        for (int n = 0; n < 25; ++n) {
            const auto counted = (i % 2 == 0 ? store : replica)->count("rate", key, kMinute);
            std::lock_guard lock(mutex);
            if (counted) seen.insert(*counted);
        }
    });
    CHECK(seen.size() == 200);
    CHECK(*seen.begin() == 1);
    CHECK(*seen.rbegin() == 200);
    // The time runs from the first count, and later ones do not stretch it.
    const std::string brief = bench.own("brief");
    CHECK(must(store->count("rate", brief, Bench::kShortMs)) == 1);
    CHECK(bench.later([&] { return must(store->count("rate", brief, Bench::kShortMs)) == 1; }));
    // A counter is no entry.
    CHECK_FALSE(must(store->get("rate", key)));
}

TEMPLATE_TEST_CASE("members of an owner", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto replica = bench.store();
    const std::string alice = bench.own("alice"), bob = bench.own("bob");
    CHECK(must(store->members("session", alice)).empty());
    must(store->remember("session", alice, "s1", kMinute));
    must(replica->remember("session", alice, "s2", kMinute));
    must(store->remember("session", alice, "s2", kMinute));
    must(store->remember("session", bob, "s3", kMinute));
    must(store->remember("session", alice, std::string("odd\0\r\n \xff", 8), kMinute));
    CHECK(must(replica->members("session", alice)) == std::vector<std::string>{std::string("odd\0\r\n \xff", 8), "s1", "s2"});
    CHECK(must(store->members("session", bob)) == std::vector<std::string>{"s3"});
    CHECK(must(store->members("token", alice)).empty());
    must(store->forget("session", alice, "s1"));
    must(store->forget("session", alice, "s1"));
    must(store->forget("session", bob, "s2"));
    must(store->forget("session", alice, std::string("odd\0\r\n \xff", 8)));
    CHECK(must(store->members("session", alice)) == std::vector<std::string>{"s2"});
    must(store->remember("session", alice, "brief", Bench::kShortMs));
    CHECK(bench.later([&] { return must(store->members("session", alice)) == std::vector<std::string>{"s2"}; }));
    // Renewed, it stays; the last one forgotten, nothing is left.
    must(store->remember("session", bob, "s3", Bench::kShortMs));
    CHECK(bench.later([&] { return must(store->members("session", bob)).empty(); }));
    must(store->forget("session", alice, "s2"));
    CHECK(must(store->members("session", alice)).empty());
}

TEMPLATE_TEST_CASE("a lock is held by one, with a fence that grows", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto replica = bench.store();
    const std::string name = bench.own("name");
    const auto first = must(store->lock(name, kMinute));
    CHECK(code_of(replica->lock(name, kMinute)) == Code::conflict);
    CHECK(code_of(store->lock(name, kMinute)) == Code::conflict);
    must(replica->lock(bench.own("other"), kMinute));
    // Not by somebody with another fence.
    must(replica->unlock(name, first + 1));
    must(replica->unlock(name, first - 1));
    CHECK(code_of(replica->lock(name, kMinute)) == Code::conflict);
    must(store->unlock(name, first));
    const auto second = must(replica->lock(name, Bench::kShortMs));
    CHECK(second > first);
    std::uint64_t third = 0;
    REQUIRE(bench.later([&] {
        auto locked = store->lock(name, kMinute);
        if (locked) third = *locked;
        return locked.has_value();
    }));
    CHECK(third > second);
    // The one before lost it by time and does not give away what is another's.
    must(replica->unlock(name, second));
    CHECK(code_of(replica->lock(name, kMinute)) == Code::conflict);
    must(store->unlock(name, third));
    must(store->unlock(name, third));

    std::atomic<int> holders{0}, failures{0};
    together(16, [&](int i) {
        const auto locked = (i % 2 == 0 ? store : replica)->lock(name, kMinute);
        if (locked)
            ++holders;
        else if (locked.error().code != Code::conflict)
            ++failures;
    });
    CHECK(holders == 1);
    CHECK(failures == 0);
}

TEMPLATE_TEST_CASE("sizes and odd bytes", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    std::string every;
    for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
    std::string large(256 << 10, '\0');
    random_bytes(large.data(), large.size());
    const std::vector<std::string> odd_keys{bench.own(std::string("\0", 1)), bench.own(std::string("\0\0", 2)), bench.own("\r\n"),
                                            bench.own("*:'\"\\%$1"),         bench.own(every.substr(1)),        bench.own(std::string(504, 'k'))};
    for (const auto& key : odd_keys) must(store->put(write(key, key + "!")));
    for (const auto& key : odd_keys) {
        auto got = must(store->get("test", key));
        REQUIRE(got);
        CHECK(got->value == key + "!");
    }
    const std::string key = bench.own("key");
    for (const std::string& value : {std::string(), every, std::string(1000, '\0'), std::string("\r\n\r\n"), large}) {
        must(store->put(write(key, value)));
        CHECK((must(store->get("test", key))->value == value));
    }
    CHECK((must(store->take("test", key))->value == large));
    CHECK(code_of(store->put(write(key, large + "x"))) == Code::too_large);
    CHECK(code_of(store->put(write("", "x"))) == Code::invalid);
    CHECK(code_of(store->put(write(std::string(513, 'k'), "x"))) == Code::invalid);
    CHECK(code_of(store->put(write(key, "x", 0))) == Code::invalid);
    CHECK(code_of(store->put(write(key, "x", -1))) == Code::invalid);
    CHECK(code_of(store->put(write(key, "x", INT64_MAX))) == Code::invalid);
    CHECK(code_of(store->put({"No Space", key, "x", kMinute, If::any, 0})) == Code::invalid);
    CHECK(code_of(store->count("rate", std::string(513, 'k'), kMinute)) == Code::invalid);
    CHECK_FALSE(must(store->get("test", std::string(513, 'k'))));
    CHECK_FALSE(must(store->take("test", "")));
}

TEMPLATE_TEST_CASE("who changes the database changes no value", "[state]", EVERY_BACKEND) {
    TestType bench;
    auto store = bench.store();
    auto backend = bench.backend();
    const Seal seal(keys());
    const std::string alice = bench.own("alice"), mallory = bench.own("mallory");
    must(store->put(write(alice, "role=admin")));
    must(store->put(write(mallory, "role=viewer")));
    const std::string name = seal.name(Kind::entry, "test", alice), other = seal.name(Kind::entry, "test", mallory);
    const std::string sealed = must(backend->get(name))->value;
    CHECK(sealed.find("role") == std::string::npos);
    CHECK(name.find(alice) == std::string::npos);

    SECTION("moved to another key") {
        must(backend->put({other, sealed, kMinute, If::any, 0}));
        CHECK_FALSE(must(store->get("test", mallory)));
        CHECK_FALSE(must(store->take("test", mallory)));
    }
    SECTION("moved to another space") {
        must(backend->put({seal.name(Kind::entry, "tset", alice), sealed, kMinute, If::any, 0}));
        CHECK_FALSE(must(store->get("tset", alice)));
    }
    SECTION("tampered with at any byte") {
        for (std::size_t i = 0; i < sealed.size(); i += 5) {
            std::string changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ 1);
            must(backend->put({name, changed, kMinute, If::any, 0}));
            CHECK_FALSE(must(store->get("test", alice)));
        }
    }
    SECTION("cut short") {
        for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{32}, sealed.size() - 1}) {
            must(backend->put({name, sealed.substr(0, size), kMinute, If::any, 0}));
            CHECK_FALSE(must(store->get("test", alice)));
        }
    }
    SECTION("put in its place: the same is the same") {
        must(backend->put({name, sealed, kMinute, If::any, 0}));
        CHECK(must(store->get("test", alice))->value == "role=admin");
    }
    SECTION("a member of another owner") {
        must(store->remember("session", alice, "s1", kMinute));
        const std::string from = seal.name(Kind::owner, "session", alice), to = seal.name(Kind::owner, "session", mallory);
        for (const auto& member : must(backend->members(from))) must(backend->remember(to, member, kMinute));
        CHECK(must(store->members("session", mallory)).empty());
        CHECK(must(store->members("session", alice)) == std::vector<std::string>{"s1"});
    }
}

TEMPLATE_TEST_CASE("a key file's rotation loses nothing", "[state]", EVERY_BACKEND) {
    TestType bench;
    const std::string key = bench.own("key"), later = bench.own("later");
    must(bench.store()->put(write(key, "old")));
    must(bench.store()->remember("session", key, "s1", kMinute));

    KeySet both = copy(keys());
    both.sealing.insert(both.sealing.begin(), random_token(24));
    auto rotated = bench.store(both);
    CHECK(must(rotated->get("test", key))->value == "old");
    CHECK(must(rotated->members("session", key)) == std::vector<std::string>{"s1"});
    must(rotated->put(write(later, "new")));
    // A replica that does not know the new key yet finds the entry and cannot open it.
    CHECK_FALSE(must(bench.store()->get("test", later)));

    KeySet done = copy(both);
    done.sealing.pop_back();
    auto after = bench.store(done);
    CHECK(must(after->get("test", later))->value == "new");
    CHECK_FALSE(must(after->get("test", key)));

    const KeySet wrong = random_keys();
    CHECK_FALSE(must(bench.store(wrong)->get("test", later)));
}
