#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>

#include "unit/stream/listener.h"

using namespace acp::stream;
using acp::stream::test::Ear;
using Pulled = Stream::Pulled;

namespace {

std::string pull_all(Stream& stream) {
    std::string all;
    for (Chunk chunk; stream.pull(chunk) == Pulled::chunk;) all += chunk.bytes;
    return all;
}

acp::Error broken() {
    acp::Error e;
    e.code = acp::Code::unavailable;
    e.message = "broken";
    return e;
}

}  // namespace

TEST_CASE("bytes come out in order, neighbours of one channel together") {
    auto stream = Ref::make({});
    REQUIRE(stream->write(1, "a") == ACP_OK);
    REQUIRE(stream->write(1, "b") == ACP_OK);
    REQUIRE(stream->write(2, "c") == ACP_OK);
    REQUIRE(stream->write(1, "d") == ACP_OK);
    Chunk chunk;
    std::string seen;
    while (stream->pull(chunk) == Pulled::chunk) seen += std::to_string(chunk.channel) + chunk.bytes + " ";
    CHECK(seen == "1ab 2c 1d ");
    CHECK(stream->pull(chunk) == Pulled::empty);
}

TEST_CASE("credit is the window less what is queued") {
    auto stream = Ref::make({10, false});
    CHECK(stream->credit() == 10);
    CHECK(stream->write(1, "1234567890X") == ACP_E_INVALID);
    CHECK(stream->write(1, "123456") == ACP_OK);
    CHECK(stream->credit() == 4);
    CHECK(stream->write(1, "12345") == ACP_E_WOULD_BLOCK);
    CHECK(stream->credit() == 4);
    CHECK(stream->write(1, "1234") == ACP_OK);
    CHECK(pull_all(*stream) == "1234561234");
    CHECK(stream->credit() == 10);
}

TEST_CASE("a writer that was refused hears of credit, one that was not does not") {
    auto stream = Ref::make({10, false});
    Ear ear;
    REQUIRE(stream->set_events(ear.events()) == ACP_OK);
    stream->write(1, "123");
    pull_all(*stream);
    CHECK(ear.heard().empty());
    stream->write(1, "1234567");
    stream->write(2, "890");
    REQUIRE(stream->write(1, "x") == ACP_E_WOULD_BLOCK);
    Chunk chunk;
    stream->pull(chunk);
    CHECK(ear.heard() == std::vector<std::string>{"credit 7"});
    pull_all(*stream);
    CHECK(ear.heard().size() == 1);
}

TEST_CASE("waiting for credit ends by credit, by time and by the stream's end") {
    auto stream = Ref::make({10, false});
    stream->write(1, "1234567890");
    CHECK(stream->wait_credit(1, 1) == ACP_E_DEADLINE);
    CHECK(stream->wait_credit(1, -5) == ACP_E_DEADLINE);
    acp_status status = ACP_OK;
    // The longest wait there is must not turn into none.
    std::thread waiting([&] { status = stream->wait_credit(10, INT64_MAX); });
    SECTION("credit") {
        pull_all(*stream);
        waiting.join();
        CHECK(status == ACP_OK);
    }
    SECTION("close") {
        stream->close(ACP_CLOSE_LISTENER);
        waiting.join();
        CHECK(status == ACP_E_CLOSED);
    }
    SECTION("finish") {
        stream->finish({});
        waiting.join();
        CHECK(status == ACP_E_CLOSED);
    }
}

TEST_CASE("what was written before finish is still delivered, then on_close tells so once") {
    auto stream = Ref::make({});
    Ear ear;
    stream->set_events(ear.events());
    stream->write(1, "last words");
    stream->finish(broken());
    stream->finish({});
    CHECK(stream->closed());
    CHECK(stream->write(1, "x") == ACP_E_CLOSED);
    CHECK(stream->credit() == 0);
    CHECK(ear.closes() == 0);
    Chunk chunk;
    REQUIRE(stream->pull(chunk) == Pulled::chunk);
    CHECK(chunk.bytes == "last words");
    CHECK(stream->pull(chunk) == Pulled::ended);
    CHECK(stream->pull(chunk) == Pulled::ended);
    REQUIRE(stream->failure());
    CHECK(stream->failure()->message == "broken");
    CHECK(ear.heard() == std::vector<std::string>{"close 0"});
    stream->close(ACP_CLOSE_LISTENER);
    CHECK(ear.closes() == 1);
}

TEST_CASE("a listener that goes drops the rest and tells why") {
    auto stream = Ref::make({});
    Ear ear;
    stream->set_events(ear.events());
    stream->write(1, "unheard");
    stream->close(ACP_CLOSE_HALTED);
    stream->close(ACP_CLOSE_SHUTDOWN);
    CHECK(ear.heard() == std::vector<std::string>{"close 2"});
    CHECK(stream->write(1, "x") == ACP_E_CLOSED);
    CHECK_FALSE(stream->push(0, "x"));
    Chunk chunk;
    CHECK(stream->pull(chunk) == Pulled::ended);
    stream->finish(broken());
    CHECK(ear.closes() == 1);
}

