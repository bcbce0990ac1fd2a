#include <catch2/catch.hpp>

#include "alphaswarm-cp/sdk/host.hpp"
#include "base/clock.h"
#include "json/json.h"
#include "unit/plugins/house.h"

using namespace acp::plugins;
using namespace acp::plugins::test;
namespace stream = acp::stream;
namespace sdk = acp::sdk;
namespace json = acp::json;
using acp::Code;

namespace {

const Provider& scripted() {
    static const Loaded loaded(ACP_SCRIPTED, R"({"mode":"fine"})");
    return *loaded.provider;
}
const Provider& careless() {
    static const Loaded loaded(ACP_CARELESS);
    return *loaded.provider;
}

/// Everything a stream brings until it ends, "<channel>:<bytes>" each.
std::string read_to_end(stream::Stream& s) {
    std::string all;
    for (stream::Chunk chunk;;) {
        const auto pulled = s.pull(chunk);
        if (pulled == stream::Stream::Pulled::ended) return all;
        if (pulled == stream::Stream::Pulled::chunk) all += std::to_string(chunk.channel) + ":" + chunk.bytes;
    }
}

}  // namespace

TEST_CASE("every operation reaches the plugin and comes back") {
    const auto& p = scripted();
    DeploymentSpec spec;
    spec.service_id = "web";
    spec.image = "nginx";
    spec.replicas = 3;
    spec.env = {{"A", "1"}, {"B", "2"}};
    spec.ports = {{"http", "tcp", 80, 8080}};
    spec.spec_hash = "abc";
    const auto started = p.start(call(), spec).value();
    CHECK(started.service_id == "web");
    CHECK(started.phase == ACP_PHASE_RUNNING);
    CHECK(started.replicas_ready == 3);
    CHECK(started.image == "nginx");
    CHECK(started.raw_json == R"({"principal":"alice","run_uid":"run-1","ports":1,"env":2,"hash":"abc"})");
    CHECK(p.stop(call(), "web").value().service_id == "web");
    CHECK(p.restart(call(), "web"));
    CHECK(p.status(call(), "web"));
    CHECK(p.remove(call(), "web"));
    const auto list = p.list(call(), "-ns").value();
    REQUIRE(list.size() == 2);
    CHECK(list[1].service_id == "b-ns");
    CHECK(p.get_config(call(), "web").value() == R"({"mode":"fine"})");
    CHECK(p.apply_config(call(), "web", R"({"x":1})", true).value() == R"({"patch":{"x":1},"dry_run":true})");
    const auto health = p.health(call()).value();
    CHECK(health.state == ACP_HEALTH_DEGRADED);
    CHECK(health.details_json == R"({"alias":"mine"})");
}

TEST_CASE("the matrix has every operation, and what it lacks is unsupported with the reason") {
    const auto& p = scripted();
    CHECK(p.capabilities().size() == operation_names().size());
    CHECK(p.capability("start")->supported);
    CHECK(p.capability("nonsense") == nullptr);
    CHECK_FALSE(p.capability("rotate_secret")->supported);
    const auto scaled = p.scale(call(), "web", 2);
    REQUIRE_FALSE(scaled);
    CHECK(scaled.error().code == Code::unsupported);
    CHECK(scaled.error().message == "provider 'mine' does not support scale: a fixture has one size");
    // Claimed, but the table's function says no.
    CHECK(p.metrics(call(), "web").error().code == Code::unsupported);
}

TEST_CASE("a plugin's failure comes whole") {
    DeploymentSpec spec;
    spec.service_id = "refused";
    const auto refused = scripted().start(call(), spec);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::conflict);
    CHECK(refused.error().message == "it is refused");
    CHECK(refused.error().details_json == R"({"holder":"somebody"})");
    CHECK(refused.error().retryable);
    CHECK(scripted().status(call(), "absent").error().code == Code::not_found);
    const auto thrown = scripted().restart(call(), "throws");
    CHECK(thrown.error().code == Code::internal);
    CHECK(thrown.error().message == "thrown inside the plugin");
    CHECK(scripted().get_config(call(), "garbage").error().slug == "plugin_defect");
}

TEST_CASE("cancellation and deadline reach a running call") {
    auto context = call();
    int asked = 0;
    context.cancelled = [&] { return ++asked > 3; };
    context.deadline_mono_ns = acp::monotonic_ns() + 60'000'000'000;
    CHECK(scripted().stop(context, "slow").error().code == Code::cancelled);
    CHECK(asked == 4);
    context.cancelled = {};
    context.deadline_mono_ns = acp::monotonic_ns() + 5'000'000;
    CHECK(scripted().stop(context, "slow").error().code == Code::deadline);
    // A host function that throws must not throw through the plugin.
    context.cancelled = []() -> bool { throw std::runtime_error("a defect"); };
    CHECK(scripted().stop(context, "slow").error().code == Code::deadline);
}

