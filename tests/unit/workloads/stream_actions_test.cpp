#include <catch2/catch.hpp>

#include "unit/workloads/house.h"
#include "workloads/log_source.h"

using namespace acp;
using namespace acp::workloads;
using namespace acp::workloads::test;

namespace {

/// The logs of `id`, as the REST interface opens them.
StreamAction logs(const std::string& id, bool follow = false) {
    StreamAction a;
    a.operation = "logs";
    a.provider = plugins::ProviderPtr(plugins::ProviderPtr(), &scripted());  // of the process
    a.target = id;
    a.payload = json::object();
    a.open = [id, follow](const plugins::CallContext& call, StreamEnded ended) -> Result<http::Response> {
        auto stream = stream::Ref::make({});
        if (auto opened = scripted().logs(call, id, {follow, -1, 0, {}}, stream); !opened) return fail(opened.error());
        http::Response response;
        response.source =
            std::make_unique<LogSource>(stream, LogFormat::text, "/logs", "req-1", [ended](LogSource::Totals t) {
                ended(json::object({{"lines", t.lines}, {"ended", t.ended}}));
            });
        return response;
    };
    return a;
}

std::string read_all(http::BodySource& source) {
    std::string all;
    while (source.pull(all) == http::BodySource::Pulled::more) {
    }
    return all;
}

}  // namespace

TEST_CASE("a stream has a row that ends with the stream") {
    House house;
    auto& client = house.submit(logs("web"));
    CHECK(client.answer().status == 200);
    const auto uid = client.field("X-Run-Id");
    CHECK(house.ledger->get(uid).value().status == "running");
    CHECK(house.actions->live_streams() == 1);
    CHECK(read_all(*client.answer().source).find("tail -1") != std::string::npos);
    const auto row = house.row(uid, "succeeded");
    CHECK(row.status == "succeeded");
    CHECK(json::text_or(json::parse_object(*row.result).value(), "ended") == "finished");
    CHECK(house.actions->live_streams() == 0);
}

TEST_CASE("a follower that leaves ends its run and the plugin's work") {
    House house;
    auto& client = house.submit(logs("web", true));
    REQUIRE(client.answer().source);
    SECTION("told") {
        client.answer().source->cancel(ACP_CLOSE_LISTENER);
    }
    SECTION("dropped") {}
    client.answer().source.reset();
    const auto row = house.row(client.field("X-Run-Id"), "succeeded");
    CHECK(json::text_or(json::parse_object(*row.result).value(), "ended") == "listener_gone");
    CHECK(house.actions->live_streams() == 0);
}

TEST_CASE("a stream that cannot be opened is a failed run") {
    House house;
    auto& client = house.submit(logs("absent"));
    CHECK(client.answer().status == 404);
    CHECK(house.row(json::text_or(client.body(), "run_id"), "failed").status == "failed");
    CHECK(house.actions->live_streams() == 0);
}

TEST_CASE("an opening that throws is a failed run, with or without a stream at hand") {
    House house;
    auto action = logs("web");
    const bool opened_before = GENERATE(false, true);
    action.open = [opened_before, open = action.open](const plugins::CallContext& call,
                                                      StreamEnded ended) -> Result<http::Response> {
        if (opened_before) (void)open(call, ended);
        throw std::runtime_error("a defect");
    };
    auto& client = house.submit(std::move(action));
    CHECK(client.answer().status == 500);
    const auto uid = json::text_or(client.body(), "run_id");
    CHECK(eventually([&] { return house.ledger->get(uid).value().status != "running"; }));
    CHECK(house.actions->live_streams() == 0);
    // Its outcome was written once: nothing was refused for being closed already.
    CHECK(house.actions->totals().succeeded + house.actions->totals().failed == 1);
}

TEST_CASE("streams over the bound are refused, and there is room again later") {
    ActionBounds bounds;
    bounds.live_streams = 1;
    House house(bounds);
    auto& first = house.submit(logs("web", true));
    REQUIRE(first.answer().status == 200);
    auto& second = house.submit(logs("web"));
    CHECK(second.answer().status == 503);
    first.answer().source.reset();
    CHECK(house.submit(logs("web")).answer().status == 200);
}
