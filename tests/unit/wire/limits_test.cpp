#include <sys/resource.h>
#include <sys/time.h>

#include <catch2/catch.hpp>
#include <ctime>
#include <fstream>
#include <sstream>

#include "unit/wire/server.h"

using namespace acp::wire;
using namespace acp::wire::test;

namespace {

/// All limits far away, so that a test meets only the one it sets.
Limits far() {
    Limits limits;
    limits.header_timeout_ms = limits.idle_timeout_ms = limits.body_timeout_ms = limits.write_timeout_ms = 60'000;
    return limits;
}

/// Whether the kernel runs a keep-alive timer for the server's end: column
/// "tr" of /proc/net/tcp is 02.
bool kept_alive(std::uint16_t server, std::uint16_t client) {
    std::ifstream table("/proc/net/tcp");
    char ends[64];
    std::snprintf(ends, sizeof ends, "0100007F:%04X 0100007F:%04X", server, client);
    for (std::string line; std::getline(table, line);)
        if (const auto at = line.find(ends); at != std::string::npos) {
            std::istringstream rest(line.substr(at + std::string_view(ends).size()));
            std::string state, queues, timer;
            rest >> state >> queues >> timer;
            return timer.starts_with("02:");
        }
    return false;
}

std::int64_t cpu_ms() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

TEST_CASE("a connection that says nothing is closed by the limit on heads") {
    Limits limits = far();
    limits.header_timeout_ms = 30;
    Server server(limits);
    server.start();
    Peer peer(server.port());
    CHECK(peer.read_to_end());
    CHECK(peer.unread().empty());
    CHECK(server.sum(&Counters::timeouts_header) == 1);
}

TEST_CASE("a head that takes too long is answered 408, however often bytes come") {
    Limits limits = far();
    limits.header_timeout_ms = 100;
    Server server(limits);
    server.start();
    Peer peer(server.port());
    const std::int64_t from = now_ms();
    REQUIRE(peer.send("GET / HTTP/1.1\r\n"));
    while (!peer.hears_within(5) && now_ms() - from < kPatienceMs) peer.send_some("A: b\r\n");
    CHECK(now_ms() - from >= 90);
    const Reply reply = peer.read();
    CHECK(reply.status == 408);
    CHECK(reply.body == "request_timeout");
    CHECK(peer.read_to_end());
}

TEST_CASE("each head has its own time, also one that came with the end of another") {
    Limits limits = far();
    limits.header_timeout_ms = 400;
    Server server(limits);
    server.start();
    std::int64_t waited = 0;
    // A machine that stalls can make the first head late: then again.
    for (int attempt = 0; attempt < 20; ++attempt) {
        Peer peer(server.port());
        REQUIRE(peer.send("GET /one HTTP/1.1\r\n"));
        if (peer.hears_within(250)) continue;
        const std::int64_t from = now_ms();
        REQUIRE(peer.send("Host: h\r\n\r\nGET /two HTTP/1.1\r\n"));
        if (peer.read().status != 200) continue;
        CHECK(peer.read().status == 408);
        waited = now_ms() - from;
        break;
    }
    CHECK(waited >= 390);
}

TEST_CASE("an idle connection is closed without a word") {
    Limits limits = far();
    limits.idle_timeout_ms = 30;
    Server server(limits);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    CHECK(peer.read().complete);
    CHECK(peer.read_to_end());
    CHECK(peer.unread().empty());
    CHECK(server.sum(&Counters::timeouts_idle) == 1);
}

TEST_CASE("a body that stops is answered 408; one that goes on slowly is read") {
    Limits limits = far();
    limits.body_timeout_ms = 100;
    Server server(limits);
    server.app.answer = [](Exchange& e) {
        e.read_body(100, [&e](std::string body) { e.respond(text(std::move(body))); });
    };
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(post("/", length(20))));
    const std::int64_t from = now_ms();
    int sent = 0;
    // Twice the limit in all, never a quarter of it between two bytes.
    while (sent < 20 && !peer.hears_within(10)) {
        REQUIRE(peer.send("x"));
        ++sent;
    }
    if (sent == 20) {
        CHECK(now_ms() - from >= 190);
        CHECK(peer.read().status == 200);
        REQUIRE(peer.send(post("/", "Transfer-Encoding: chunked", "5\r\nhel")));
    }
    CHECK(peer.read().status == 408);
    CHECK(peer.read_to_end());
    CHECK(server.sum(&Counters::timeouts_body) == 1);
}

