#include <catch2/catch.hpp>
#include <set>

#include "unit/wire/server.h"

using namespace acp::wire;
using namespace acp::wire::test;
namespace http = acp::http;

TEST_CASE("a connection serves one request after another") {
    Server server;
    server.start();
    Peer peer(server.port());
    std::set<std::string> ids;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(peer.send(get("/" + std::to_string(i))));
        const Reply reply = peer.read();
        CHECK(reply.status == 200);
        CHECK(reply.body == "/" + std::to_string(i));
        CHECK(reply.fields.at("content-type") == "text/plain");
        CHECK_FALSE(reply.fields.contains("connection"));
        ids.insert(reply.fields.at("x-request-id"));
    }
    CHECK(ids.size() == 5);
    CHECK(server.sum(&Counters::accepted) == 1);
    CHECK(server.sum(&Counters::requests) == 5);
}

TEST_CASE("a client's request id is kept when it is harmless") {
    Server server;
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/", "X-Request-Id: abc-123.X_\r\n")));
    CHECK(peer.read().fields.at("x-request-id") == "abc-123.X_");
    for (const std::string bad : {"has space", "<script>", ""}) {
        REQUIRE(peer.send(get("/", "X-Request-Id: " + bad + "\r\n")));
        CHECK(peer.read().fields.at("x-request-id").size() == 29);
    }
}

TEST_CASE("HEAD gets the length of the body, not the body") {
    Server server;
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send("HEAD /abc HTTP/1.1\r\nHost: h\r\n\r\n" + get("/next")));
    const Reply head = peer.read(true);
    CHECK(head.fields.at("content-length") == "4");
    CHECK(peer.read().body == "/next");
}

TEST_CASE("statuses without content have neither body nor length") {
    Server server;
    server.app.answer = [](Exchange& e) {
        e.respond(text("ignored", std::stoi(std::string(e.request().target.substr(1)))));
    };
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/204") + get("/304") + get("/200")));
    CHECK_FALSE(peer.read().fields.contains("content-length"));
    CHECK_FALSE(peer.read().fields.contains("content-length"));
    CHECK(peer.read().body == "ignored");
}

TEST_CASE("a field that would start another one is left out") {
    Server server;
    server.app.answer = [](Exchange& e) {
        auto response = text("x");
        response.field("X-Good", "1").field("X-Bad", "a\r\nSet-Cookie: b").field("Bad Name", "c");
        e.respond(std::move(response));
    };
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(get("/")));
    const Reply reply = peer.read();
    CHECK(reply.fields.contains("x-good"));
    CHECK_FALSE(reply.fields.contains("x-bad"));
    CHECK_FALSE(reply.fields.contains("set-cookie"));
    CHECK_FALSE(reply.fields.contains("bad name"));
}

TEST_CASE("many requests in one go are answered, all and in order") {
    Server server;
    server.start();
    Peer peer(server.port());
    const int count = GENERATE(64, 65, 128, 300);
    std::string all;
    for (int i = 0; i < count; ++i) all += get("/" + std::to_string(i));
    REQUIRE(peer.send(all));
    for (int i = 0; i < count; ++i) {
        const Reply reply = peer.read();
        REQUIRE(reply.complete);
        REQUIRE(reply.body == "/" + std::to_string(i));
    }
}

TEST_CASE("requests that end where the read buffer ends do not stop the connection") {
    Limits limits;
    limits.header_bytes = 1024;  // a buffer of 5120 bytes
    Server server(limits);
    server.start();
    Peer peer(server.port());
    // Of 40 and of 64 bytes: both divide the buffer.
    const std::size_t padding = GENERATE(8, 32);
    const std::string one = get("/", "A: " + std::string(padding, 'x') + "\r\n");
    REQUIRE(5120 % one.size() == 0);
    const std::size_t count = 3 * 5120 / one.size();
    std::string all;
    for (std::size_t i = 0; i < count; ++i) all += one;
    REQUIRE(peer.send(all));
    for (std::size_t i = 0; i < count; ++i) REQUIRE(peer.read().complete);
}

