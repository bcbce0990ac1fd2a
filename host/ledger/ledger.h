// ledger: the record of every action, durable before the action happens, as a
// hash chain in a database. Nothing is stored that the redactor hides.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ledger/health.h"
#include "ledger/lock_file.h"
#include "ledger/query.h"
#include "ledger/run.h"
#include "ledger/store.h"
#include "ledger/writer.h"
#include "redact/redactor.h"

namespace acp::ledger {

struct LedgerOptions {
    std::string path;                                  ///< of the SQLite file; its directory must exist
    std::size_t max_batch = 256;                       ///< operations that share one commit at most
    std::size_t queue_limit = 4096;                    ///< begins and events that may wait; more are refused
    std::shared_ptr<const redact::Redactor> redactor;  ///< one of its own when null
    std::int64_t max_pages = 0;                        ///< cap of the file in pages of 4 KiB, 0 for none
    std::function<std::int64_t()> now_ms = unix_ms;    ///< Unix time
};

/// All members but open() and the destructor: [any-thread]. Callbacks must not
/// throw and should be short: the writer thread runs them, and no commit
/// happens meanwhile. A call that is refused at once, because the queue is full
/// or the ledger closes, runs its callback before it returns.
class Ledger {
public:
    /// Opens or creates the database and takes its lock: one process owns a
    /// file. Errors: conflict `ledger_in_use`, conflict `ledger_too_new`,
    /// conflict `ledger_damaged` when the chain's end was tampered with,
    /// unavailable `ledger_unavailable` with path, cause and remedy.
    static Result<std::unique_ptr<Ledger>> open(LedgerOptions options);
    /// Commits what is queued, then closes.
    ~Ledger() = default;
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    using BeginDone = std::function<void(Result<Begun>)>;
    using Done = std::function<void(Result<void>)>;

    /// Records that an action is about to happen. `done` with Started: the row
    /// is on disk, act now. Errors: unavailable `audit_unavailable` (refuse the
    /// action), conflict for a run_uid that exists, invalid for a bad intent.
    void begin(RunIntent intent, std::optional<IdempotencyClaim> claim, BeginDone done);

    /// Records how a begun run ended. An outcome is never dropped while the
    /// process lives: it is kept and tried again until the disk takes it, and
    /// no run begins meanwhile; `done` comes when it is durable, or with
    /// `audit_unavailable` when the ledger closes before. `response` is what a
    /// repeated request with the same key gets; without one the key is free
    /// again. Errors: not_found `run_not_open`, invalid for a status that is no end.
    void finish(const std::string& run_uid, RunOutcome outcome, std::optional<StoredResponse> response, Done done);

    /// Records a security event. With `done`, the caller hears at once when the
    /// store fails; without, the event is kept and tried again, up to
    /// `queue_limit` of them.
    void record(SecurityEvent event, Done done = {});

    /// Error not_found `run_not_found`.
    Result<RunRow> get(const std::string& run_uid) const;
    Result<RunPage> list(const RunFilter& filter, std::size_t limit, const std::string& cursor = {}) const;
    Result<EventPage> list_events(const EventFilter& filter, std::size_t limit, const std::string& cursor = {}) const;

    /// Runs that an earlier process left without an outcome, oldest first, as
    /// they were when this one opened the ledger. Each is still to be finished.
    std::vector<RunRow> interrupted() const { return interrupted_; }

    Health health() const { return writer_.health(); }
    Counters counters() const { return writer_.counters(); }

private:
    Ledger(LockFile lock, LedgerOptions options, std::unique_ptr<Store> store, std::vector<RunRow> interrupted);

    LockFile lock_;
    const LedgerOptions options_;
    const std::unique_ptr<Store> store_;
    const std::vector<RunRow> interrupted_;
    Writer writer_;
};

}  // namespace acp::ledger
