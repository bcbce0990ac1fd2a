// Databases that go, stall and come back; and how Redis is reached.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "bench.h"
#include "state/postgresql.h"
#include "state/redis.h"
#include "unit/tls/authority.h"

using namespace acp;
using namespace acp::state;
using namespace acp::state::test;

namespace {

constexpr std::int64_t kMinute = 60'000;

std::unique_ptr<Store> store_on(const acp::test::RedisServer& server) {
    return std::make_unique<SealedStore>(must(redis_backend(must(parse_redis_url(server.url())))), keys());
}
std::unique_ptr<Store> store_on(const acp::test::PostgresqlServer& server) {
    return std::make_unique<SealedStore>(must(postgresql_backend(server.url())), keys());
}

Result<std::uint64_t> put(Store& store, std::string_view key) {
    return store.put({"test", key, "v", kMinute, If::any, 0});
}

template <typename Body>
double seconds(Body body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Whether the store works, now or within ten seconds.
bool works_again(Store& store) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
        if (put(store, "again") && store.ping()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

/// Every call, with the code it ends with; Code::invalid where it succeeds.
std::vector<Code> codes(Store& store) {
    const auto code = [](const auto& result) { return result ? Code::invalid : result.error().code; };
    return {code(put(store, "k")),
            code(store.get("test", "k")),
            code(store.take("test", "k")),
            code(store.remove("test", "k")),
            code(store.count("rate", "k", kMinute)),
            code(store.remember("session", "o", "m", kMinute)),
            code(store.members("session", "o")),
            code(store.forget("session", "o", "m")),
            code(store.lock("l", kMinute)),
            code(store.unlock("l", 1)),
            code(store.ping())};
}

tls::test::Spec certificate(const std::string& names, const std::string& usage) {
    tls::test::Spec spec;
    spec.names = names;
    spec.usage = usage;
    return spec;
}

constexpr double kBoundS = 3.0;  ///< two seconds, and a busy machine

}  // namespace

TEMPLATE_TEST_CASE("a database that is gone is unavailable, never empty, and comes back", "[state]", acp::test::RedisServer,
                   acp::test::PostgresqlServer) {
    TestType server;
    server.start();
    auto store = store_on(server);
    REQUIRE(put(*store, "k"));
    for (int round = 0; round < 2; ++round) {
        server.stop();
        CHECK(codes(*store) == std::vector<Code>(11, Code::unavailable));
        server.start();
        CHECK(works_again(*store));
    }
}

TEMPLATE_TEST_CASE("a database that was restarted meanwhile is met with no failure", "[state]", acp::test::RedisServer, acp::test::PostgresqlServer) {
    TestType server;
    server.start();
    auto store = store_on(server);
    REQUIRE(put(*store, "k"));
    server.stop();
    server.start();
    // The kept connection is closed, which is seen before it is used.
    CHECK(put(*store, "k"));
}

TEMPLATE_TEST_CASE("a database that stalls holds nobody for longer than two seconds", "[state]", acp::test::RedisServer,
                   acp::test::PostgresqlServer) {
    TestType server;
    server.start();
    auto store = store_on(server);
    REQUIRE(put(*store, "k"));
    server.pause();
    Result<std::optional<Entry>> got;
    CHECK(seconds([&] { got = store->get("test", "k"); }) < kBoundS);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::unavailable);
    // Many threads do not wait in turn: once it was silent they are told at once.
    std::atomic<int> failed{0};
    const double all = seconds([&] {
        std::vector<std::thread> threads;
        for (int i = 0; i < 16; ++i)
            threads.emplace_back([&] {
                if (!store->get("test", "k")) ++failed;
            });
        for (auto& thread : threads) thread.join();
    });
    CHECK(failed == 16);
    CHECK(all < kBoundS);
    // A new connection has the same bound.
    auto fresh = store_on(server);
    CHECK(seconds([&] { CHECK_FALSE(fresh->get("test", "k").has_value()); }) < kBoundS);
    auto pinged = store_on(server);
    CHECK(seconds([&] { CHECK_FALSE(pinged->ping().has_value()); }) < 2.0);
    server.resume();
    CHECK(works_again(*store));
    CHECK(must(store->get("test", "k")));
}

TEST_CASE("Redis over TCP with a password, a user and a database", "[state]") {
    const int port = acp::test::free_port();
    acp::test::RedisServer server(
        {"--port", std::to_string(port), "--bind", "127.0.0.1", "--requirepass", "s3cret", "--user", "cp", "on", ">p@ss", "~*", "+@all"});
    server.start();
    const auto at = [&](const std::string& user, const std::string& rest) {
        return std::make_unique<SealedStore>(
            must(redis_backend(must(parse_redis_url("redis://" + user + "127.0.0.1:" + std::to_string(port) + rest)))), keys());
    };
    REQUIRE(put(*at(":s3cret@", ""), "k"));
    CHECK(must(at("cp:p%40ss@", "/0")->get("test", "k")));
    CHECK_FALSE(must(at("cp:p%40ss@", "/1")->get("test", "k")));
    for (const char* user : {"", ":wrong@", "cp:wrong@", "who:s3cret@"}) {
        auto refused = at(user, "")->get("test", "k");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::unavailable);
        CHECK((refused.error().message + refused.error().internal).find("s3cret") == std::string::npos);
    }
    CHECK(at(":s3cret@", "/99")->ping().error().internal.find("SELECT") != std::string::npos);
}

