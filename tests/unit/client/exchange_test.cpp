#include "client/exchange.h"

#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "caller.h"
#include "tiny_server.h"

using namespace acp;
using namespace acp::test;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\n";

}  // namespace

TEST_CASE("a request is written as RFC 9112 has it, and the answer comes whole") {
    TinyServer server(answering(kOk + "Content-Length: 5\r\nX-A: b\r\n\r\nhello"));
    Caller caller;
    caller.url = server.base() + "/x?y=z";
    caller.method = "POST";
    caller.body = "body";
    caller.fields = {{"Accept", "text/plain"}};
    REQUIRE(caller.run() == ACP_OK);
    CHECK(caller.status == 200);
    CHECK(caller.reply == "hello");
    CHECK(caller.reply_fields["X-A"] == "b");
    CHECK(server.requests().at(0) ==
          "POST /x?y=z HTTP/1.1\r\nHost: " + server.base().substr(7) +
              "\r\nAccept: text/plain\r\nContent-Length: 4\r\n\r\nbody");
}

TEST_CASE("every framing, in one piece") {
    struct Row {
        const char* answer;
        const char* method;
        int status;
        const char* body;
    };
    const std::vector<Row> rows = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "GET", 200, "abc"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", "GET", 200, "abc"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: u\r\n\r\n", "GET", 200,
         "abcde"},
        {"HTTP/1.1 200 OK\r\n\r\nto the end", "GET", 200, "to the end"},
        {"HTTP/1.0 200 OK\r\n\r\n", "GET", 200, ""},
        {"HTTP/1.1 204 No Content\r\n\r\n", "DELETE", 204, ""},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", 304, ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", 200, ""},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", "GET", 503, "busy"},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
         "1\r\n\r\na",
         "GET", 200, "a"},
    };
    for (const Row& row : rows) {
        INFO(row.answer);
        TinyServer server(answering(row.answer));
        Caller caller;
        caller.url = server.base() + "/";
        caller.method = row.method;
        REQUIRE(caller.run() == ACP_OK);
        CHECK(caller.status == row.status);
        CHECK(caller.reply == row.body);
    }
}

