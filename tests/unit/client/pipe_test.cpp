#include "client/exchange.h"

#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "base/clock.h"
#include "caller.h"
#include "tiny_server.h"

using namespace acp;
using namespace acp::test;

namespace {

const std::string k101 = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
const std::string kHijack = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";

Caller upgrading(const TinyServer& server) {
    Caller caller;
    caller.url = server.base() + "/exec";
    caller.method = "POST";
    caller.upgrade = true;
    caller.fields = {{"Upgrade", "tcp"}};
    caller.max_body_bytes = UINT64_MAX;
    return caller;
}

/// Sends `early`, then everything it read back again once the peer half-closed.
TinyServer::Script echo_after(const std::string& early) {
    return [early](int fd, const std::string&) {
        TinyServer::send(fd, early);
        TinyServer::send(fd, "[");
        TinyServer::send(fd, TinyServer::read_to_end(fd));
        TinyServer::send(fd, "]");
    };
}

}  // namespace

TEST_CASE("after an upgrade bytes go both ways until each side is done") {
    for (const std::string& head : {k101, kHijack}) {
        INFO(head);
        TinyServer server(echo_after(head + "early "));
        Caller caller = upgrading(server);
        int asked = 0;
        caller.on_pull = [&](std::string_view& out) {
            switch (asked++) {
                case 0:
                    out = "one ";
                    return 0;
                case 1:
                    return 2;  // nothing now
                case 2:
                    out = "two";
                    return 0;
                default:
                    return 1;
            }
        };
        REQUIRE(caller.run() == ACP_OK);
        CHECK(caller.reply == "early [one two]");
        CHECK(server.requests().at(0).find("Connection: Upgrade\r\n") != std::string::npos);
        CHECK(server.requests().at(0).find("Upgrade: tcp\r\n") != std::string::npos);
    }
}

TEST_CASE("more than the socket takes at once goes through the pipe whole") {
    TinyServer server(echo_after(k101));
    Caller caller = upgrading(server);
    const std::string chunk(1U << 20, 'x');
    int sent = 0;
    caller.on_pull = [&](std::string_view& out) {
        if (sent++ == 4) return 1;
        out = chunk;
        return 0;
    };
    REQUIRE(caller.run() == ACP_OK);
    CHECK(caller.reply.size() == 4 * chunk.size() + 2);
}

TEST_CASE("a refused upgrade is an ordinary answer") {
    TinyServer server(answering("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy"));
    Caller caller = upgrading(server);
    caller.on_pull = [](std::string_view&) { return 1; };
    REQUIRE(caller.run() == ACP_OK);
    CHECK(caller.status == 409);
    CHECK(caller.reply == "busy");
}

TEST_CASE("a pipe without a source of bytes reads to the end") {
    TinyServer server(answering(k101 + "output"));
    Caller caller = upgrading(server);
    REQUIRE(caller.run() == ACP_OK);
    CHECK(caller.reply == "output");
}

TEST_CASE("a peer that reads no more is still read to the end") {
    ScratchFolder folder;
    std::atomic<int> pulls{0};
    TinyServer server(folder.path() + "/s", [&](int fd, const std::string&) {
        ::shutdown(fd, SHUT_RD);  // on a Unix socket the client's writes fail from here on
        TinyServer::send(fd, k101);
        while (pulls == 0) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // time for more, which must not come
        TinyServer::send(fd, "bye");
    });
    Caller caller = upgrading(server);
    caller.on_pull = [&](std::string_view& out) {
        ++pulls;
        out = "nobody reads this";
        return 0;
    };
    REQUIRE(caller.run() == ACP_OK);
    CHECK(caller.reply == "bye");
    CHECK(pulls == 1);
}

TEST_CASE("time and cancellation bound a pipe that is silent") {
    TinyServer server([](int fd, const std::string&) {
        TinyServer::send(fd, k101);
        TinyServer::read_to_end(fd);
    });
    Caller caller = upgrading(server);
    caller.on_pull = [](std::string_view&) { return 2; };
    SECTION("deadline") {
        caller.deadline_mono_ns = monotonic_ns() + 150'000'000;
        CHECK(caller.run() == ACP_E_DEADLINE);
    }
    SECTION("silence") {
        caller.idle_timeout_ms = 150;
        CHECK(caller.run() == ACP_E_DEADLINE);
    }
    SECTION("cancelled") {
        std::atomic<int> asked{0};
        caller.idle_timeout_ms = -1;
        caller.cancelled = [&] { return ++asked > 5; };
        CHECK(caller.run() == ACP_E_CANCELLED);
    }
}
