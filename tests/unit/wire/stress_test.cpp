#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "unit/wire/server.h"

using namespace acp::wire;
using namespace acp::wire::test;

namespace {

/// Takes deferred requests and answers them, some at once, some after a time
/// on the loop, some by a stream that goes on from this thread.
void answer_all(Server& server, std::atomic<bool>& over, std::atomic<int>& answered, unsigned seed) {
    std::minstd_rand random(seed);
    std::vector<std::shared_ptr<Feed>> feeds;
    while (!over) {
        Responder responder;
        try {
            responder = server.app.take_deferred();
        } catch (const std::runtime_error&) {
            return;
        }
        switch (random() % 4) {
            case 0:
                responder.send(text("at once"));
                break;
            case 1:
                responder.after(1 + random() % 3, [responder] { responder.send(text("later")); });
                break;
            case 2:
                responder.send(text(std::string(300'000, 'x')));
                break;
            default: {
                auto feed = std::make_shared<Feed>();
                feed->heartbeat_ms = 1;
                responder.send(feed->response());
                for (int i = 0; i < 20; ++i) feed->write("piece");
                feed->end(random() % 8 == 0);
                feeds.push_back(feed);
            }
        }
        responder.send(text("never"));
        (void)responder.gone();
        ++answered;
    }
}

/// Sends requests and leaves at some point, in one of the ways to leave.
void come_and_go(Server& server, int rounds, std::atomic<int>& whole, unsigned seed) {
    std::minstd_rand random(seed);
    for (int i = 0; i < rounds; ++i) {
        Peer peer(server.port(), random() % 4 == 0 ? 4096 : 0);
        const unsigned count = 1 + random() % 4;
        std::string all;
        for (unsigned r = 0; r < count; ++r) all += random() % 3 == 0 ? post("/", length(5), "hello") : get("/");
        peer.send(all);
        switch (random() % 5) {
            case 0:
                peer.reset();
                break;
            case 1:
                peer.close();
                break;
            case 2:
                peer.half_close();
                peer.read();
                break;
            default:
                for (unsigned r = 0; r < count; ++r)
                    if (peer.read().complete) ++whole;
        }
    }
}

}  // namespace

TEST_CASE("threads answer while clients come and go at random") {
    constexpr int kClients = 4, kAnswerers = 3, kRounds = 150;
    Limits limits;
    limits.write_timeout_ms = 2000;
    Server server(limits, 2);
    server.app.answer = [&server](Exchange& e) {
        if (!e.request().has_body) return server.app.defer(e);
        e.read_body(100, [&server, &e](std::string) { server.app.defer(e); });
    };
    server.start();
    std::atomic<bool> over{false};
    std::atomic<int> answered{0}, whole{0};
    std::vector<std::thread> answerers, clients;
    for (unsigned i = 0; i < kAnswerers; ++i)
        answerers.emplace_back([&, i] { answer_all(server, over, answered, 7 + i); });
    for (unsigned i = 0; i < kClients; ++i)
        clients.emplace_back([&, i] { come_and_go(server, kRounds, whole, 70 + i); });
    for (auto& t : clients) t.join();
    CHECK(whole > kRounds);
    CHECK(server.all_closed());
    // One more request for each, so that no answerer waits for ever; and the
    // loops end while answers are still on their way.
    over = true;
    std::vector<std::unique_ptr<Peer>> last;
    for (int i = 0; i < kAnswerers; ++i) {
        last.push_back(std::make_unique<Peer>(server.port()));
        REQUIRE(last.back()->send(get("/")));
    }
    for (auto& t : answerers) t.join();
    server.engine->stop();
    CHECK(answered >= whole);
}