TEST_CASE("an answer that arrives byte by byte is the same") {
    TinyServer server([](int fd, const std::string&) {
        for (const char c : std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
            TinyServer::send(fd, {&c, 1});
    });
    Caller caller;
    caller.url = server.base() + "/";
    REQUIRE(caller.run() == ACP_OK);
    CHECK(caller.reply == "abc");
}

TEST_CASE("a truncated or malformed answer is an error") {
    const std::vector<std::string> answers = {
        "HTTP/1.1 200 OK\r\nContent-Len",
        kOk + "Content-Length: 5\r\n\r\nhell",
        kOk + "Content-Length: 5\r\n\r\n",
        kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
        kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        kOk + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        kOk + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    };
    for (const std::string& answer : answers) {
        INFO(answer);
        TinyServer server(answering(answer));
        Caller caller;
        caller.url = server.base() + "/";
        CHECK(caller.run() == ACP_E_PROVIDER);
        CHECK(caller.message.find("127.0.0.1:") != std::string::npos);
    }
    std::string interim;
    for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
    TinyServer server(answering(interim));
    Caller caller;
    caller.url = server.base() + "/";
    CHECK(caller.run() == ACP_E_PROVIDER);
}

TEST_CASE("a connection that is reset is told apart by when it broke") {
    SECTION("before the head") {
        TinyServer server([](int fd, const std::string&) { TinyServer::reset_on_close(fd); });
        Caller caller;
        caller.url = server.base() + "/";
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
    SECTION("closed without an answer") {
        TinyServer server(answering(""));
        Caller caller;
        caller.url = server.base() + "/";
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
    }
    SECTION("inside a body that lasts to the close") {
        // The reset waits until the head was taken in: a RST may overtake data.
        std::atomic<bool> got{false};
        TinyServer server([&](int fd, const std::string&) {
            TinyServer::send(fd, kOk + "\r\nabc");
            while (!got) std::this_thread::yield();
            TinyServer::reset_on_close(fd);
        });
        Caller caller;
        caller.url = server.base() + "/";
        caller.on_body = [&](std::string_view) {
            got = true;
            return 0;
        };
        CHECK(caller.run() == ACP_E_PROVIDER);
    }
}

TEST_CASE("what could become another field or request is refused before anything is sent") {
    TinyServer server(answering(kOk + "Content-Length: 0\r\n\r\n"));
    const auto attempt = [&](auto change) {
        Caller caller;
        caller.url = server.base() + "/";
        change(caller);
        return caller.run();
    };
    CHECK(attempt([](Caller& c) { c.fields = {{"X", "a\r\nY: b"}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.fields = {{"X", "a\n"}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.fields = {{"X", std::string("a\0b", 3)}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.fields = {{"X: y\r\nZ", "a"}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.fields = {{"X ", "a"}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.fields = {{"", "a"}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.method = "GET / HTTP/1.1\r\nX:"; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.method = ""; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.url += "a b"; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.url += "\r\nX: y"; }) == ACP_E_INVALID);
    for (const char* name : {"Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "TE", "Expect"})
        CHECK(attempt([&](Caller& c) { c.fields = {{name, "1"}}; }) == ACP_E_INVALID);
    CHECK(attempt([](Caller& c) { c.upgrade = true; }) == ACP_E_INVALID);
    CHECK(server.requests().empty());
}

TEST_CASE("the bound on a body holds for every framing") {
    const std::string body(100, 'x');
    const std::vector<std::string> answers = {
        kOk + "Content-Length: 100\r\n\r\n" + body,
        kOk + "Transfer-Encoding: chunked\r\n\r\n64\r\n" + body + "\r\n0\r\n\r\n",
        kOk + "\r\n" + body,
    };
    for (const std::string& answer : answers) {
        INFO(answer);
        TinyServer server(answering(answer));
        Caller caller;
        caller.url = server.base() + "/";
        caller.max_body_bytes = 99;
        CHECK(caller.run() == ACP_E_EXHAUSTED);
        caller.reply.clear();
        caller.max_body_bytes = 100;
        CHECK(caller.run() == ACP_OK);
        CHECK(caller.reply == body);
        caller.reply.clear();
        caller.max_body_bytes = UINT64_MAX;
        CHECK(caller.run() == ACP_OK);
    }
}

TEST_CASE("a large body goes out whole, and an early answer to it is heard") {
    Caller caller;
    caller.method = "PUT";
    caller.body.assign(8U << 20, 'b');
    SECTION("read") {
        TinyServer server(answering(kOk + "Content-Length: 2\r\n\r\nok"));
        caller.url = server.base() + "/";
        REQUIRE(caller.run() == ACP_OK);
        const std::string request = server.requests().at(0);
        CHECK(request.size() - request.find("\r\n\r\n") - 4 == caller.body.size());
    }
    SECTION("answered before it was read") {
        ScratchFolder folder;
        TinyServer server(folder.path() + "/s", [](int fd, const std::string&) {
            ::shutdown(fd, SHUT_RD);  // on a Unix socket the client's writes fail from here on
            TinyServer::send(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
        });
        caller.url = server.base() + "/early";
        REQUIRE(caller.run() == ACP_OK);
        CHECK(caller.status == 413);
        CHECK(caller.reply == "big");
    }
}

TEST_CASE("time and cancellation bound an exchange that hangs") {
    std::atomic<bool> over{false};
    TinyServer server([&](int fd, const std::string&) {
        TinyServer::send(fd, kOk + "Content-Length: 5\r\n\r\nhe");
        TinyServer::read_to_end(fd);  // returns when the client gives up
        over = true;
    });
    Caller caller;
    caller.url = server.base() + "/";
    const auto begun = std::chrono::steady_clock::now();
    SECTION("deadline") {
        caller.deadline_mono_ns = monotonic_ns() + 150'000'000;
        CHECK(caller.run() == ACP_E_DEADLINE);
    }
    SECTION("silence") {
        caller.idle_timeout_ms = 150;
        CHECK(caller.run() == ACP_E_DEADLINE);
        CHECK(caller.message.find("silent") != std::string::npos);
    }
    SECTION("cancelled from elsewhere") {
        std::atomic<int> asked{0};
        caller.cancelled = [&] { return ++asked > 2; };
        CHECK(caller.run() == ACP_E_CANCELLED);
    }
    SECTION("stopped by a callback") {
        caller.on_body = [](std::string_view) { return 1; };
        CHECK(caller.run() == ACP_E_CANCELLED);
    }
    SECTION("a deadline that is over already") {
        caller.deadline_mono_ns = 1;
        CHECK(caller.run() == ACP_E_DEADLINE);
    }
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE("Unix sockets, live and dead") {
    ScratchFolder folder;
    const std::string path = folder.path() + "/engine.sock";
    Caller caller;
    SECTION("live") {
        TinyServer server(path, answering(kOk + "Content-Length: 2\r\n\r\nup"));
        caller.url = server.base() + "/_ping";
        REQUIRE(caller.run() == ACP_OK);
        CHECK(caller.reply == "up");
        CHECK(server.requests().at(0).starts_with("GET /_ping HTTP/1.1\r\nHost: localhost\r\n"));
    }
    SECTION("missing") {
        caller.url = "unix://" + path + ":/_ping";
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
        CHECK(caller.message.find(path) != std::string::npos);
        CHECK(caller.retryable);
    }
    SECTION("left behind by a process that died") {
        { TinyServer server(path, answering("")); }
        caller.url = "unix://" + path + ":/_ping";
        CHECK(caller.run() == ACP_E_UNAVAILABLE);
        CHECK(caller.message.find("refused") != std::string::npos);
    }
}

TEST_CASE("a call that is too short is refused") {
    acp_http_call request{};
    request.struct_size = 8;
    acp_http_reply reply{};
    reply.struct_size = sizeof reply;
    CHECK(client::http_client_table()->perform(nullptr, &request, &reply, nullptr) == ACP_E_INVALID);
    CHECK(client::http_client_table()->perform(nullptr, nullptr, nullptr, nullptr) == ACP_E_INVALID);
}

TEST_CASE("an exception of a callback does not cross the table") {
    TinyServer server(answering(kOk + "Content-Length: 5\r\n\r\nhello"));
    Caller caller;
    caller.url = server.base() + "/";
    caller.on_body = [](std::string_view) -> int { throw std::runtime_error("callback"); };
    CHECK(caller.run() == ACP_E_INTERNAL);
    CHECK(caller.message == "callback");
}
