#include "ledger/writer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"
#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

TEST_CASE("what queues up while a commit runs shares the next one") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    WriterHold hold(*ledger);
    Counters before = ledger->counters();
    std::vector<Waiter<Begun>> waiters(100);
    for (auto& waiter : waiters) ledger->begin(intent(), std::nullopt, waiter.done());
    hold.release();
    for (auto& waiter : waiters) CHECK(std::holds_alternative<Started>(waiter.get().value()));
    Counters after = ledger->counters();
    CHECK(after.rows - before.rows == 100);
    CHECK(after.commits - before.commits == 1);
    CHECK(after.largest_batch == 100);
}

TEST_CASE("a batch is no larger than max_batch") {
    TempDir dir;
    LedgerOptions options = options_for(dir / "l.db");
    options.max_batch = 10;
    auto ledger = open(options);
    WriterHold hold(*ledger);
    Counters before = ledger->counters();
    std::vector<Waiter<Begun>> waiters(35);
    for (auto& waiter : waiters) ledger->begin(intent(), std::nullopt, waiter.done());
    hold.release();
    for (auto& waiter : waiters) CHECK(waiter.get().has_value());
    CHECK(ledger->counters().commits - before.commits == 4);
    CHECK(ledger->counters().largest_batch == 10);
}

TEST_CASE("a row that the database refuses fails alone") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    RunIntent twin = intent();
    twin.run_uid = uuid7();
    start(*ledger, twin);
    std::string open_run = start(*ledger);
    WriterHold hold(*ledger);
    std::vector<Waiter<Begun>> waiters(50);
    Waiter<void> outcome;
    for (std::size_t i = 0; i < waiters.size(); ++i) {
        ledger->begin(i == 17 || i == 31 ? twin : intent(), std::nullopt, waiters[i].done());
        if (i == 20) ledger->finish(open_run, {}, std::nullopt, outcome.done());
    }
    hold.release();
    CHECK(outcome.get().has_value());
    for (std::size_t i = 0; i < waiters.size(); ++i) {
        INFO(i);
        auto begun = waiters[i].get();
        CHECK(begun.has_value() == (i != 17 && i != 31));
        if (!begun) CHECK(begun.error().code == Code::conflict);
    }
    CHECK(ledger->health().writable);
    auto report = verify(dir / "l.db").value();
    CHECK(report.intact());
    CHECK(report.runs == 2 + 1 + 48);
}

TEST_CASE("a full queue refuses begins and events, and still takes outcomes") {
    TempDir dir;
    LedgerOptions options = options_for(dir / "l.db");
    options.queue_limit = 5;
    auto ledger = open(options);
    std::string uid = start(*ledger);
    WriterHold hold(*ledger);
    std::vector<Waiter<Begun>> waiters(5);
    for (auto& waiter : waiters) ledger->begin(intent(), std::nullopt, waiter.done());
    Waiter<Begun> refused;
    ledger->begin(intent(), std::nullopt, refused.done());
    REQUIRE(refused.ready());
    CHECK(refused.get().error().slug == "audit_unavailable");
    Waiter<void> event;
    ledger->record({"login", "", "", "", "", {}}, event.done());
    CHECK(event.get().error().slug == "audit_unavailable");
    Waiter<void> outcome;
    ledger->finish(uid, {}, std::nullopt, outcome.done());
    CHECK_FALSE(outcome.ready());
    CHECK(ledger->health().queue_depth == 6);
    hold.release();
    for (auto& waiter : waiters) CHECK(waiter.get().has_value());
    CHECK(outcome.get().has_value());
    CHECK(ledger->counters().refused == 2);
}

TEST_CASE("what is queued is written before the ledger closes") {
    TempDir dir;
    std::vector<Waiter<Begun>> waiters(20);
    {
        auto ledger = open(dir / "l.db");
        for (auto& waiter : waiters) ledger->begin(intent(), std::nullopt, waiter.done());
    }
    auto ledger = open(dir / "l.db");
    for (auto& waiter : waiters) {
        REQUIRE(waiter.ready());
        CHECK(ledger->get(std::get<Started>(waiter.get().value()).run_uid).has_value());
    }
}

TEST_CASE("many threads begin, finish and record at once") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::atomic<int> failed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                auto begun = begin(*ledger, intent());
                if (!begun || !finish(*ledger, std::get<Started>(*begun).run_uid) || !record(*ledger, "login"))
                    ++failed;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    auto report = verify(dir / "l.db").value();
    CHECK(report.intact());
    CHECK(report.runs == 400);
    CHECK(report.events == 400);
    CHECK(report.links == 1 + 3 * 400);
    CHECK(report.open_runs == 0);
    CHECK(ledger->counters().commits < ledger->counters().rows);
}
