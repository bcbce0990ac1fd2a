// What only one backend does.
#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "bench.h"
#include "log/log.h"
#include "state/memory.h"
#include "state/seal.h"
#include "state/sqlite.h"

using namespace acp;
using namespace acp::state;
using namespace acp::state::test;

namespace {

constexpr std::int64_t kMinute = 60'000;

std::atomic<std::int64_t> now_ms{1'000'000};
Clock test_clock() {
    return [] { return now_ms.load(); };
}

std::unique_ptr<Store> memory(MemoryLimits limits) {
    return std::make_unique<SealedStore>(memory_backend(limits, test_clock()), keys());
}

Result<std::uint64_t> put(Store& store, const std::string& key, std::string_view value, std::int64_t ttl_ms = kMinute) {
    return store.put({"test", key, value, ttl_ms, If::any, 0});
}

/// What the log is told while the object lives.
class Logged {
public:
    Logged() {
        text().clear();
        log::configure(log::Level::info, log::Format::json, [](std::string_view part) {
            static std::mutex mutex;
            std::lock_guard lock(mutex);
            text() += std::string(part) + "\n";
            return std::string(part);
        });
    }
    ~Logged() { log::configure(log::Level::error, log::Format::json, {}); }
    static std::string& text() {
        static std::string kept;
        return kept;
    }
};

std::string text_of(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("memory refuses at its limit of entries and throws nothing out", "[state]") {
    auto store = memory({10, 1 << 20});
    for (int i = 0; i < 10; ++i) REQUIRE(put(*store, std::to_string(i), "x", i < 3 ? 1000 : kMinute));
    auto refused = put(*store, "one more", "x");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::exhausted);
    CHECK(store->count("rate", "k", kMinute).error().code == Code::exhausted);
    CHECK(store->lock("k", kMinute).error().code == Code::exhausted);
    CHECK(store->remember("session", "k", "m", kMinute).error().code == Code::exhausted);
    // What is there can be renewed, and all of it still is.
    REQUIRE(put(*store, "9", "y"));
    for (int i = 0; i < 10; ++i) CHECK(must(store->get("test", std::to_string(i))));
    // What has expired makes room.
    now_ms += 1000;
    for (int i = 0; i < 3; ++i) REQUIRE(put(*store, "new" + std::to_string(i), "x"));
    CHECK_FALSE(put(*store, "one more", "x"));
    CHECK(must(store->remove("test", "9")));
    CHECK(put(*store, "one more", "x"));
}

TEST_CASE("memory refuses at its limit of bytes, and accounts for all of them", "[state]") {
    constexpr std::size_t limit = 100'000;
    auto store = memory({1000, limit});
    const std::string value(10'000, 'v');
    const auto fill = [&] {
        int count = 0;
        while (put(*store, "k" + std::to_string(count), value)) ++count;
        return count;
    };
    const int first = fill();
    CHECK(first == 9);
    // A larger value in the place of a smaller one does not fit, and the smaller one stays.
    CHECK_FALSE(put(*store, "k0", std::string(60'000, 'w')));
    CHECK((must(store->get("test", "k0"))->value == value));
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < first; ++i) {
            REQUIRE(put(*store, "k" + std::to_string(i), "small"));
            if (i % 3 == 0) must(store->take("test", "k" + std::to_string(i)));
            if (i % 3 == 1) must(store->remove("test", "k" + std::to_string(i)));
        }
        must(store->count("rate", "c", 1000));
        must(store->remember("session", "o", "m" + std::to_string(round), 1000));
        must(store->remember("session", "o", "n", 1000));
        must(store->forget("session", "o", "m" + std::to_string(round)));
        must(store->unlock("l", must(store->lock("l", 1000))));
        now_ms += kMinute;
        CHECK(fill() == first);
    }
}

TEST_CASE("a full memory renews members and keeps those it cannot renew", "[state]") {
    auto store = memory({1000, 10'000});
    must(store->remember("session", "o", "m", 1000));
    int count = 0;
    while (put(*store, std::to_string(count), "x")) ++count;
    CHECK(count > 10);
    CHECK(store->remember("session", "o", "n", kMinute).error().code == Code::exhausted);
    must(store->remember("session", "o", "m", kMinute));
    now_ms += 1000;
    CHECK(must(store->members("session", "o")) == std::vector<std::string>{"m"});
}

TEST_CASE("a value that does not open is told to the log, without its key", "[state]") {
    MemoryBench bench;
    must(put(*bench.store(), "secret-key", "secret-value"));
    KeySet other = copy(keys());
    other.sealing = {std::string(32, 'o')};
    Logged logged;
    CHECK_FALSE(must(bench.store(other)->get("test", "secret-key")));
    CHECK(Logged::text().find("cannot be opened and counts as absent") != std::string::npos);
    CHECK(Logged::text().find("not in the key file") != std::string::npos);
    CHECK(Logged::text().find("secret") == std::string::npos);
}

TEST_CASE("SQLite keeps what it has over a restart, and nothing of it in clear", "[state]") {
    SqliteBench bench;
    std::uint64_t fence = 0, version = 0;
    {
        auto store = bench.store();
        version = must(put(*store, "visible-key", "visible-value"));
        must(store->remember("session", "visible-owner", "visible-member", kMinute));
        must(store->count("rate", "visible-address", kMinute));
        fence = must(store->lock("visible-lock", kMinute));
        const std::string stored = text_of(bench.file()) + text_of(bench.file() + "-wal");
        CHECK(stored.size() > 1000);
        CHECK(stored.find("visible") == std::string::npos);
    }
    auto store = bench.store();
    CHECK(must(store->get("test", "visible-key"))->value == "visible-value");
    CHECK(must(store->members("session", "visible-owner")).size() == 1);
    CHECK(must(store->count("rate", "visible-address", kMinute)) == 2);
    CHECK(store->lock("visible-lock", kMinute).error().code == Code::conflict);
    CHECK(must(put(*store, "visible-key", "x")) > version);
    bench.advance(kMinute);
    CHECK(must(store->lock("visible-lock", kMinute)) > fence);
}

TEST_CASE("SQLite frees what has expired", "[state]") {
    SqliteBench bench;
    auto store = bench.store();
    for (int i = 0; i < 300; ++i) must(put(*store, std::to_string(i), std::string(4000, 'x'), 1000));
    const auto full = std::filesystem::file_size(bench.file()) + std::filesystem::file_size(bench.file() + "-wal");
    for (int round = 0; round < 20; ++round) {
        bench.advance(10'000);
        must(store->get("test", "none"));
        for (int i = 0; i < 300; ++i) must(put(*store, std::to_string(round) + "/" + std::to_string(i), std::string(4000, 'x'), 1000));
    }
    CHECK(std::filesystem::file_size(bench.file()) < 3 * full);
}

TEST_CASE("SQLite works again once its file does", "[state]") {
    SqliteBench bench;
    std::filesystem::create_directory(bench.file());
    auto store = bench.store();
    auto got = store->get("test", "k");
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::unavailable);
    CHECK(got.error().message.find(bench.file()) == std::string::npos);
    CHECK(got.error().internal.find(bench.file()) != std::string::npos);
    CHECK_FALSE(store->ping());
    std::filesystem::remove(bench.file());
    must(put(*store, "k", "v"));
    CHECK(must(store->get("test", "k"))->value == "v");
    // What is no database at all.
    for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(bench.file() + end);
    auto other = bench.store();
    std::ofstream(bench.file()) << std::string(8192, 'z');
    CHECK(other->get("test", "k").error().code == Code::unavailable);
    std::filesystem::remove(bench.file());
    CHECK_FALSE(must(other->get("test", "k")));
}
