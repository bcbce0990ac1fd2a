#include "ledger/ledger.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/bytes.h"
#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

TEST_CASE("a run from its beginning to its end") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    RunIntent what = intent("web");
    what.namespace_ = "prod";
    what.actor_kind = "agent";
    what.on_behalf_of = "bob";
    what.organization_id = "org";
    what.workspace_id = "ws";
    what.cell_id = "cell";
    what.request_id = "req";
    what.idempotency_key = "idem";
    what.payload = json::Var(json::object({{"replicas", 2}}));
    std::string uid = start(*ledger, what);
    CHECK(uid.size() == 36);

    RunRow row = ledger->get(uid).value();
    CHECK(row.status == "running");
    CHECK(row.action == "workload.start");
    CHECK(row.provider_alias == "local");
    CHECK(row.target == "web");
    CHECK(row.namespace_ == "prod");
    CHECK(row.user_id == "alice");
    CHECK(row.actor_kind == "agent");
    CHECK(row.on_behalf_of == "bob");
    CHECK(row.organization_id == "org");
    CHECK(row.workspace_id == "ws");
    CHECK(row.cell_id == "cell");
    CHECK(row.request_id == "req");
    CHECK(row.idempotency_key == "idem");
    CHECK(row.payload == R"({"replicas":2})");
    CHECK_FALSE(row.finished_at.has_value());
    CHECK_FALSE(row.duration_ms.has_value());
    CHECK(row.row_hash.size() == 64);

    RunOutcome outcome;
    outcome.status = RunStatus::failed;
    outcome.result = json::Var(json::object({{"ready", 0}}));
    outcome.error = "it broke";
    outcome.halt_reason = "why";
    outcome.http_status = 502;
    REQUIRE(finish(*ledger, uid, outcome));
    RunRow ended = ledger->get(uid).value();
    CHECK(ended.status == "failed");
    CHECK(ended.result == R"({"ready":0})");
    CHECK(ended.result_hash == sha256_hex(R"({"ready":0})"));
    CHECK(ended.error == "it broke");
    CHECK(ended.halt_reason == "why");
    CHECK(ended.http_status == 502);
    CHECK(ended.duration_ms.value() >= 0);
    CHECK(ended.finished_at.value() >= ended.started_at);
    CHECK(ended.row_hash == row.row_hash);
}

TEST_CASE("what a caller may get wrong") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    RunIntent what = intent();
    what.action.clear();
    CHECK(begin(*ledger, what).error().code == Code::invalid);
    what = intent();
    what.actor_kind = "ghost";
    CHECK(begin(*ledger, what).error().code == Code::invalid);

    std::string uid = start(*ledger);
    RunOutcome outcome;
    outcome.status = RunStatus::running;
    CHECK(finish(*ledger, uid, outcome).error().code == Code::invalid);
    CHECK(finish(*ledger, "no-such-run").error().slug == "run_not_open");
    REQUIRE(finish(*ledger, uid));
    CHECK(finish(*ledger, uid).error().slug == "run_not_open");
    CHECK(ledger->get("no-such-run").error().slug == "run_not_found");
    CHECK(verify(dir / "l.db").value().intact());
}