TEST_CASE("a head is read from any split of its bytes") {
    Server server;
    server.start();
    Peer peer(server.port());
    const std::string all = get("/split", "A: b\r\n") + get("/next");
    for (std::size_t at = 1; at < all.size(); ++at) {
        const auto before = server.sum(&Counters::bytes_in);
        REQUIRE(peer.send(all.substr(0, at)));
        REQUIRE(eventually([&] { return server.sum(&Counters::bytes_in) == before + at; }));
        REQUIRE(peer.send(all.substr(at)));
        REQUIRE(peer.read().body == "/split");
        REQUIRE(peer.read().body == "/next");
    }
}

TEST_CASE("the connection ends when the client or the server wants it to") {
    Limits limits;
    limits.requests_per_connection = 3;
    Server server(limits);
    server.app.answer = [](Exchange& e) {
        auto response = text("x");
        response.close = e.request().target == "/close";
        e.respond(std::move(response));
    };
    server.start();
    struct Case {
        std::string requests;
        int served;
    };
    for (const auto& c :
         {Case{get("/", "Connection: close\r\n") + get("/"), 1}, Case{get("/close") + get("/"), 1},
          Case{"GET / HTTP/1.0\r\n\r\n" + get("/"), 1}, Case{get("/") + get("/") + get("/") + get("/"), 3}}) {
        Peer peer(server.port());
        REQUIRE(peer.send(c.requests));
        for (int i = 0; i < c.served; ++i) {
            const Reply reply = peer.read();
            REQUIRE(reply.complete);
            CHECK(reply.fields.contains("connection") == (i == c.served - 1));
        }
        CHECK(peer.read_to_end());
        CHECK(peer.unread().empty());
    }
    CHECK(server.all_closed());
}

TEST_CASE("HTTP/1.0 keeps the connection only when asked") {
    Server server;
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK(peer.read().fields.at("connection") == "keep-alive");
    REQUIRE(peer.send("GET /b HTTP/1.0\r\n\r\n"));
    CHECK(peer.read().fields.at("connection") == "close");
    CHECK(peer.read_to_end());
}

TEST_CASE("what is no request is refused and the connection closed") {
    Server server;
    server.start();
    struct Case {
        std::string bytes;
        int status;
    };
    for (const auto& c : {Case{"GET / HTTP/1.1\r\n\r\n", 400}, Case{"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
                          Case{get("/", "A: " + std::string(20'000, 'x') + "\r\n"), 431},
                          Case{get("/" + std::string(9000, 'x')), 414}, Case{get("/") + "nonsense\r\n\r\n", 400}}) {
        Peer peer(server.port());
        REQUIRE(peer.send(c.bytes));
        Reply reply = peer.read();
        if (reply.status == 200) reply = peer.read();
        CHECK(reply.status == c.status);
        CHECK(reply.complete);
        CHECK(reply.fields.at("connection") == "close");
        CHECK(peer.read_to_end());
    }
    CHECK(server.all_closed());
}

TEST_CASE("a client that has sent its end still gets every answer") {
    Server server;
    server.start();
    Peer peer(server.port());
    std::string all;
    for (int i = 0; i < 100; ++i) all += get("/x");
    REQUIRE(peer.send(all));
    peer.half_close();
    for (int i = 0; i < 100; ++i) REQUIRE(peer.read().complete);
    CHECK(peer.read_to_end());
    CHECK(server.all_closed());
}

TEST_CASE("a client that asks without reading gets no answers beyond a bound, and the rest when it reads") {
    constexpr std::size_t kBody = 64 * 1024;
    constexpr int kRequests = 2000;  // 128 MiB of answers
    Server server;
    server.app.answer = [](Exchange& e) { e.respond(text(std::string(kBody, 'x'))); };
    server.start();
    Peer peer(server.port(), 16 * 1024);
    std::string all;
    for (int i = 0; i < kRequests; ++i) all += get("/");
    std::size_t sent = 0;
    for (int i = 0; i < kRequests; ++i) {
        sent += peer.send_some(std::string_view(all).substr(sent));
        REQUIRE(peer.read().body.size() == kBody);
        // Room for what two sockets hold, and for what is produced ahead of them.
        REQUIRE(server.app.requests - i < 250);
    }
    CHECK(sent == all.size());
    CHECK(server.app.requests == kRequests);
}
