#include <alphaswarm-cp/stream.h>

#include <catch2/catch.hpp>
#include <future>

#include "unit/wire/server.h"

using namespace acp::wire;
using namespace acp::wire::test;

namespace {

/// A server whose one answer is `feed`; /plain has an ordinary one.
struct Streaming : Server {
    std::shared_ptr<Feed> feed = std::make_shared<Feed>();
    explicit Streaming(Limits limits = {}, std::int64_t heartbeat_ms = 0) : Server(limits) {
        feed->heartbeat_ms = heartbeat_ms;
        app.answer = [this](Exchange& e) {
            e.respond(e.request().target == "/plain" ? text("plain") : feed->response());
        };
        start();
    }
};

}  // namespace

TEST_CASE("a streamed answer goes out in chunks as it is produced, and the connection lives on") {
    Streaming server;
    Peer peer(server.port());
    REQUIRE(peer.send(get("/") + get("/plain")));
    REQUIRE(peer.read_until("\r\n\r\n"));
    server.feed->write("hello ");
    REQUIRE(peer.read_until("6\r\nhello \r\n"));
    server.feed->write("world");
    REQUIRE(peer.read_until("5\r\nworld\r\n"));
    server.feed->end();
    const Reply reply = peer.read();
    CHECK(reply.complete);
    CHECK(reply.body == "hello world");
    CHECK(reply.fields.at("transfer-encoding") == "chunked");
    CHECK_FALSE(reply.fields.contains("content-length"));
    CHECK(peer.read().body == "plain");
    CHECK(server.feed->dropped());
    CHECK(server.feed->cancels() == 0);
}

TEST_CASE("a stream that is whole before it starts needs no wake") {
    Streaming server;
    server.feed->write("all");
    server.feed->end();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/") + get("/plain")));
    CHECK(peer.read().body == "all");
    CHECK(peer.read().body == "plain");
}

TEST_CASE("a stream that fails ends without the last chunk") {
    Streaming server;
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    server.feed->write("some");
    server.feed->end(true);
    const Reply reply = peer.read();
    CHECK(reply.body == "some");
    CHECK_FALSE(reply.complete);
    CHECK(peer.read_to_end());
    peer.close();
    CHECK(eventually([&] { return server.sum(&Counters::aborted_streams) == 1; }));
    CHECK(server.all_closed());
}

TEST_CASE("HTTP/1.0 gets a stream without chunks, ended by the connection's end") {
    Streaming server;
    server.feed->write("abc");
    server.feed->end();
    Peer peer(server.port());
    REQUIRE(peer.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const Reply reply = peer.read();
    CHECK(reply.body == "abc");
    CHECK(reply.fields.at("connection") == "close");
    CHECK_FALSE(reply.fields.contains("transfer-encoding"));
}

TEST_CASE("HEAD of a stream cancels it") {
    Streaming server;
    Peer peer(server.port());
    REQUIRE(peer.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + get("/plain")));
    CHECK(peer.read(true).status == 200);
    CHECK(peer.read().body == "plain");
    CHECK(server.feed->cancels() == 1);
    CHECK(server.feed->dropped());
}

TEST_CASE("a slow reader holds the source back and still gets every byte") {
    constexpr std::size_t kPiece = 16 * 1024, kPieces = 2000;  // 32 MiB
    Streaming server;
    for (std::size_t i = 0; i < kPieces; ++i) server.feed->write(std::string(kPiece, static_cast<char>('a' + i % 26)));
    server.feed->end();
    Peer peer(server.port(), 16 * 1024);
    REQUIRE(peer.send(get("/")));
    REQUIRE(peer.read_until("\r\n\r\n"));
    CHECK(server.feed->pulled_bytes() < kPiece * kPieces / 2);
    const Reply reply = peer.read();
    CHECK(reply.complete);
    REQUIRE(reply.body.size() == kPiece * kPieces);
    bool right = true;
    for (std::size_t i = 0; i < kPieces; ++i)
        right = right && reply.body[i * kPiece] == static_cast<char>('a' + i % 26);
    CHECK(right);
}

TEST_CASE("requests that come during a stream are served after it") {
    Streaming server;
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    REQUIRE(peer.read_until("\r\n\r\n"));
    for (int i = 0; i < 3; ++i) REQUIRE(peer.send(get("/plain")));
    server.feed->write("x");
    REQUIRE(peer.read_until("1\r\nx\r\n"));
    CHECK(server.app.requests == 1);
    server.feed->end();
    CHECK(peer.read().body == "x");
    for (int i = 0; i < 3; ++i) CHECK(peer.read().body == "plain");
}

TEST_CASE("a listener that leaves ends the stream") {
    Streaming server;
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    REQUIRE(peer.read_until("\r\n\r\n"));
    SECTION("by an orderly end") {
        peer.close();
    }
    SECTION("by a reset") {
        peer.reset();
    }
    SECTION("by ending its sending") {
        peer.half_close();
    }
    CHECK(eventually([&] { return server.feed->dropped(); }));
    CHECK(server.feed->cancelled() == ACP_CLOSE_LISTENER);
    CHECK(server.feed->cancels() == 1);
    CHECK(server.all_closed());
    server.feed->write("into the void");
}

TEST_CASE("a reader that takes nothing runs into the limit on writing") {
    Limits limits;
    limits.write_timeout_ms = 100;
    limits.idle_timeout_ms = limits.header_timeout_ms = 60'000;
    Streaming server(limits);
    for (int i = 0; i < 1000; ++i) server.feed->write(std::string(16 * 1024, 'x'));
    Peer peer(server.port(), 16 * 1024);
    REQUIRE(peer.send(get("/")));
    CHECK(server.all_closed());
    CHECK(server.feed->cancelled() == ACP_CLOSE_LISTENER);
    CHECK(server.sum(&Counters::timeouts_write) == 1);
}

TEST_CASE("a quiet stream is kept alive by its heartbeat, outside of any exchange there is none") {
    Streaming server({}, 5);
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    REQUIRE(peer.read_until("6\r\n:beat\n\r\n6\r\n:beat\n\r\n"));
    server.feed->write("data");
    REQUIRE(peer.read_until("4\r\ndata\r\n"));
    server.feed->end();
    CHECK(peer.read().complete);
    CHECK_FALSE(peer.hears_within(50));
    REQUIRE(peer.send(get("/plain")));
    CHECK(peer.read().body == "plain");
}

TEST_CASE("draining ends a stream without its last chunk") {
    Streaming server;
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    server.feed->write("some");
    REQUIRE(peer.read_until("some\r\n"));
    server.engine->drain(kPatienceMs);
    CHECK(server.feed->cancelled() == ACP_CLOSE_SHUTDOWN);
    CHECK(server.feed->cancels() == 1);
    CHECK_FALSE(peer.read().complete);
    CHECK(server.sum(&Counters::open) == 0);
}

TEST_CASE("stopping ends a stream; a late wake finds nobody") {
    auto feed = std::make_shared<Feed>();
    {
        Streaming server;
        feed = server.feed;
        Peer peer(server.port());
        REQUIRE(peer.send(get("/")));
        REQUIRE(peer.read_until("\r\n\r\n"));
        server.engine->stop();
        CHECK(feed->dropped());
        CHECK(feed->cancelled() == ACP_CLOSE_LISTENER);
        feed->write("late");
    }
    feed->end();
}