TEST_CASE("no secret reaches the file") {
    TempDir dir;
    auto redactor = std::make_shared<redact::Redactor>();
    redactor->learn_value("canary-known-value");
    LedgerOptions options = options_for(dir / "l.db");
    options.redactor = redactor;
    auto ledger = open(options);
    auto marks = std::make_shared<redact::SchemaMarks>();
    marks->add("/pin");
    RunIntent what = intent("web canary-known-value");
    what.payload = json::parse(R"({"env":["DB_PASSWORD=canary-env"],"pin":"canary-pin"})").value();
    what.payload_marks = marks;
    IdempotencyClaim claim{"alice", "key-1", "f"};
    auto begun = begin(*ledger, what, claim);
    std::string uid = std::get<Started>(begun.value()).run_uid;
    RunOutcome outcome;
    outcome.result = json::parse(R"({"token":"canary-token"})").value();
    outcome.error = "login failed for https://u:canary-url@host";
    StoredResponse response{200, "application/json", "", R"({"secret":"canary-body"})"};
    REQUIRE(finish(*ledger, uid, outcome, response));
    REQUIRE(record(*ledger, "login", json::parse(R"({"cookie":"canary-cookie"})").value()));
    ledger.reset();
    std::ifstream file(dir / "l.db", std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    CHECK(bytes.str().find("[redacted]") != std::string::npos);
    CHECK(bytes.str().find("canary") == std::string::npos);
}

TEST_CASE("runs without an outcome are found again, and can be finished") {
    TempDir dir;
    std::string open_uid, done_uid;
    {
        auto ledger = open(dir / "l.db");
        CHECK(ledger->interrupted().empty());
        open_uid = start(*ledger);
        done_uid = start(*ledger);
        REQUIRE(finish(*ledger, done_uid));
    }
    auto ledger = open(dir / "l.db");
    auto interrupted = ledger->interrupted();
    REQUIRE(interrupted.size() == 1);
    CHECK(interrupted.front().run_uid == open_uid);
    RunOutcome outcome;
    outcome.status = RunStatus::failed;
    outcome.error = "interrupted";
    REQUIRE(finish(*ledger, open_uid, outcome));
    CHECK(ledger->get(open_uid).value().error == "interrupted");
    CHECK(verify(dir / "l.db").value().intact());
}

TEST_CASE("a database has one owner") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    auto second = Ledger::open(options_for(dir / "l.db"));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Code::conflict);
    CHECK(second.error().slug == "ledger_in_use");
    CHECK(second.error().message.find("process " + std::to_string(::getpid())) != std::string::npos);
    ledger.reset();
    CHECK(Ledger::open(options_for(dir / "l.db")).has_value());
}

TEST_CASE("a ledger that cannot be opened says why") {
    TempDir dir;
    auto missing = Ledger::open(options_for(dir / "no/such/dir/l.db"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().slug == "ledger_unavailable");
    CHECK(missing.error().message.find(dir / "no/such/dir/l.db") != std::string::npos);
    CHECK(missing.error().message.find("No such file") != std::string::npos);

    std::ofstream(dir / "text.db") << std::string(5000, 'x');
    auto garbage = Ledger::open(options_for(dir / "text.db"));
    REQUIRE_FALSE(garbage);
    CHECK(garbage.error().message.find("text.db") != std::string::npos);

    ::mkdir((dir / "dir.db").c_str(), 0700);
    CHECK_FALSE(Ledger::open(options_for(dir / "dir.db")));

    { auto ledger = open(dir / "new.db"); }
    tamper(dir / "new.db", "INSERT INTO schema_migrations VALUES (999, 'later', 'now')");
    CHECK(Ledger::open(options_for(dir / "new.db")).error().slug == "ledger_too_new");
}

TEST_CASE("odd file names are names") {
    TempDir dir;
    std::string path = dir / "a b%41?mode=memory#x.db";
    {
        auto ledger = open(path);
        start(*ledger);
    }
    CHECK(std::filesystem::exists(path));
    CHECK(verify(path).value().runs == 1);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("readers and verification run beside the writer") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::atomic<bool> stop{false};
    std::atomic<int> reads{0};
    std::atomic<bool> wrong{false};
    std::vector<std::thread> readers;
    for (int t = 0; t < 6; ++t)
        readers.emplace_back([&] {
            std::size_t last = 0;
            while (!stop) {
                auto page = ledger->list({}, 500);
                if (!page || page->rows.size() < last) wrong = true;
                if (page) last = page->rows.size();
                ++reads;
            }
        });
    for (int i = 0; i < 100; ++i) {
        std::string uid = start(*ledger);
        if (!finish(*ledger, uid)) wrong = true;
        if (i % 20 == 0 && !verify(dir / "l.db").value().intact()) wrong = true;
    }
    stop = true;
    for (auto& reader : readers) reader.join();
    CHECK_FALSE(wrong);
    CHECK(reads > 0);
    CHECK(ledger->list({}, 500).value().rows.size() == 100);
}
