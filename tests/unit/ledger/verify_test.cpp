#include "ledger/verify.h"

#include <catch2/catch.hpp>
#include <set>

#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

namespace {

/// A closed ledger: three finished runs, one open, two events.
class Original {
public:
    Original() {
        auto ledger = open(path_);
        RunIntent full = intent("web");
        full.namespace_ = "n";
        full.on_behalf_of = "b";
        full.organization_id = "o";
        full.workspace_id = "w";
        full.cell_id = "c";
        full.request_id = "r";
        full.idempotency_key = "i";
        full.payload = json::Var(json::object({{"a", 1}}));
        RunOutcome outcome;
        outcome.status = RunStatus::halted;
        outcome.result = json::Var(json::object({{"b", 2}}));
        outcome.error = "e";
        outcome.halt_reason = "h";
        outcome.http_status = 409;
        for (int i = 0; i < 3; ++i)
            if (!finish(*ledger, start(*ledger, full), outcome)) throw std::runtime_error("finish");
        start(*ledger);
        for (int i = 0; i < 2; ++i) {
            Waiter<void> waiter;
            ledger->record({"k", "a", "t", "o", "r", json::Var(json::object({{"d", 1}}))}, waiter.done());
            if (!waiter.get()) throw std::runtime_error("record");
        }
    }
    const std::string& path() const { return path_; }

private:
    TempDir dir_;
    std::string path_ = dir_ / "l.db";
};

/// A copy to tamper with.
struct Fixture {
    TempDir dir;
    std::string path = dir / "l.db";

    Fixture() {
        static const Original original;
        std::filesystem::copy_file(original.path(), path);
    }

    std::set<std::string> kinds() const {
        std::set<std::string> out;
        VerifyReport report = verify(path).value();
        for (const auto& problem : report.problems) out.insert(problem.kind);
        return out;
    }
};

using Kinds = std::set<std::string>;

}  // namespace

TEST_CASE("an untouched ledger is intact") {
    Fixture f;
    auto report = verify(f.path).value();
    CHECK(report.intact());
    CHECK(report.runs == 4);
    CHECK(report.events == 2);
    CHECK(report.links == 1 + 4 + 3 + 2);
    CHECK(report.open_runs == 1);
    CHECK(report.ledger_id.size() == 22);
}

TEST_CASE("an edit of any column is found") {
    // Link 1 is the genesis, 2 and 3 are the first run, 8 the open one, 9 the first event.
    for (const char* column :
         {"run_uid",      "started_at", "finished_at", "status",          "action",       "provider_alias",
          "target",       "namespace",  "user_id",     "actor_kind",      "on_behalf_of", "organization_id",
          "workspace_id", "cell_id",    "request_id",  "idempotency_key", "payload",      "result",
          "result_hash",  "error",      "halt_reason", "prev_hash",       "row_hash"}) {
        INFO(column);
        {
            Fixture f;
            tamper(f.path, std::string("UPDATE workload_runs SET ") + column + " = 'edited' WHERE id = 2");
            CHECK_FALSE(verify(f.path).value().intact());
        }
        {
            Fixture f;
            tamper(f.path, std::string("UPDATE workload_runs SET ") + column + " = " + column +
                               " || '' || char(10) "
                               "WHERE id = 4");
            CHECK_FALSE(verify(f.path).value().intact());
        }
        {
            // On a run without an outcome, also what is still to come.
            Fixture f;
            tamper(f.path, std::string("UPDATE workload_runs SET ") + column + " = '' WHERE id = 8");
            CHECK_FALSE(verify(f.path).value().intact());
        }
    }
    for (const char* column : {"finished_at", "provider_alias", "target", "namespace", "user_id", "payload", "result",
                               "result_hash", "error", "halt_reason", "http_status", "duration_ms"}) {
        INFO(column);
        Fixture f;
        tamper(f.path, std::string("UPDATE workload_runs SET ") + column + " = NULL WHERE id = 2");
        CHECK_FALSE(verify(f.path).value().intact());
    }
    for (const char* column : {"id", "http_status", "duration_ms"}) {
        INFO(column);
        Fixture f;
        tamper(f.path, std::string("UPDATE workload_runs SET ") + column + " = 77777 WHERE id = 2");
        CHECK_FALSE(verify(f.path).value().intact());
        Fixture g;
        CHECK_THROWS(tamper(g.path, std::string("UPDATE workload_runs SET ") + column + " = '1x' WHERE id = 2"));
    }
    for (const char* column : {"event_uid", "occurred_at", "kind", "actor", "target", "outcome", "request_id",
                               "details", "prev_hash", "row_hash"}) {
        INFO(column);
        Fixture f;
        tamper(f.path, std::string("UPDATE security_audit_events SET ") + column + " = 'edited' WHERE id = 9");
        CHECK_FALSE(verify(f.path).value().intact());
    }
    for (const char* column : {"subject", "ref", "digest", "prev_hash", "row_hash"})
        for (int seq = 1; seq <= 10; ++seq) {
            INFO(column << " of link " << seq);
            Fixture f;
            tamper(f.path,
                   std::string("UPDATE ledger_chain SET ") + column + " = 'edited' WHERE seq = " + std::to_string(seq));
            CHECK_FALSE(verify(f.path).value().intact());
        }
    for (const char* column : {"ledger_id", "seq", "row_hash"}) {
        INFO(column);
        Fixture f;
        tamper(f.path, std::string("UPDATE ledger_head SET ") + column + " = '5'");
        CHECK_FALSE(verify(f.path).value().intact());
    }
}

