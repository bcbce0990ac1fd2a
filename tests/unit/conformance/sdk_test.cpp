// What the SDK does with structs of other sizes, hosts that throw, and ends of streams.
#include <catch2/catch.hpp>
#include <stdexcept>

#include "alphaswarm-cp/conformance/fake_stream.hpp"
#include "alphaswarm-cp/sdk/host.hpp"
#include "alphaswarm-cp/sdk/provider.hpp"
#include "bench.h"

using namespace acp::conformance;
namespace sdk = acp::sdk;

TEST_CASE("a struct of the caller is read as far as it goes") {
    acp_log_query query{};
    query.struct_size = sizeof query;
    query.tail_lines = 7;
    query.replica = ACP_STR_LITERAL("0");
    using Query = Resized<acp_log_query>;
    const Query short_one(query, Query::short_by_a_pointer), long_one(query, Query::longer_by_4_kib);
    const auto shorter = sdk::whole(static_cast<const acp_log_query*>(short_one.get()));
    CHECK(shorter.tail_lines == 7);
    CHECK(shorter.replica.len == 0);
    const auto longer = sdk::whole(static_cast<const acp_log_query*>(long_one.get()));
    CHECK(longer.replica.len == 1);
    CHECK(sdk::whole(static_cast<const acp_log_query*>(nullptr)).tail_lines == 0);
}

TEST_CASE("a sink that takes nothing fails the call") {
    acp_text_sink sink{};
    sink.struct_size = sizeof sink;
    CHECK_THROWS_AS(sdk::emit_into(&sink, sdk::str("text")), sdk::Failure);
}

TEST_CASE("a host that throws ends where the SDK calls it") {
    acp_call raw{};
    raw.struct_size = sizeof raw;
    raw.cancelled = [](const acp_call*) -> int32_t { throw std::runtime_error("host"); };
    raw.log = [](const acp_call*, int32_t, acp_str) { throw std::runtime_error("host"); };
    const sdk::Call call(&raw);
    CHECK_FALSE(call.cancelled());
    call.log(ACP_LOG_INFO, "nothing happens");
    FakeStream stream;
    stream.on_write([] { throw std::runtime_error("host"); });
    sdk::Stream mine(fake_stream_table(), stream.lend());
    CHECK_FALSE(mine.write(ACP_CHANNEL_STDOUT, "x"));
}

TEST_CASE("a stream is finished once, however it ends") {
    FakeStream stream;
    {
        sdk::Stream mine(fake_stream_table(), stream.lend());
        mine.fail(ACP_E_UNAVAILABLE, "gone");
        mine.finish();
        sdk::Stream moved = std::move(mine);
        moved.fail(ACP_E_INTERNAL, "again");
    }
    CHECK(stream.conduct().finishes == 1);
    CHECK(stream.finish_status() == ACP_E_UNAVAILABLE);
    CHECK(stream.references() == 0);
}

TEST_CASE("a text is clipped between characters") {
    CHECK(sdk::clip("abc", 3) == "abc");
    CHECK(sdk::clip("abc", 2) == "ab");
    CHECK(sdk::clip("a\xc3\xa4", 2) == "a");
    CHECK(sdk::clip("\xf0\x9f\x90\x9d", 3) == "");
    CHECK(sdk::clip("", 0) == "");
}
