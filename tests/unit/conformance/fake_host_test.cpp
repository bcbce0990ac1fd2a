#include "alphaswarm-cp/conformance/fake_host.hpp"

#include <catch2/catch.hpp>

#include "alphaswarm-cp/conformance/fake_stream.hpp"
#include "alphaswarm-cp/conformance/provider_client.hpp"

using namespace acp::conformance;
namespace sdk = acp::sdk;

TEST_CASE("a plugin of today runs on a host of minor version 0 that offers nothing new") {
    FakeHost host(0);
    CHECK(host.raw()->abi_minor == 0);
    const LoadedPlugin plugin(ACP_MEMORY, host);
    CHECK(plugin.entry().abi_minor_required == 0);
    ProviderClient provider(host, plugin, "memory", "{}", "/nowhere");
    sdk::DeploymentSpec spec;
    spec.service_id = "web";
    spec.image = "demo:1";
    REQUIRE(provider.start(spec).ok());
    CHECK(provider.status("web").status().phase == ACP_PHASE_RUNNING);
    FakeStream stream;
    REQUIRE(provider.logs("web", stream).ok());
    CHECK(stream.read_to_end());
    CHECK(stream.wait_released());
    CHECK(stream.conduct().finishes == 1);
    CHECK(provider.health().state == ACP_HEALTH_UP);
}

TEST_CASE("a call cancels itself after as many polls") {
    FakeCall call;
    call.cancel_after(2);
    CHECK(call.raw()->cancelled(call.raw()) == 0);
    CHECK(call.raw()->cancelled(call.raw()) == 0);
    CHECK(call.raw()->cancelled(call.raw()) == 1);
    CHECK(call.raw()->cancelled(call.raw()) == 1);
    CHECK(call.polls() == 4);
}

TEST_CASE("a log hook stands in for the log") {
    FakeHost host;
    std::string seen;
    host.on_log([&](const LogLine& line) { seen += line.message; });
    const FakeCall call;
    call.raw()->log(call.raw(), ACP_LOG_INFO, ACP_STR_LITERAL("one"));
    host.on_log({});
    call.raw()->log(call.raw(), ACP_LOG_INFO, ACP_STR_LITERAL("two"));
    CHECK(seen == "one");
    REQUIRE(host.logs().size() == 1);
    CHECK(host.logs().front().message == "two");
}

TEST_CASE("a stream counts what a plugin must not do") {
    const acp_host_stream& table = *fake_stream_table();
    FakeStream stream(16);
    acp_stream* raw = stream.lend();
    const auto write = [&](std::size_t size) { return table.write(raw, ACP_CHANNEL_STDOUT, sdk::bytes(std::string(size, 'x'))); };

    CHECK(write(17) == ACP_E_INVALID);
    CHECK(write(10) == ACP_OK);
    CHECK(write(10) == ACP_E_WOULD_BLOCK);
    CHECK(write(10) == ACP_E_WOULD_BLOCK);
    CHECK(table.headers(raw, 200, nullptr, 0, sizeof(acp_pair)) == ACP_E_CONFLICT);
    table.finish(raw, nullptr);
    CHECK(write(1) == ACP_E_CLOSED);
    CHECK(write(1) == ACP_E_CLOSED);
    table.finish(raw, nullptr);
    table.release(raw);
    table.release(raw);
    CHECK(table.closed(raw) == 1);

    const StreamConduct c = stream.conduct();
    CHECK(c.writes_too_large == 1);
    CHECK(c.writes == 1);
    CHECK(c.writes_refused == 2);
    CHECK(c.refused_in_a_row == 2);
    CHECK(c.late_heads == 1);
    CHECK(c.finishes == 2);
    CHECK(c.writes_after_finish == 2);
    CHECK(c.writes_after_end == 1);
    CHECK(c.releases_too_many == 1);
    CHECK(c.uses_after_release == 1);
    CHECK(stream.references() == 0);
}

TEST_CASE("a stream closes at the call that was named, and outlives its owner") {
    const acp_host_stream& table = *fake_stream_table();
    acp_stream* raw = nullptr;
    {
        FakeStream stream;
        raw = stream.lend();
        stream.close_at_call(1);
        CHECK(table.closed(raw) == 0);
        CHECK(table.write(raw, ACP_CHANNEL_STDOUT, sdk::bytes("x")) == ACP_E_CLOSED);
        CHECK(stream.wait_released(std::chrono::milliseconds(1)) == false);
    }
    CHECK(table.closed(raw) == 1);
    table.release(raw);
}

TEST_CASE("what is not offered is unsupported, and what is thrown is named") {
    FakeHost host;
    const LoadedPlugin routes(ACP_GREETER, host);
    CHECK_THROWS_WITH(ProviderClient(host, routes, "x", "{}", "/nowhere"), Catch::Contains("no provider"));
    CHECK_THROWS_WITH(at_boundary("status", []() -> int { throw std::runtime_error("out"); }), "status let an exception out: out");
    CHECK_THROWS_AS(at_boundary("status", []() -> int { throw 42; }), CrossedBoundary);
}
