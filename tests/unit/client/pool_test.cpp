#include "client/pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "client/exchange.h"
#include "client/runner.h"
#include "tiny_server.h"
#include "unit/wire/server.h"

using namespace acp;
using namespace acp::test;
using client::Origin;
using client::Versions;
using Pulled = http::BodySource::Pulled;

namespace {

const std::string kOk = "HTTP/1.1 200 OK\r\n";

Origin to(std::uint16_t port, Versions versions = Versions::http1) {
    Origin origin;
    origin.host = "127.0.0.1";
    origin.port = port;
    origin.versions = versions;
    return origin;
}

client::Request request(std::string target, std::string method = "GET", std::string body = {}) {
    client::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.authority = "h";
    r.body = std::move(body);
    return r;
}

struct Answer {
    Result<void> done;
    int status = 0;
    std::string body;
};

Answer ask(const Origin& origin, client::Request r, client::Bounds bounds = {}) {
    Answer answer;
    client::Handlers handlers;
    handlers.on_head = [&](const client::ResponseHead& head) {
        answer.status = head.status;
        return true;
    };
    handlers.on_body = [&](std::string_view bytes) {
        answer.body += bytes;
        return true;
    };
    answer.done = client::exchange(origin, std::move(r), handlers, bounds);
    return answer;
}

/// A loop with pools of its own, so that a test sets their limits. What runs in
/// `on` is on the loop.
class Place {
public:
    explicit Place(const client::PoolLimits& limits)
        : loop_(0, {}), pools_(std::make_unique<client::Pools>(client::Surroundings{loop_, list_, resolver_}, limits)) {
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~Place() {
        loop_.stop();
        thread_.join();
        pools_.reset();
    }
    template <typename Task>
    void on(Task task) {
        std::promise<void> done;
        loop_.post([&] {
            task();
            done.set_value();
        });
        done.get_future().get();
    }
    client::Pools& pools() { return *pools_; }
    const wire::Counters& counters() const { return counters_; }

private:
    wire::Counters counters_;
    wire::ConnectionList list_{counters_};
    wire::Loop loop_;
    client::Resolver resolver_;
    std::unique_ptr<client::Pools> pools_;
    std::thread thread_;
};

/// A call that reads only while it is told to.
class Reader final : public client::Call::Listener {
public:
    Reader(client::Pool& pool, client::Request r, bool reads, client::Limits limits = {}) : reads_(reads) {
        call_.emplace(pool, std::move(r), limits, *this);
        call_->start();
    }
    void read_on() {
        reads_ = true;
        on_body();
    }
    void drop() { call_.reset(); }
    std::atomic<int> status{0};
    std::atomic<std::size_t> bytes{0};
    std::atomic<bool> ended{false}, failed{false};
    std::string slug;  ///< once failed
    Code code{};

private:
    void on_head(const client::ResponseHead& head) override { status = head.status; }
    void on_body() override {
        while (reads_ && call_) {
            std::string piece;
            const Pulled pulled = call_->read(piece);
            bytes += piece.size();
            if (pulled == Pulled::ended) ended = true;
            if (pulled == Pulled::failed) on_failed(call_->error());
            if (pulled != Pulled::more) return;
        }
    }
    void on_failed(const Error& error) override {
        slug = error.slug;
        code = error.code;
        failed = true;
    }
    bool reads_;
    std::optional<client::Call> call_;
};

/// Takes requests' bodies, tells how long they were.
void measure(wire::Exchange& exchange) {
    auto* e = &exchange;
    exchange.read_body(64U << 20, [e](std::string body) { e->respond(wire::test::text(std::to_string(body.size()))); });
}

}  // namespace

TEST_CASE("requests one after the other share a connection, in both versions") {
    for (const Versions versions : {Versions::http1, Versions::http2}) {
        wire::test::Server server;
        server.app.answer = measure;
        server.start();
        for (int i = 0; i < 20; ++i) {
            const Answer answer = ask(to(server.port(), versions), request("/", "POST", std::string(i * 5000, 'x')));
            REQUIRE(answer.done);
            CHECK(answer.body == std::to_string(i * 5000));
        }
        CHECK(server.sum(&wire::Counters::accepted) == 1);
    }
}

TEST_CASE("HTTP/2: requests at the same time share one connection, and each gets its own answer whole") {
    wire::test::Server server;
    server.app.answer = [](wire::Exchange& e) {
        e.respond(wire::test::text(std::string(300'000, e.request().target.back())));
    };
    server.start();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 32; ++t)
        threads.emplace_back([&, t] {
            const char c = static_cast<char>('a' + t % 26);
            for (int i = 0; i < 5; ++i) {
                const Answer answer =
                    ask(to(server.port(), Versions::http2), request(std::string("/") + c));
                good += answer.done && answer.body == std::string(300'000, c) ? 1 : 0;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(good == 160);
    CHECK(server.sum(&wire::Counters::accepted) == 1);
}

TEST_CASE("HTTP/2: more calls than the server takes streams wait their turn") {
    wire::Limits limits;
    limits.streams = 3;
    wire::test::Server server(limits);
    server.start();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 20; ++t)
        threads.emplace_back(
            [&] { good += ask(to(server.port(), Versions::http2), request("/x")).body == "/x" ? 1 : 0; });
    for (auto& thread : threads) thread.join();
    CHECK(good == 20);
    CHECK(server.sum(&wire::Counters::h2_resets) == 0);
}

TEST_CASE("one who does not read holds up nobody else, and gets the rest when it reads on") {
    for (const Versions versions : {Versions::http1, Versions::http2}) {
        wire::test::Server server;
        server.app.answer = [](wire::Exchange& e) { e.respond(wire::test::text(std::string(8U << 20, 'x'))); };
        server.start();
        Place place({});
        std::optional<Reader> slow, fast;
        place.on([&] {
            client::Pool& pool = place.pools().to(to(server.port(), versions));
            slow.emplace(pool, request("/"), false);
            fast.emplace(pool, request("/"), true);
        });
        CHECK(wire::test::eventually([&] { return fast->ended.load(); }));
        CHECK(fast->bytes == 8U << 20);
        CHECK(slow->bytes == 0);
        place.on([&] { slow->read_on(); });
        CHECK(wire::test::eventually([&] { return slow->ended.load(); }));
        CHECK(slow->bytes == 8U << 20);
        place.on([&] {
            slow.reset();
            fast.reset();
        });
    }
}

TEST_CASE("an answer that was read when its connection had gone is whole all the same") {
    wire::test::Server server;
    server.app.answer = [](wire::Exchange& e) { e.respond(wire::test::text(std::string(100'000, 'x'))); };
    server.start();
    Place place({});
    std::optional<Reader> reader;
    place.on([&] { reader.emplace(place.pools().to(to(server.port(), Versions::http2)), request("/"), false); });
    CHECK(wire::test::eventually([&] { return reader->status.load() == 200; }));
    server.engine->stop();
    CHECK(wire::test::eventually([&] { return place.counters().open.get() == 0; }));
    place.on([&] { reader->read_on(); });
    CHECK(reader->ended);
    CHECK(reader->bytes == 100'000);
    place.on([&] { reader.reset(); });
}

TEST_CASE("a call that is dropped takes nobody with it") {
    for (const Versions versions : {Versions::http1, Versions::http2}) {
        wire::test::Server server;
        server.app.answer = [&](wire::Exchange& e) {
            if (e.request().target == "/never")
                server.app.defer(e);
            else
                e.respond(wire::test::text("ok"));
        };
        server.start();
        Place place({});
        std::optional<Reader> dropped, kept;
        place.on([&] {
            client::Pool& pool = place.pools().to(to(server.port(), versions));
            dropped.emplace(pool, request("/never"), true);
            kept.emplace(pool, request("/"), true);
        });
        server.app.take_deferred();
        place.on([&] { dropped.reset(); });
        CHECK(wire::test::eventually([&] { return kept->ended.load(); }));
        std::optional<Reader> next;
        place.on([&] { next.emplace(place.pools().to(to(server.port(), versions)), request("/"), true); });
        CHECK(wire::test::eventually([&] { return next->ended.load(); }));
        place.on([&] {
            kept.reset();
            next.reset();
        });
    }
}

TEST_CASE("a request's body goes out as its source gives it, and a source that breaks off is no whole body") {
    for (const Versions versions : {Versions::http1, Versions::http2}) {
        for (const bool breaks : {false, true}) {
            wire::test::Server server;
            server.app.answer = measure;
            server.start();
            Place place({});
            auto feed = std::make_shared<wire::test::Feed>();
            std::optional<Reader> reader;
            place.on([&] {
                client::Request r = request("/", "POST");
                r.source = std::move(feed->response().source);
                reader.emplace(place.pools().to(to(server.port(), versions)), std::move(r), true);
            });
            for (int i = 0; i < 10; ++i) feed->write(std::string(50'000, 'x'));
            feed->end(breaks);
            CHECK(wire::test::eventually([&] { return reader->ended || reader->failed; }));
            CHECK(reader->failed == breaks);
            if (breaks) CHECK(reader->slug == "request_cut");
            if (!breaks) CHECK(reader->bytes == 6);  // "500000"
            place.on([&] { reader.reset(); });
        }
    }
}

TEST_CASE("a request on a connection that ends at that moment: only what may be sent twice is") {
    std::atomic<int> served{0};
    // Each connection answers one request and closes on the next without a word.
    TinyServer server([&](int fd, const std::string&) {
        ++served;
        TinyServer::send(fd, kOk + "Content-Length: 2\r\n\r\nok");
        char buffer[4096];
        (void)!::recv(fd, buffer, sizeof buffer, 0);
    });
    const auto port = static_cast<std::uint16_t>(std::stoi(server.base().substr(server.base().rfind(':') + 1)));
    REQUIRE(ask(to(port), request("/")).done);
    REQUIRE(ask(to(port), request("/")).done);
    CHECK(served == 2);
    const Answer post = ask(to(port), request("/", "POST", "once"));
    CHECK_FALSE(post.done);
    CHECK(post.done.error().slug == "upstream_closed");
    CHECK(served == 2);
}

TEST_CASE("a pool that is full says so, and serves who waits when a connection comes free") {
    wire::test::Server server;
    server.app.answer = [&](wire::Exchange& e) { server.app.defer(e); };
    server.start();
    client::PoolLimits limits;
    limits.connections = 2;
    Place place(limits);
    std::vector<std::unique_ptr<Reader>> readers;
    client::Limits patient, impatient;
    patient.connect_timeout_ms = 20'000;
    impatient.connect_timeout_ms = 100;
    place.on([&] {
        client::Pool& pool = place.pools().to(to(server.port()));
        for (int i = 0; i < 3; ++i) readers.push_back(std::make_unique<Reader>(pool, request("/"), true, patient));
        readers.push_back(std::make_unique<Reader>(pool, request("/"), true, impatient));
    });
    CHECK(wire::test::eventually([&] { return readers[3]->failed.load(); }));
    CHECK(readers[3]->code == Code::exhausted);
    CHECK(readers[3]->slug == "upstream_busy");
    for (int i = 0; i < 3; ++i) server.app.take_deferred().send(wire::test::text("ok"));
    for (int i = 0; i < 3; ++i) CHECK(wire::test::eventually([&] { return readers[i]->ended.load(); }));
    CHECK(server.sum(&wire::Counters::accepted) == 2);
    place.on([&] { readers.clear(); });
}

TEST_CASE("connections that nobody uses are closed after a while, and never more are kept than the limit") {
    wire::test::Server server;
    server.app.answer = [&](wire::Exchange& e) { server.app.defer(e); };
    server.start();
    client::PoolLimits limits;
    limits.idle = 2;
    limits.idle_ms = 50;
    Place place(limits);
    std::vector<std::unique_ptr<Reader>> readers;
    place.on([&] {
        for (int i = 0; i < 5; ++i)
            readers.push_back(std::make_unique<Reader>(place.pools().to(to(server.port())), request("/"), true));
    });
    for (int i = 0; i < 5; ++i) server.app.take_deferred().send(wire::test::text("ok"));
    for (auto& reader : readers) CHECK(wire::test::eventually([&] { return reader->ended.load(); }));
    place.on([&] { CHECK(place.counters().open.get() <= 2); });
    CHECK(wire::test::eventually([&] { return place.counters().open.get() == 0; }));
    place.on([&] { readers.clear(); });
}

TEST_CASE("an origin that does not answer fails all who wait for it, at once") {
    Place place({});
    std::vector<std::unique_ptr<Reader>> readers;
    Origin nowhere;
    nowhere.scheme = client::Scheme::unix_socket;
    nowhere.host = "/nowhere/at/all";
    place.on([&] {
        for (int i = 0; i < 10; ++i)
            readers.push_back(std::make_unique<Reader>(place.pools().to(nowhere), request("/"), true));
        for (auto& reader : readers) CHECK_FALSE(reader->failed);  // not while it asks
    });
    for (auto& reader : readers) CHECK(wire::test::eventually([&] { return reader->failed.load(); }));
    for (auto& reader : readers) CHECK(reader->slug == "upstream_unreachable");
    place.on([&] { readers.clear(); });
}

TEST_CASE("pools go down with calls of every kind under way") {
    for (const Versions versions : {Versions::http1, Versions::http2}) {
        wire::test::Server server;
        server.app.answer = [&](wire::Exchange& e) {
            if (e.request().target == "/never")
                server.app.defer(e);
            else
                e.respond(wire::test::text(std::string(1U << 20, 'x')));
        };
        server.start();
        std::vector<std::unique_ptr<Reader>> readers;
        {
            Place place({});
            place.on([&] {
                client::Pool& pool = place.pools().to(to(server.port(), versions));
                for (int i = 0; i < 6; ++i)
                    readers.push_back(
                        std::make_unique<Reader>(pool, request(i % 3 == 0 ? "/never" : "/"), i % 3 == 1));
            });
            server.app.take_deferred();
            place.on([&] { readers.clear(); });
        }
    }
}