TEST_CASE("Redis over TLS proves who it is", "[state]") {
    const tls::test::Authority authority("Test CA"), stranger("Other CA");
    const tls::test::Folder folder;
    const auto pair = folder.write("server", authority.issue(certificate("DNS:localhost", "serverAuth")));
    const std::string ca = folder.write("ca.pem", tls::test::pem(authority.certificate()));
    const std::string other = folder.write("other.pem", tls::test::pem(stranger.certificate()));
    const auto client = folder.write("client", authority.issue(certificate("DNS:cp", "clientAuth")));
    const std::string port = std::to_string(acp::test::free_port());
    acp::test::RedisServer server({"--tls-port", port, "--tls-cert-file", pair.certificate_file, "--tls-key-file", pair.key_file,
                                   "--tls-ca-cert-file", ca, "--tls-auth-clients", "yes"});
    server.start();
    const std::string own = "&cert=" + client.certificate_file + "&key=" + client.key_file;
    const auto at = [&](const std::string& host, const std::string& query) {
        return std::make_unique<SealedStore>(must(redis_backend(must(parse_redis_url("rediss://" + host + ":" + port + "?" + query)))), keys());
    };
    auto store = at("localhost", "ca=" + ca + own);
    const std::string large(200'000, 'x');
    for (int i = 0; i < 20; ++i) {
        must(store->put({"test", "k", large, kMinute, If::any, 0}));
        REQUIRE((must(store->get("test", "k"))->value == large));
    }
    CHECK_FALSE(at("127.0.0.1", "ca=" + ca + own)->ping());     // not its name
    CHECK_FALSE(at("localhost", "ca=" + other + own)->ping());  // not its authority
    CHECK_FALSE(at("localhost", "ca=" + ca)->ping());           // it wants a certificate
    CHECK(at("localhost", "ca=" + other + own)->ping().error().internal.find("TLS") != std::string::npos);
    CHECK_FALSE(redis_backend(must(parse_redis_url("rediss://localhost?ca=" + folder.path("none.pem")))));
}

TEST_CASE("a Redis that is full says so", "[state]") {
    acp::test::RedisServer server({"--maxmemory", "2mb", "--maxmemory-policy", "noeviction"});
    server.start();
    auto store = store_on(server);
    const std::string large(200'000, 'x');
    Result<std::uint64_t> done;
    for (int i = 0; i < 50 && done; ++i) done = store->put({"test", std::to_string(i), large, kMinute, If::any, 0});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Code::exhausted);
    CHECK(store->ping());
}

TEST_CASE("replicas that start at once make PostgreSQL's tables together", "[state]") {
    acp::test::PostgresqlServer server;
    server.start();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            if (put(*store_on(server), std::to_string(i))) ++good;
        });
    for (auto& thread : threads) thread.join();
    CHECK(good == 8);
    for (int i = 0; i < 8; ++i) CHECK(must(store_on(server)->get("test", std::to_string(i))));
}

TEST_CASE("PostgreSQL over TCP by name and by address", "[state]") {
    const std::string port = std::to_string(acp::test::free_port());
    // On IPv4 alone, where a name may well have an IPv6 address that comes first.
    acp::test::PostgresqlServer server({"-c", "listen_addresses=127.0.0.1", "-c", "port=" + port});
    server.start();
    const auto at = [&](const std::string& host, const std::string& more) {
        return std::make_unique<SealedStore>(must(postgresql_backend("postgresql://postgres:hunter2@" + host + ":" + port + "/" + more)), keys());
    };
    REQUIRE(put(*at("localhost", "postgres"), "k"));
    CHECK(must(at("127.0.0.1", "postgres")->get("test", "k")));
    for (const char* more : {"nowhere", "postgres?sslmode=require", "postgres?options=-cdefault_transaction_read_only%3Don"}) {
        auto refused = put(*at("127.0.0.1", more), "k");
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::unavailable);
        CHECK_FALSE(refused.error().internal.empty());
        CHECK((refused.error().message + refused.error().internal).find("hunter2") == std::string::npos);
    }
    CHECK(at("name.invalid", "postgres")->ping().error().code == Code::unavailable);
}