TEST_CASE("logs come through the stream; a call that fails gives its reference back") {
    auto s = stream::Ref::make({});
    REQUIRE(scripted().logs(call(), "web", {false, 5, 0, {}}, s));
    CHECK(read_to_end(*s) == "1:2026-01-31T08:15:00.000000001Z r0 tail 5\n2:2026-01-31T08:15:00.000000002Z r0 oops\n");
    CHECK_FALSE(s->failure());
    auto broken = stream::Ref::make({});
    REQUIRE(scripted().logs(call(), "breaks", {}, broken));
    read_to_end(*broken);
    CHECK(broken->failure()->message == "the backend went away");
    auto unused = stream::Ref::make({});
    CHECK(scripted().logs(call(), "absent", {}, unused).error().code == Code::not_found);
    CHECK_FALSE(unused->closed());
}

TEST_CASE("what breaks the boundary's rules becomes a defect with a name") {
    const auto& p = careless();
    for (const auto& error : {p.stop(call(), "x").error(), p.scale(call(), "x", 1).error(),
                              p.restart(call(), "x").error(), p.get_config(call(), "x").error()}) {
        CHECK(error.code == Code::internal);
        CHECK(error.slug == "plugin_defect");
        CHECK(error.message.find("test.careless") != std::string::npos);
    }
    // A status nobody knows is the backend's.
    CHECK(p.status(call(), "x").error().code == Code::provider_error);
    CHECK(p.status(call(), "x").error().message.find("4711") != std::string::npos);
}

TEST_CASE("a function or interface that is missing counts as unsupported, whatever the matrix claims") {
    const auto& p = careless();
    CHECK(p.start(call(), {}).error().code == Code::unsupported);
    CHECK(p.list(call(), "").error().code == Code::unsupported);
    CHECK_FALSE(p.capability("exec")->supported);
    auto s = stream::Ref::make({});
    CHECK(p.exec(call(), "x", {{"a"}, false, false, {}}, s).error().code == Code::unsupported);
    CHECK(p.health(call()).error().code == Code::unsupported);
    const auto logs = p.logs(call(), "x", {}, s);
    CHECK(logs.error().message == "no logs today");
    CHECK(logs.error().retry_after_ms == 1500);
}

TEST_CASE("an instance that throws while it is made fails alone") {
    const Loaded thrown(ACP_CARELESS, R"({"throw":1})");
    CHECK(thrown.provider == nullptr);
    CHECK(thrown.fault.stage == "create");
    CHECK(thrown.fault.expected == "no exception across the boundary");
    const Loaded refused(ACP_SCRIPTED, R"({"mode":"broken"})");
    CHECK(refused.fault.message == "the fixture is broken by its config");
    const Loaded unfit(ACP_SCRIPTED, R"({"mode":7})");
    CHECK(unfit.fault.found.find("config/mode") != std::string::npos);
    // And one that throws when it goes is survived.
    { const Loaded gone(ACP_CARELESS); }
    SUCCEED();
}

TEST_CASE("a call scope shows the context and nothing more") {
    auto context = call();
    context.tenant = "org";
    context.traceparent = "00-ab";
    context.deadline_mono_ns = 7;
    const CallScope scope(context, "test");
    const sdk::Call seen(scope.get());
    CHECK(scope.get()->struct_size == sizeof(acp_call));
    CHECK(seen.principal() == "alice");
    CHECK(seen.tenant() == "org");
    CHECK(seen.request_id() == "req-1");
    CHECK(seen.run_uid() == "run-1");
    CHECK(seen.deadline_mono_ns() == 7);
    CHECK(sdk::text(scope.get()->traceparent) == "00-ab");
    CHECK_FALSE(seen.cancelled());
    seen.log(ACP_LOG_TRACE - 5, "below the lowest level");
    seen.log(ACP_LOG_ERROR + 5, "above the highest level");
}

TEST_CASE("the host offers its interfaces and no others") {
    const acp_host& host = host_api();
    for (auto iid : {"acp.host.stream/1", "acp.host.log/1", "acp.host.clock/1", "acp.host.http_client/1"})
        CHECK(host.get_interface(&host, sdk::str(iid)) != nullptr);
    for (auto iid : {"", "acp.host.stream/2", "acp.host.stream", "acp.provider/1"})
        CHECK(host.get_interface(&host, sdk::str(iid)) == nullptr);
    CHECK(host.get_interface(&host, {nullptr, 0}) == nullptr);
}
