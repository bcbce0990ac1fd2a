#include <catch2/catch.hpp>

#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

namespace {

const IdempotencyClaim kClaim{"alice", "key-1", "fingerprint-1"};
const StoredResponse kResponse{202, "application/json", "/manage/runs/1", R"({"ok":true})"};

std::string started(Ledger& ledger, const IdempotencyClaim& claim) {
    auto begun = begin(ledger, intent(), claim);
    return std::get<Started>(begun.value()).run_uid;
}

}  // namespace

TEST_CASE("a key while its run is in flight") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::string uid = started(*ledger, kClaim);

    auto again = begin(*ledger, intent(), kClaim).value();
    CHECK(std::get<InFlight>(again).run_uid == uid);
    IdempotencyClaim other = kClaim;
    other.fingerprint = "fingerprint-2";
    CHECK(std::holds_alternative<Mismatch>(begin(*ledger, intent(), other).value()));
    other = kClaim;
    other.principal = "bob";
    CHECK(std::holds_alternative<Started>(begin(*ledger, intent(), other).value()));
    other = kClaim;
    other.key = "key-2";
    CHECK(std::holds_alternative<Started>(begin(*ledger, intent(), other).value()));
    CHECK(std::holds_alternative<Started>(begin(*ledger, intent()).value()));
    // The answers that start nothing leave no row.
    CHECK(ledger->list({}, 100).value().rows.size() == 4);
}

TEST_CASE("a key whose run has ended") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::string uid = started(*ledger, kClaim);
    SECTION("with a response") {
        REQUIRE(finish(*ledger, uid, {}, kResponse));
        SECTION("of this process") {}
        SECTION("of an earlier process") {
            ledger.reset();
            ledger = open(dir / "l.db");
        }
        auto replay = std::get<Replay>(begin(*ledger, intent(), kClaim).value()).response;
        CHECK(replay.status == 202);
        CHECK(replay.content_type == "application/json");
        CHECK(replay.location == "/manage/runs/1");
        CHECK(replay.body == R"({"ok":true})");
        IdempotencyClaim other = kClaim;
        other.fingerprint = "fingerprint-2";
        CHECK(std::holds_alternative<Mismatch>(begin(*ledger, intent(), other).value()));
    }
    SECTION("without one, the key is free again") {
        REQUIRE(finish(*ledger, uid));
        CHECK(started(*ledger, kClaim) != uid);
    }
}

TEST_CASE("a key lives for a day") {
    TempDir dir;
    LedgerOptions options = options_for(dir / "l.db");
    std::int64_t now = 1'700'000'000'000;
    options.now_ms = [&now] { return now; };
    auto ledger = open(options);
    std::string uid = started(*ledger, kClaim);
    REQUIRE(finish(*ledger, uid, {}, kResponse));
    now += kClaimLifetimeMs - 1;
    CHECK(std::holds_alternative<Replay>(begin(*ledger, intent(), kClaim).value()));
    now += 1;
    CHECK(std::holds_alternative<Started>(begin(*ledger, intent(), kClaim).value()));
    now += 2 * kClaimLifetimeMs;
    start(*ledger);
    CHECK(count(dir / "l.db", "SELECT count(*) FROM idempotency_keys") == 0);
}

TEST_CASE("two requests with one key in the same batch: one starts") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    WriterHold hold(*ledger);
    std::vector<Waiter<Begun>> waiters(10);
    for (auto& waiter : waiters) ledger->begin(intent(), kClaim, waiter.done());
    IdempotencyClaim other = kClaim;
    other.fingerprint = "fingerprint-2";
    Waiter<Begun> mismatch;
    ledger->begin(intent(), other, mismatch.done());
    hold.release();
    std::string uid = std::get<Started>(waiters.front().get().value()).run_uid;
    for (std::size_t i = 1; i < waiters.size(); ++i) CHECK(std::get<InFlight>(waiters[i].get().value()).run_uid == uid);
    CHECK(std::holds_alternative<Mismatch>(mismatch.get().value()));
    CHECK(ledger->list({}, 100).value().rows.size() == 2);
}

TEST_CASE("a key of a run that was cut off stays in flight until the run is finished") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    RunIntent what = intent();
    auto begun = begin(*ledger, what, kClaim).value();
    std::string uid = std::get<Started>(begun).run_uid;
    ledger.reset();
    ledger = open(dir / "l.db");
    CHECK(std::get<InFlight>(begin(*ledger, what, kClaim).value()).run_uid == uid);
    RunOutcome outcome;
    outcome.status = RunStatus::failed;
    REQUIRE(finish(*ledger, uid, outcome, kResponse));
    CHECK(std::holds_alternative<Replay>(begin(*ledger, what, kClaim).value()));
}
