#include <catch2/catch.hpp>
#include <cstring>

#include "unit/stream/listener.h"

using namespace acp::stream;
using acp::stream::test::Ear;

namespace {

const acp_host_stream& table() {
    return *stream_table();
}

acp_bytes bytes(std::string_view s) {
    return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

/// The plugin's reference, as Provider::logs makes it.
acp_stream* lend(const Ref& stream) {
    stream->retain();
    return stream.handle();
}

/// Gives the plugin's reference back in on_close, as a plugin may.
struct Releaser {
    acp_stream* stream;
    int* closes;
    acp_stream_events events() {
        acp_stream_events e{};
        e.struct_size = sizeof e;
        e.ctx = this;
        e.on_close = [](void* ctx, std::int32_t) {
            auto* self = static_cast<Releaser*>(ctx);
            ++*self->closes;
            table().release(self->stream);
        };
        return e;
    }
};

}  // namespace

TEST_CASE("the table is complete") {
    const acp_host_stream& t = table();
    CHECK(t.struct_size == sizeof(acp_host_stream));
    CHECK((t.set_events && t.headers && t.write && t.credit && t.window && t.wait_credit && t.consumed && t.finish &&
           t.closed && t.retain && t.release));
}

TEST_CASE("arguments that cannot be right are refused") {
    auto stream = Ref::make({16, true});
    acp_stream* raw = stream.handle();
    CHECK(table().set_events(raw, nullptr) == ACP_E_INVALID);
    acp_stream_events shorter{};
    shorter.struct_size = sizeof shorter - 1;
    CHECK(table().set_events(raw, &shorter) == ACP_E_INVALID);
    CHECK(table().headers(raw, 199, nullptr, 0, 0) == ACP_E_INVALID);
    CHECK(table().headers(raw, 600, nullptr, 0, 0) == ACP_E_INVALID);
    CHECK(table().headers(raw, 200, nullptr, 1, sizeof(acp_pair)) == ACP_E_INVALID);
    CHECK(table().write(raw, 1, {nullptr, 4}) == ACP_E_INVALID);
    CHECK(table().wait_credit(raw, 17, 1) == ACP_E_INVALID);
    CHECK(table().window(raw) == 16);
    CHECK(table().credit(raw) == 16);
}

TEST_CASE("fields are read by the stride the plugin names") {
    struct Wide {
        acp_pair pair;
        std::uint64_t more;
    };
    auto stream = Ref::make({16, true});
    const Wide fields[] = {{{ACP_STR_LITERAL("A"), ACP_STR_LITERAL("1")}, 7},
                           {{ACP_STR_LITERAL("B"), {nullptr, 0}}, 8}};
    REQUIRE(table().headers(stream.handle(), 201, &fields[0].pair, 2, sizeof(Wide)) == ACP_OK);
    const auto headers = stream->response_headers();
    REQUIRE(headers->fields.size() == 2);
    CHECK(headers->fields[0] == std::pair<std::string, std::string>{"A", "1"});
    CHECK(headers->fields[1] == std::pair<std::string, std::string>{"B", ""});
}

TEST_CASE("an error given to finish is copied and released") {
    auto stream = Ref::make({});
    static int released;
    released = 0;
    acp_error error{};
    error.struct_size = sizeof error;
    error.code = ACP_E_UNAVAILABLE;
    error.message = ACP_STR_LITERAL("the engine went away");
    error.release = [](acp_error*) { ++released; };
    table().finish(stream.handle(), &error);
    CHECK(released == 1);
    CHECK(table().closed(stream.handle()) == 1);
    REQUIRE(stream->failure());
    CHECK(stream->failure()->code == acp::Code::unavailable);
    CHECK(stream->failure()->message == "the engine went away");
}

TEST_CASE("a plugin may give its last reference back in on_close, whoever raises it") {
    int closes = 0;
    auto stream = Ref::make({});
    Releaser releaser{lend(stream), &closes};
    acp_stream* raw = releaser.stream;
    const auto events = releaser.events();
    SECTION("the listener, who then goes too") {
        table().set_events(raw, &events);
        stream->close(ACP_CLOSE_LISTENER);
    }
    SECTION("the listener went before the plugin listened") {
        stream->close(ACP_CLOSE_LISTENER);
        stream = {};
        table().set_events(raw, &events);
    }
    SECTION("the plugin itself, when nobody else holds the stream") {
        table().set_events(raw, &events);
        stream = {};
        table().finish(raw, nullptr);
    }
    SECTION("the last pull") {
        table().set_events(raw, &events);
        table().write(raw, 1, bytes("x"));
        table().finish(raw, nullptr);
        Chunk chunk;
        stream->pull(chunk);
        CHECK(closes == 0);
        CHECK(stream->pull(chunk) == Stream::Pulled::ended);
    }
    // A reference lost or given twice is what the address sanitizer sees here.
    CHECK(closes == 1);
}

TEST_CASE("references are counted across both sides") {
    auto stream = Ref::make({});
    Ref copy = stream;
    Ref moved = std::move(copy);
    CHECK_FALSE(copy);
    acp_stream* raw = lend(stream);
    table().retain(raw);
    table().release(raw);
    stream = moved;
    moved = {};
    stream = {};
    CHECK(table().write(raw, 1, bytes("still here")) == ACP_OK);
    table().release(raw);
}
