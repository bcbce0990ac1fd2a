#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

namespace {

RunIntent bulky(std::size_t bytes) {
    RunIntent what = intent();
    what.payload = json::Var(std::string(bytes, 'x'));
    return what;
}

/// Begins runs until one is refused; the refusal.
Error fill(Ledger& ledger, std::size_t bytes) {
    for (int i = 0; i < 10000; ++i) {
        auto begun = begin(ledger, bulky(bytes));
        if (!begun) return begun.error();
    }
    throw std::runtime_error("the disk never filled up");
}

/// From a store that fails to one that works again: nothing begins meanwhile,
/// the outcome that waits is written, nothing is lost.
void check_outage(Ledger& ledger, const std::string& path, const std::string& waiting,
                  const std::function<void()>& mend) {
    RunOutcome outcome;
    outcome.result = json::Var(std::string(100'000, 'y'));
    Waiter<void> kept;
    ledger.finish(waiting, outcome, std::nullopt, kept.done());
    SecurityEvent event;
    event.kind = "denied";
    ledger.record(event);

    auto refused = begin(ledger, bulky(100'000));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unavailable);
    CHECK(refused.error().slug == "audit_unavailable");
    Waiter<void> told;
    ledger.record(event, told.done());
    CHECK(told.get().error().slug == "audit_unavailable");
    CHECK_FALSE(kept.ready());
    Health health = ledger.health();
    CHECK_FALSE(health.writable);
    CHECK(health.queue_depth == 2);
    CHECK(health.last_error.find(path) != std::string::npos);
    CHECK_FALSE(ledger.get(waiting).value().finished_at.has_value());

    mend();
    CHECK(kept.get().has_value());
    CHECK(ledger.get(waiting).value().result->size() == 100'002);
    start(ledger);
    health = ledger.health();
    CHECK(health.writable);
    CHECK(health.queue_depth == 0);
    auto report = verify(path).value();
    CHECK(report.intact());
    CHECK(report.events == 1);
}

class Mount {
public:
    explicit Mount(const std::string& path)
        : path_(path), done_(::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m") == 0) {}
    ~Mount() {
        if (done_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    Mount(const Mount&) = delete;
    Mount& operator=(const Mount&) = delete;
    bool done() const { return done_; }

private:
    std::string path_;
    bool done_;
};

/// A limit on the size of any file this process writes, as a disk that fails:
/// needs no privilege.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() { lift(); }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    void lift() { ::setrlimit(RLIMIT_FSIZE, &before_); }

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("a full disk refuses begins, keeps outcomes, and recovers") {
    TempDir dir;
    Mount mount(dir.path());
    if (!mount.done()) {
        WARN("skipped: mounting a small tmpfs needs root");
        return;
    }
    auto ledger = open(dir / "l.db");
    std::string waiting = start(*ledger);
    {
        std::ofstream ballast(dir / "ballast");
        std::string block(4096, 'b');
        while (ballast.write(block.data(), 4096) && ballast.flush()) {
        }
    }
    Error refusal = fill(*ledger, 100'000);
    CHECK(refusal.slug == "audit_unavailable");
    CHECK(refusal.message.find("no space is left for " + (dir / "l.db")) != std::string::npos);
    check_outage(*ledger, dir / "l.db", waiting, [&] { ::unlink((dir / "ballast").c_str()); });
}

TEST_CASE("writes that fail refuse begins, keep outcomes, and recover") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::string waiting = start(*ledger);
    FileSizeLimit limit(256 << 10);
    Error refusal = fill(*ledger, 100'000);
    CHECK(refusal.slug == "audit_unavailable");
    check_outage(*ledger, dir / "l.db", waiting, [&] { limit.lift(); });
}

TEST_CASE("a database at its cap refuses begins and says so") {
    TempDir dir;
    LedgerOptions options = options_for(dir / "l.db");
    options.max_pages = 60;
    auto ledger = open(options);
    Error refusal = fill(*ledger, 10'000);
    CHECK(refusal.slug == "audit_unavailable");
    CHECK(refusal.retryable);
    CHECK(refusal.message.find("no space is left for " + (dir / "l.db")) != std::string::npos);
    CHECK(verify(dir / "l.db").value().intact());
}

TEST_CASE("an outcome that cannot be written when the ledger closes is reported") {
    TempDir dir;
    std::string uid;
    Waiter<void> outcome;
    {
        auto ledger = open(dir / "l.db");
        uid = start(*ledger);
        FileSizeLimit limit(256 << 10);
        fill(*ledger, 100'000);
        RunOutcome large;
        large.result = json::Var(std::string(300'000, 'y'));
        ledger->finish(uid, large, std::nullopt, outcome.done());
        ledger.reset();
    }
    CHECK(outcome.get().error().slug == "audit_unavailable");
    auto ledger = open(dir / "l.db");
    std::set<std::string> interrupted;
    for (const auto& row : ledger->interrupted()) interrupted.insert(row.run_uid);
    CHECK(interrupted.count(uid) == 1);
    CHECK(verify(dir / "l.db").value().intact());
}
