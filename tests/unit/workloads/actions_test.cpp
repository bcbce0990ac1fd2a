#include <catch2/catch.hpp>
#include <future>

#include "unit/workloads/house.h"

using namespace acp;
using namespace acp::workloads;
using namespace acp::workloads::test;

TEST_CASE("an action has its row before it runs and its outcome before it is answered") {
    House house;
    std::string status_while_running, seen_uid;
    bool running = false;
    auto& client = house.submit(performing([&](const plugins::CallContext& call) -> Result<Performed> {
        seen_uid = call.run_uid;
        status_while_running = house.ledger->get(call.run_uid).value().status;
        running = house.actions->is_running(call.run_uid);
        auto result = json::object({{"phase", std::string("stopped")}});
        return Performed{result, result};
    }));
    CHECK(client.answer().status == 200);
    CHECK(status_while_running == "running");
    CHECK(running);
    CHECK(client.field("Location") == "/manage/runs/" + seen_uid);
    CHECK(json::text_or(client.body(), "run_id") == seen_uid);
    CHECK(json::text_or(client.body(), "action") == "stop");
    CHECK(json::text_or(client.body(), "provider") == "mine");
    CHECK(json::text_or(client.body()->getObject("result"), "phase") == "stopped");
    // The answer is sent from within the write's callback: no waiting here.
    const auto row = house.ledger->get(seen_uid).value();
    CHECK(row.status == "succeeded");
    CHECK(row.user_id == "alice");
    CHECK(row.organization_id == "org");
    CHECK(row.request_id == "req-1");
    CHECK(row.http_status == 200);
    CHECK(row.payload->find("hunter2") == std::string::npos);
    CHECK_FALSE(house.actions->is_running(seen_uid));
    CHECK(house.actions->totals().succeeded == 1);
}

TEST_CASE("a failed action names its run and keeps the provider's words") {
    House house;
    auto& client = house.submit(performing([](const plugins::CallContext& call) -> Result<Performed> {
        return fail(scripted().status(call, "absent").error());
    }));
    CHECK(client.answer().status == 404);
    const auto uid = json::text_or(client.body(), "run_id");
    CHECK(json::text_or(client.body(), "detail") == "there is no workload 'absent'");
    const auto row = house.ledger->get(uid).value();
    CHECK(row.status == "failed");
    CHECK(row.error == "not_found: there is no workload 'absent'");
    CHECK(row.http_status == 404);
}

TEST_CASE("what an action throws fails it, with a row and an answer") {
    House house;
    auto& client = house.submit(performing(
        [](const plugins::CallContext&) -> Result<Performed> { throw std::runtime_error("a secret cause"); }));
    CHECK(client.answer().status == 500);
    CHECK(client.answer().body.find("secret cause") == std::string::npos);
    CHECK(house.row(json::text_or(client.body(), "run_id"), "failed").status == "failed");
}

TEST_CASE("an operation that the provider does not have leaves no row") {
    House house;
    auto action = quick();
    action.operation = "scale";
    auto& client = house.submit(std::move(action));
    CHECK(client.answer().status == 501);
    CHECK(json::text_or(client.body(), "detail").find("a fixture has one size") != std::string::npos);
    CHECK(house.rows().size() == 0);
    CHECK(house.pool.reserve());
    house.pool.cancel_reservation();
}

TEST_CASE("a client waits as long as it prefers, then gets 202; the run goes on") {
    House house;
    SECTION("at once") {
        std::promise<void> go;
        auto opened = go.get_future().share();
        auto action = performing([opened](const plugins::CallContext&) -> Result<Performed> {
            opened.wait();
            return Performed{json::object(), json::object()};
        });
        auto& client = house.submit(std::move(action), {{"prefer", "respond-async"}});
        CHECK(client.answer().status == 202);
        const auto uid = json::text_or(client.body(), "run_id");
        CHECK(client.field("Location") == "/manage/runs/" + uid);
        CHECK(json::text_or(client.body(), "status") == "running");
        CHECK(house.ledger->get(uid).value().status == "running");
        go.set_value();
        CHECK(house.row(uid, "succeeded").status == "succeeded");
    }
    SECTION("an action that is quick enough") {
        CHECK(house.submit(quick(), {{"prefer", "wait=20"}}).answer().status == 200);
    }
}

TEST_CASE("the default wait turns a slow action into 202") {
    ActionBounds bounds;
    bounds.default_wait_ms = 20;
    House house(bounds);
    auto& client = house.submit(slow());
    CHECK(client.answer().status == 202);
    CHECK(house.actions->cancel(json::text_or(client.body(), "run_id")));
    CHECK(house.row(json::text_or(client.body(), "run_id"), "cancelled").status == "cancelled");
}

TEST_CASE("a running action is cancelled, another one is not") {
    House house;
    auto& client = house.submit(slow());
    std::string uid;
    REQUIRE(eventually([&] {
        const auto rows = house.rows();
        if (rows.empty()) return false;
        uid = rows.front().run_uid;
        return house.actions->is_running(uid);
    }));
    CHECK_FALSE(house.actions->cancel("no-such-run"));
    CHECK_FALSE(client.answered());
    CHECK(house.actions->cancel(uid));
    CHECK(client.answer().status == 409);
    CHECK(house.ledger->get(uid).value().status == "cancelled");
    CHECK_FALSE(house.actions->cancel(uid));
}