TEST_CASE("what happened before set_events is told by it, in order") {
    auto stream = Ref::make({});
    stream->push(0, "early");
    stream->push(4, "{}");
    stream->close(ACP_CLOSE_LISTENER);
    Ear ear;
    REQUIRE(stream->set_events(ear.events()) == ACP_OK);
    CHECK(ear.heard() == std::vector<std::string>{"data 0 early", "data 4 {}", "close 1"});
    CHECK(stream->set_events(ear.events()) == ACP_E_CONFLICT);
}

TEST_CASE("events raised within a callback come after it, not inside") {
    auto stream = Ref::make({});
    Ear ear;
    bool once = false;
    ear.during = [&] {
        if (std::exchange(once, true)) return;
        stream->push(0, "inner");
        stream->close(ACP_CLOSE_LISTENER);
    };
    stream->set_events(ear.events());
    stream->push(0, "outer");
    CHECK(ear.heard() == std::vector<std::string>{"data 0 outer", "data 0 inner", "close 1"});
    CHECK_FALSE(ear.overlapped());
}

TEST_CASE("a callback that throws keeps nothing back") {
    auto stream = Ref::make({});
    Ear ear;
    bool once = false;
    ear.during = [&] {
        if (!std::exchange(once, true)) throw std::runtime_error("a defect");
    };
    stream->set_events(ear.events());
    CHECK_NOTHROW(stream->push(0, "a"));
    stream->push(0, "b");
    stream->close(ACP_CLOSE_LISTENER);
    CHECK(ear.heard().size() == 3);
    CHECK(ear.closes() == 1);
}

TEST_CASE("the wake function runs for news, and for what was there before it") {
    auto stream = Ref::make({});
    int wakes = 0;
    stream->attach([&] { ++wakes; });
    CHECK(wakes == 0);
    stream->write(1, "a");
    CHECK(wakes == 1);
    int others = 0;
    stream->attach([&] { ++others; });
    CHECK(others == 1);
    stream->finish({});
    CHECK(wakes == 1);
    CHECK(others == 2);
}

TEST_CASE("input has a window of its own, given back by consumed") {
    auto stream = Ref::make({10, false});
    int wakes = 0;
    stream->attach([&] { ++wakes; });
    CHECK(stream->input_credit() == 10);
    stream->push(0, "1234567");
    CHECK(stream->input_credit() == 3);
    stream->consumed(5);
    CHECK(stream->input_credit() == 8);
    CHECK(wakes == 1);
    stream->consumed(100);
    CHECK(stream->input_credit() == 10);
}

TEST_CASE("headers belong to streams that answer a request, before the first write, once") {
    auto plain = Ref::make({});
    CHECK(plain->headers({200, {}}) == ACP_E_UNSUPPORTED);
    auto stream = Ref::make({1024, true});
    CHECK_FALSE(stream->response_headers());
    CHECK(stream->headers({201, {{"A", "b"}}}) == ACP_OK);
    CHECK_FALSE(stream->started());
    CHECK(stream->headers({202, {}}) == ACP_E_CONFLICT);
    CHECK(stream->response_headers()->status == 201);
    auto late = Ref::make({1024, true});
    late->write(1, "x");
    CHECK(late->started());
    CHECK(late->headers({200, {}}) == ACP_E_CONFLICT);
}

TEST_CASE("a wake function that owns the stream is let go when the stream is over") {
    auto owned = std::make_shared<int>(0);
    {
        auto stream = Ref::make({});
        const auto holder = [owned, stream] {};
        SECTION("closed afterwards") {
            stream->attach(holder);
            stream->close(ACP_CLOSE_LISTENER);
        }
        SECTION("closed before") {
            stream->close(ACP_CLOSE_LISTENER);
            stream->attach(holder);
        }
        SECTION("finished afterwards") {
            stream->attach(holder);
            stream->finish(broken());
        }
        SECTION("finished before") {
            stream->finish(broken());
            stream->attach(holder);
        }
        SECTION("finished, drained and closed") {
            stream->attach(holder);
            stream->write(1, "x");
            stream->finish({});
            pull_all(*stream);
            stream->close(ACP_CLOSE_LISTENER);
        }
    }
    CHECK(owned.use_count() == 1);
}

TEST_CASE("callbacks of one stream never overlap, whoever raises them") {
    for (int round = 0; round < 20; ++round) {
        auto stream = Ref::make({64, false});
        Ear ear;
        stream->set_events(ear.events());
        std::thread writer([&] {
            for (int i = 0; i < 200; ++i)
                if (stream->write(1, "0123456789") != ACP_OK) stream->wait_credit(10, 20);
            stream->finish({});
        });
        std::thread pusher([&] {
            for (int i = 0; i < 200; ++i) stream->push(0, "x");
        });
        std::thread reader([&] {
            Chunk chunk;
            for (int i = 0; i < 100; ++i) stream->pull(chunk);
            stream->close(ACP_CLOSE_LISTENER);
        });
        for (auto* t : {&writer, &pusher, &reader}) t->join();
        CHECK_FALSE(ear.overlapped());
        CHECK(ear.closes() == 1);
        CHECK(ear.heard().back().starts_with("close"));
    }
}
