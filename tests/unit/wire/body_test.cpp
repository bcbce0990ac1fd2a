#include <catch2/catch.hpp>

#include "unit/wire/server.h"

using namespace acp::wire;
using namespace acp::wire::test;

namespace {

constexpr std::uint64_t kLimit = 1000;

/// Answers with the body that was read.
void echo(Exchange& exchange) {
    exchange.read_body(kLimit, [&exchange](std::string body) { exchange.respond(text(std::move(body))); });
}

}  // namespace

TEST_CASE("a body is read by both framings from any split of its bytes") {
    Server server;
    server.app.answer = echo;
    server.start();
    const auto [framing, wire] =
        GENERATE(std::pair<std::string, std::string>{length(11), "hello world"},
                 std::pair<std::string, std::string>{"Transfer-Encoding: chunked",
                                                     "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n"});
    const std::string request = post("/", framing, wire);
    Peer peer(server.port());
    for (std::size_t at = 1; at < request.size(); ++at) {
        const auto before = server.sum(&Counters::bytes_in);
        REQUIRE(peer.send(request.substr(0, at)));
        REQUIRE(eventually([&] { return server.sum(&Counters::bytes_in) == before + at; }));
        REQUIRE(peer.send(request.substr(at)));
        REQUIRE(peer.read().body == "hello world");
    }
}

TEST_CASE("bodies and further requests share one segment") {
    Server server;
    server.app.answer = echo;
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(post("/", length(3), "one") + post("/", "Transfer-Encoding: chunked", "3\r\ntwo\r\n0\r\n\r\n") +
                      post("/", length(0)) + get("/") + post("/", length(4), "four")));
    for (const std::string expected : {"one", "two", "", "", "four"}) {
        const Reply reply = peer.read();
        REQUIRE(reply.complete);
        CHECK(reply.body == expected);
    }
}

TEST_CASE("a body larger than the read buffer arrives whole") {
    Limits limits;
    limits.header_bytes = 1024;
    Server server(limits);
    server.app.answer = [](Exchange& e) {
        e.read_body(1U << 22, [&e](std::string body) { e.respond(text(std::move(body))); });
    };
    server.start();
    Peer peer(server.port());
    std::string body;
    for (int i = 0; body.size() < 1'000'000; ++i) body += std::to_string(i);
    REQUIRE(peer.send(post("/", length(body.size()), body)));
    CHECK(peer.read().body == body);
    std::string chunks;
    for (std::size_t at = 0; at < body.size(); at += 0x1000)
        chunks += "1000\r\n" + body.substr(at, 0x1000) +
                  (at + 0x1000 <= body.size() ? "\r\n" : std::string(0x1000 - (body.size() - at), '.') + "\r\n");
    REQUIRE(peer.send(post("/", "Transfer-Encoding: chunked", chunks + "0\r\n\r\n")));
    CHECK(peer.read().body.starts_with(body));
}

TEST_CASE("a head at the very end of the read buffer still leaves room for its body") {
    Limits limits;
    limits.header_bytes = 1024;  // a buffer of 5120 bytes
    Server server(limits);
    server.app.answer = [](Exchange& e) { e.request().has_body ? echo(e) : e.respond(text("-")); };
    server.start();
    const std::string head = post("/last", length(900));
    const int left = GENERATE(0, 1, 2, 100);  // bytes between the head's end and the buffer's
    std::string filling;
    while (5120 - filling.size() - head.size() - static_cast<std::size_t>(left) > 1000) filling += get("/fill");
    filling += get("/fill", "A: " +
                                std::string(5120 - filling.size() - head.size() - static_cast<std::size_t>(left) -
                                                get("/fill", "A: \r\n").size(),
                                            'x') +
                                "\r\n");
    REQUIRE(filling.size() + head.size() + static_cast<std::size_t>(left) == 5120);
    Peer peer(server.port());
    REQUIRE(peer.send(filling + head + std::string(900, 'b')));
    Reply reply;
    for (int i = 0; i < 200 && reply.body.size() != 900; ++i) {
        reply = peer.read();
        REQUIRE(reply.complete);
    }
    CHECK(reply.body == std::string(900, 'b'));
}

TEST_CASE("a body over the limit is refused by both framings, and the rest of it dropped") {
    Server server;
    server.app.answer = echo;
    server.start();
    const std::string request = GENERATE(
        post("/", length(kLimit + 1), std::string(kLimit + 1, 'x')),
        post("/", "Transfer-Encoding: chunked", "3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n"));
    Peer peer(server.port());
    REQUIRE(peer.send(request + get("/never")));
    const Reply reply = peer.read();
    CHECK(reply.status == 413);
    CHECK(reply.complete);
    CHECK(reply.fields.at("connection") == "close");
    CHECK(peer.read_to_end());
    CHECK(peer.unread().empty());
    CHECK(server.app.requests == 1);
}

TEST_CASE("a body of exactly the limit is taken") {
    Server server;
    server.app.answer = echo;
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(post("/", length(kLimit), std::string(kLimit, 'x'))));
    CHECK(peer.read().body.size() == kLimit);
    REQUIRE(peer.send(post("/", "Transfer-Encoding: chunked", "3e8\r\n" + std::string(1000, 'x') + "\r\n0\r\n\r\n")));
    CHECK(peer.read().body.size() == kLimit);
}

TEST_CASE("a client that waits is told to continue when the body is asked for, not before") {
    Server server;
    server.app.answer = [](Exchange& e) { e.request().target == "/no" ? e.respond(text("no", 403)) : echo(e); };
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(post("/", "Expect: 100-continue\r\n" + length(2))));
    REQUIRE(peer.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    REQUIRE(peer.send("ok"));
    CHECK(peer.read().body == "ok");
    REQUIRE(peer.send(post("/no", "Expect: 100-continue\r\n" + length(2))));
    REQUIRE(peer.read_until("no"));
    CHECK(peer.unread().find("100 Continue") == std::string::npos);
    CHECK(peer.read().fields.at("connection") == "close");
}

TEST_CASE("an answer without reading the body closes the connection") {
    Server server;
    server.start();
    Peer peer(server.port());
    // The body looks like a request: it must never be taken for one.
    REQUIRE(peer.send(post("/a", length(get("/evil").size()), get("/evil"))));
    CHECK(peer.read().fields.at("connection") == "close");
    CHECK(peer.read_to_end());
    CHECK(peer.unread().empty());
    CHECK(server.app.requests == 1);
}

TEST_CASE("a body that ends too early is never handed up") {
    Server server;
    std::atomic<int> bodies{0};
    server.app.answer = [&](Exchange& e) {
        e.read_body(kLimit, [&](std::string) {
            ++bodies;
            e.respond(text("?"));
        });
    };
    server.start();
    for (const auto& request :
         {post("/", length(5), "hell"), post("/", "Transfer-Encoding: chunked", "5\r\nhello\r\n")}) {
        Peer peer(server.port());
        REQUIRE(peer.send(request));
        peer.half_close();
        CHECK(peer.read_to_end());
        CHECK(peer.unread().empty());
    }
    CHECK(server.all_closed());
    CHECK(bodies == 0);
}

TEST_CASE("a malformed chunk is refused") {
    Server server;
    server.app.answer = echo;
    server.start();
    Peer peer(server.port());
    REQUIRE(peer.send(post("/", "Transfer-Encoding: chunked", "5\r\nhelloX\r\n0\r\n\r\n")));
    CHECK(peer.read().status == 400);
    CHECK(peer.read_to_end());
}