TEST_CASE("a peer that takes no answer is closed by the limit on writing, whatever else it is doing") {
    Limits limits = far();
    limits.write_timeout_ms = 150;
    limits.header_timeout_ms = 50;
    Server server(limits);
    server.app.answer = [](Exchange& e) {
        if (e.request().has_body) return e.read_body(100, [&e](std::string) { e.respond(text("read")); });
        e.respond(text(std::string(16U << 20, 'x')));
    };
    server.start();
    Peer peer(server.port(), 16 * 1024);
    SECTION("nothing more") {
        REQUIRE(peer.send(get("/")));
    }
    SECTION("a part of the next head") {
        REQUIRE(peer.send(get("/") + "GET / HT"));
    }
    SECTION("the next request") {
        REQUIRE(peer.send(get("/") + get("/")));
    }
    SECTION("a part of a body") {
        REQUIRE(peer.send(get("/") + post("/", length(10), "half")));
    }
    SECTION("nonsense") {
        REQUIRE(peer.send(get("/") + "nonsense\r\n\r\n"));
    }
    SECTION("its end") {
        REQUIRE(peer.send(get("/")));
        peer.half_close();
    }
    CHECK(server.all_closed());
    CHECK(server.sum(&Counters::timeouts_write) == 1);
}

TEST_CASE("connections over the limit are closed at once while the others are busy, and there is room again later") {
    Limits limits = far();
    limits.connections = 2;
    Server server(limits);
    server.app.answer = [&server](Exchange& e) { server.app.defer(e); };
    server.start();
    Peer first(server.port());
    REQUIRE(first.send(get("/")));
    const Responder responder = server.app.take_deferred();
    Peer second(server.port());
    REQUIRE(second.send(get("/")));
    server.app.take_deferred();
    Peer third(server.port());
    CHECK(third.read_to_end());
    CHECK(server.sum(&Counters::over_limit) == 1);
    acp::http::Response last = acp::http::json_response(200, "{}");
    last.close = true;
    responder.send(std::move(last));
    CHECK(first.read_to_end());
    REQUIRE(eventually([&] { return server.sum(&Counters::open) == 1; }));
    Peer fourth(server.port());
    REQUIRE(fourth.send(get("/")));
    server.app.take_deferred();
}

TEST_CASE("a connection that asks for nothing gives way to a new one: the longest idle, then the slowest") {
    Limits limits = far();
    limits.connections = 2;
    Server server(limits);
    server.start();
    Peer slow(server.port());
    REQUIRE(slow.send("GET / HT"));
    REQUIRE(eventually([&] { return server.sum(&Counters::open) == 1; }));
    Peer idle(server.port());
    REQUIRE(idle.send(get("/")));
    REQUIRE(idle.read().complete);
    Peer third(server.port());
    REQUIRE(third.send(get("/")));
    CHECK(third.read().complete);
    CHECK(idle.read_to_end());
    CHECK(server.sum(&Counters::evicted) == 1);
    CHECK(server.sum(&Counters::over_limit) == 0);
    // The answered one is now the longest idle; after it, the slow one goes.
    Peer fourth(server.port());
    REQUIRE(fourth.send("GET / HT"));
    CHECK(third.read_to_end());
    Peer fifth(server.port());
    REQUIRE(fifth.send(get("/")));
    CHECK(fifth.read().complete);
    CHECK(slow.read_to_end());
}

TEST_CASE("a peer that vanishes is found out by the kernel") {
    Server server(far());
    server.app.answer = [&server](Exchange& e) { server.app.defer(e); };
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    server.app.take_deferred();
    CHECK(eventually([&] { return kept_alive(server.port(), peer.local_port()); }));
}

TEST_CASE("without descriptors the loop waits instead of spinning, and then accepts") {
    Server server(far());
    server.start();
    auto spare = std::make_unique<Peer>(server.port());
    REQUIRE(spare->send(get("/")));
    REQUIRE(spare->read().complete);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    {
        // The client's end takes the last descriptor that the limit allows.
        acp::UniqueFd probe(::dup(0));
        rlimit tight = before;
        tight.rlim_cur = static_cast<rlim_t>(probe.get()) + 1;
        probe.reset();
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    }
    std::optional<Peer> peer;
    peer.emplace(server.port());
    const bool sent = peer->send(get("/late"));
    const std::int64_t cpu = cpu_ms(), from = now_ms();
    const bool heard = peer->hears_within(300);
    const std::int64_t used = cpu_ms() - cpu, waited = now_ms() - from;
    ::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE(sent);
    CHECK_FALSE(heard);
    CHECK(used < waited / 10);
    CHECK(peer->read().body == "/late");
}

TEST_CASE("an address in use is told with the way out") {
    Server server;
    Options options;
    options.listeners.front().port = server.port();
    Script app;
    auto second = Engine::bind(options, app);
    REQUIRE_FALSE(second);
    CHECK(second.error().slug == "listen_failed");
    CHECK(second.error().message.find(std::to_string(server.port())) != std::string::npos);
    CHECK(second.error().message.find("server.listen") != std::string::npos);
}
