#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "unit/wire/server.h"

using namespace acp::wire;
using namespace acp::wire::test;

namespace {

void defer_all(Server& server) {
    server.app.answer = [&server](Exchange& e) {
        e.request().target == "/now" ? e.respond(text("now")) : server.app.defer(e);
    };
}

/// A response that tells when it is destroyed.
acp::http::Response telling(std::shared_ptr<Feed> feed) {
    return feed->response();
}

}  // namespace

TEST_CASE("a deferred request is answered from another thread; what follows waits its turn") {
    Server server;
    defer_all(server);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/later") + get("/now")));
    auto responder = server.app.take_deferred();
    CHECK(server.app.requests == 1);
    std::thread([&] { responder.send(text("later")); }).join();
    CHECK(peer.read().body == "later");
    CHECK(peer.read().body == "now");
    CHECK_FALSE(responder.gone());
}

TEST_CASE("only the first answer counts") {
    Server server;
    defer_all(server);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/later")));
    auto responder = server.app.take_deferred();
    auto copy = responder;
    copy.send(text("first"));
    responder.send(text("second"));
    CHECK(peer.read().body == "first");
    REQUIRE(peer.send(get("/now")));
    CHECK(peer.read().body == "now");
    responder.send(text("third"));
    REQUIRE(peer.send(get("/now")));
    CHECK(peer.read().body == "now");
}

TEST_CASE("a responder runs a task on the loop after a time") {
    Server server;
    defer_all(server);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/later")));
    auto responder = server.app.take_deferred();
    responder.after(5, [responder] { responder.send(text("timed")); });
    CHECK(peer.read().body == "timed");
}

TEST_CASE("data that comes while an answer is awaited is read afterwards") {
    Server server;
    defer_all(server);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/later")));
    auto responder = server.app.take_deferred();
    // Several segments, each an edge of its own that nobody acts on now.
    for (int i = 0; i < 5; ++i) REQUIRE(peer.send(get("/now")));
    responder.send(text("later"));
    CHECK(peer.read().body == "later");
    for (int i = 0; i < 5; ++i) CHECK(peer.read().body == "now");
}

TEST_CASE("a client that resets while its answer is awaited is gone") {
    Server server;
    defer_all(server);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/later")));
    auto responder = server.app.take_deferred();
    CHECK_FALSE(responder.gone());
    peer.reset();
    CHECK(eventually([&] { return responder.gone(); }));
    CHECK(server.all_closed());
    auto feed = std::make_shared<Feed>();
    responder.send(telling(feed));
    CHECK(eventually([&] { return feed->dropped(); }));
}

TEST_CASE("a client that has only ended its sending still gets a deferred answer") {
    Server server;
    defer_all(server);
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/later") + get("/now")));
    auto responder = server.app.take_deferred();
    peer.half_close();
    responder.send(text("later"));
    CHECK(peer.read().body == "later");
    CHECK(peer.read().body == "now");
    CHECK(peer.read_to_end());
    CHECK(server.all_closed());
}

TEST_CASE("an answer after the loops have ended is dropped and freed") {
    auto server = std::make_unique<Server>();
    defer_all(*server);
    server->start();
    Peer peer(server->port());
    REQUIRE(peer.send(get("/later")));
    auto responder = server->app.take_deferred();
    server->engine->stop();
    CHECK(responder.gone());
    CHECK(peer.read_to_end());
    auto feed = std::make_shared<Feed>();
    responder.send(telling(feed));
    CHECK(feed->dropped());
    auto owned = std::make_shared<int>(1);
    responder.after(1, [owned] {});
    CHECK(owned.use_count() == 1);
}

TEST_CASE("an answer that is in the queue when the loops end is still sent or freed") {
    for (int i = 0; i < 20; ++i) {
        Server server;
        defer_all(server);
        server.start();
        Peer peer(server.port());
        REQUIRE(peer.send(get("/later")));
        auto responder = server.app.take_deferred();
        auto feed = std::make_shared<Feed>();
        std::thread sender([&] { responder.send(telling(feed)); });
        server.engine->stop();
        sender.join();
        CHECK(peer.read_to_end());
        server.engine.reset();
        CHECK(feed->dropped());
    }
}

TEST_CASE("draining lets a deferred answer through and then closes") {
    Server server;
    defer_all(server);
    server.start();
    Peer idle(server.port()), busy(server.port()), partial(server.port());
    REQUIRE(idle.send(get("/now")));
    CHECK(idle.read().body == "now");
    REQUIRE(partial.send("GET /now HT"));
    REQUIRE(busy.send(get("/later")));
    auto responder = server.app.take_deferred();
    auto drained = std::async(std::launch::async, [&] { server.engine->drain(kPatienceMs); });
    CHECK(idle.read_to_end());
    CHECK(drained.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    responder.send(text("later"));
    const Reply last = busy.read();
    CHECK(last.body == "later");
    CHECK(last.fields.at("connection") == "close");
    CHECK(busy.read_to_end());
    busy.close();
    REQUIRE(partial.send("TP/1.1\r\nHost: h\r\n\r\n"));
    CHECK(partial.read().fields.at("connection") == "close");
    partial.close();
    drained.get();
    CHECK(server.sum(&Counters::open) == 0);
    CHECK_THROWS(Peer(server.port()));
}

TEST_CASE("draining does not cut an answer that a slow reader has not taken yet") {
    constexpr std::size_t kBytes = 8U << 20;
    Server server;
    server.app.answer = [](Exchange& e) { e.respond(text(std::string(kBytes, 'x'))); };
    server.start();
    Peer peer(server.port(), 16 * 1024);
    REQUIRE(peer.send(get("/")));
    REQUIRE(peer.read_until("\r\n\r\n"));
    auto drained = std::async(std::launch::async, [&] { server.engine->drain(kPatienceMs); });
    // The listener is closed in the same step that visits the connections.
    REQUIRE(eventually([&] {
        try {
            Peer late(server.port());
            return false;
        } catch (const std::runtime_error&) {
            return true;
        }
    }));
    const Reply reply = peer.read();
    CHECK(reply.complete);
    CHECK(reply.body.size() == kBytes);
    peer.close();
    drained.get();
}

TEST_CASE("a drain ends after its grace, however many loops wait") {
    Server server({}, 4);
    defer_all(server);
    server.start();
    std::vector<std::unique_ptr<Peer>> peers;
    for (int i = 0; i < 16; ++i) {
        peers.push_back(std::make_unique<Peer>(server.port()));
        REQUIRE(peers.back()->send(get("/later")));
        server.app.take_deferred();
    }
    const std::int64_t from = now_ms();
    server.engine->drain(100);
    CHECK(now_ms() - from >= 100);
    server.engine->stop();
    CHECK(server.sum(&Counters::open) == 16);  // closed, and freed with the engine
}