TEST_CASE("rows that were removed, moved or added are found") {
    Fixture f;
    SECTION("a run") {
        tamper(f.path, "DELETE FROM workload_runs WHERE id = 4");
        CHECK(f.kinds() == Kinds{"row_missing"});
    }
    SECTION("an event") {
        tamper(f.path, "DELETE FROM security_audit_events WHERE id = 9");
        CHECK(f.kinds() == Kinds{"row_missing"});
    }
    SECTION("a run with its links") {
        tamper(f.path, "DELETE FROM workload_runs WHERE id = 4");
        tamper(f.path, "DELETE FROM ledger_chain WHERE seq IN (4, 5)");
        CHECK(f.kinds() == Kinds{"link_missing"});
    }
    SECTION("a link in the middle") {
        tamper(f.path, "DELETE FROM ledger_chain WHERE seq = 9");
        CHECK(f.kinds() == Kinds{"link_missing", "row_unlinked"});
    }
    SECTION("an outcome's link") {
        tamper(f.path, "DELETE FROM ledger_chain WHERE seq = 3");
        CHECK(f.kinds() == Kinds{"link_missing", "outcome_unlinked"});
    }
    SECTION("the first link") {
        tamper(f.path, "DELETE FROM ledger_chain WHERE seq = 1");
        CHECK(f.kinds().count("link_missing") == 1);
    }
    SECTION("two runs changed places") {
        tamper(f.path, "UPDATE workload_runs SET id = 100 WHERE id = 2");
        tamper(f.path, "UPDATE workload_runs SET id = 2 WHERE id = 4");
        tamper(f.path, "UPDATE workload_runs SET id = 4 WHERE id = 100");
        CHECK(f.kinds() == Kinds{"row_moved", "row_unlinked"});
    }
    SECTION("two links changed places") {
        tamper(f.path, "UPDATE ledger_chain SET seq = 100 WHERE seq = 9");
        tamper(f.path, "UPDATE ledger_chain SET seq = 9 WHERE seq = 10");
        tamper(f.path, "UPDATE ledger_chain SET seq = 10 WHERE seq = 100");
        CHECK(f.kinds().count("link_edited") == 1);
        CHECK(f.kinds().count("chain_broken") == 1);
    }
    SECTION("a run that never happened") {
        tamper(f.path,
               "INSERT INTO workload_runs (id, run_uid, started_at, status, action, actor_kind, prev_hash, "
               "row_hash) VALUES (50, 'x', 't', 'running', 'a', 'user', '', '')");
        CHECK(f.kinds() == Kinds{"row_unlinked"});
    }
    SECTION("a link that never happened") {
        tamper(f.path,
               "INSERT INTO ledger_chain SELECT 11, subject, ref, digest, prev_hash, row_hash FROM ledger_chain "
               "WHERE seq = 10");
        CHECK(f.kinds().count("link_edited") == 1);
    }
    SECTION("an event that never happened") {
        tamper(f.path,
               "INSERT INTO security_audit_events (id, event_uid, occurred_at, kind, prev_hash, row_hash) "
               "VALUES (50, 'x', 't', 'k', '', '')");
        CHECK(f.kinds() == Kinds{"row_unlinked"});
    }
}

TEST_CASE("a cut tail is found") {
    Fixture f;
    tamper(f.path, "DELETE FROM security_audit_events WHERE id = 10");
    tamper(f.path, "DELETE FROM ledger_chain WHERE seq = 10");
    SECTION("as it is") {
        CHECK(f.kinds() == Kinds{"tail_cut"});
    }
    SECTION("with the head set back") {
        tamper(f.path, "UPDATE ledger_head SET seq = 9, row_hash = (SELECT row_hash FROM ledger_chain WHERE seq = 9)");
        CHECK(f.kinds() == Kinds{"tail_cut"});
        auto reopened = Ledger::open(options_for(f.path));
        REQUIRE_FALSE(reopened);
        CHECK(reopened.error().slug == "ledger_damaged");
    }
    SECTION("with the counter set back") {
        tamper(f.path, "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'ledger_chain'");
        CHECK(f.kinds() == Kinds{"tail_cut"});
        CHECK(Ledger::open(options_for(f.path)).error().slug == "ledger_damaged");
    }
    SECTION("with the head removed") {
        tamper(f.path, "DELETE FROM ledger_head");
        CHECK(f.kinds() == Kinds{"tail_cut", "head_wrong"});
    }
}

TEST_CASE("an emptied ledger is not an intact one") {
    Fixture f;
    for (const char* table : {"workload_runs", "security_audit_events", "ledger_chain", "ledger_head"})
        tamper(f.path, std::string("DELETE FROM ") + table);
    tamper(f.path, "UPDATE sqlite_sequence SET seq = 0");
    CHECK(f.kinds() == Kinds{"genesis_wrong", "head_wrong"});
}

TEST_CASE("problems beyond the limit are counted, not kept") {
    TempDir dir;
    {
        auto ledger = open(dir / "l.db");
        std::vector<Waiter<void>> waiters(1200);
        for (auto& waiter : waiters) ledger->record({"k", "", "", "", "", {}}, waiter.done());
        for (auto& waiter : waiters) REQUIRE(waiter.get());
    }
    tamper(dir / "l.db", "UPDATE security_audit_events SET kind = 'x'");
    auto report = verify(dir / "l.db").value();
    CHECK(report.problem_count == 1200);
    CHECK(report.problems.size() == VerifyReport::kMaxProblems);
}

TEST_CASE("a ledger that is not there") {
    TempDir dir;
    auto report = verify(dir / "no.db");
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Code::not_found);
    CHECK_FALSE(std::filesystem::exists(dir / "no.db"));
}

TEST_CASE("verification of a running ledger changes nothing") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::string uid = start(*ledger);
    auto report = verify(dir / "l.db").value();
    CHECK(report.intact());
    CHECK(report.open_runs == 1);
    CHECK(finish(*ledger, uid).has_value());
}