TEST_CASE("an action that waits for a thread is cancelled without a call") {
    House house({}, 1, 4);
    auto& first = house.submit(slow());
    bool called = false;
    auto& second = house.submit(performing([&](const plugins::CallContext&) -> Result<Performed> {
        called = true;
        return Performed{json::object(), json::object()};
    }));
    std::string running, waiting;
    REQUIRE(eventually([&] {
        for (const auto& row : house.rows()) (house.actions->is_running(row.run_uid) ? running : waiting) = row.run_uid;
        return !running.empty() && !waiting.empty() && running != waiting;
    }));
    CHECK(house.actions->cancel(waiting));
    CHECK(house.actions->cancel(running));
    CHECK(first.answer().status == 409);
    CHECK(second.answer().status == 409);
    CHECK_FALSE(called);
}

TEST_CASE("an action that outlasts the deadline fails by it") {
    ActionBounds bounds;
    bounds.timeout_ms = 20;
    House house(bounds);
    CHECK(house.submit(slow()).answer().status == 504);
}

TEST_CASE("a full pool refuses before anything is recorded") {
    House house({}, 1, 1);
    auto& first = house.submit(slow(), {{"prefer", "respond-async"}});
    auto& second = house.submit(slow(), {{"prefer", "respond-async"}});
    auto& third = house.submit(slow());
    CHECK(third.answer().status == 503);
    CHECK(third.field("Retry-After") == "1");
    CHECK(house.actions->totals().refused == 1);
    REQUIRE(eventually([&] { return house.rows().size() == 2; }));
    for (auto* c : {&first, &second}) {
        const auto uid = json::text_or(c->body(), "run_id");
        REQUIRE(house.actions->cancel(uid));
        CHECK(house.row(uid, "cancelled").status == "cancelled");
    }
}

TEST_CASE("a repeated request with its key is answered from the ledger") {
    House house;
    std::atomic<int> calls{0};
    const auto counted = [&] {
        return performing([&](const plugins::CallContext&) -> Result<Performed> {
            ++calls;
            auto result = json::object({{"n", calls.load()}});
            return Performed{result, result};
        });
    };
    auto& first = house.submit(counted(), {{"idempotency-key", "k1"}});
    CHECK(first.answer().status == 200);
    auto& again = house.submit(counted(), {{"idempotency-key", "k1"}});
    CHECK(again.answer().status == 200);
    CHECK(again.answer().body == first.answer().body);
    CHECK(again.field("Idempotency-Replayed") == "true");
    CHECK(calls == 1);
    // The same key, another body.
    auto& other = house.client();
    auto context = other.context({{"idempotency-key", "k1"}});
    context->body = R"({"x":1})";
    house.actions->submit(context, counted());
    CHECK(other.answer().status == 422);
    CHECK(house.submit(counted(), {{"idempotency-key", "has space"}}).answer().status == 400);
    CHECK(calls == 1);
    CHECK(house.pool.stats().busy + house.pool.stats().queued == 0);
}

TEST_CASE("a repeated request while the first is under way is told so") {
    House house;
    auto& first = house.submit(slow(), {{"idempotency-key", "k1"}});
    REQUIRE(eventually([&] { return house.rows().size() == 1; }));
    auto& again = house.submit(slow(), {{"idempotency-key", "k1"}});
    CHECK(again.answer().status == 409);
    CHECK(json::text_or(again.body(), "code") == "idempotency_in_flight");
    const auto uid = json::text_or(again.body(), "run_id");
    CHECK(again.field("Location") == "/manage/runs/" + uid);
    REQUIRE(eventually([&] { return house.actions->cancel(uid); }));
    CHECK(first.answer().status == 409);
}

TEST_CASE("many actions at once each have one row and one answer") {
    House house({}, 4, 400);
    std::vector<std::thread> threads;
    std::vector<std::vector<Client*>> mine(4);
    for (auto& list : mine)
        for (int i = 0; i < 50; ++i) list.push_back(&house.client());
    for (auto& list : mine)
        threads.emplace_back([&house, &list] {
            for (auto* c : list) house.actions->submit(c->context(), quick());
        });
    for (auto& t : threads) t.join();
    for (auto& list : mine)
        for (auto* c : list) REQUIRE(c->answer().status == 200);
    CHECK(house.actions->totals().succeeded == 200);
    CHECK(house.rows().size() == 200);
}

TEST_CASE("actions under way when the house closes are finished and recorded") {
    House house({}, 2, 100);
    for (int i = 0; i < 40; ++i) house.submit(quick());
    // At once: rows, calls and outcomes are all still to come.
    house.loop.stop();
    house.pool.stop();
    CHECK(house.actions->totals().started == 40);
    house.ledger.reset();
    ledger::LedgerOptions options;
    options.path = house.dir.path() / "ledger.db";
    house.ledger = std::move(ledger::Ledger::open(std::move(options)).value());
    CHECK(house.ledger->interrupted().empty());
    ledger::RunFilter done;
    done.status = "succeeded";
    CHECK(house.rows(done).size() == 40);
}
