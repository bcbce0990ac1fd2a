// ledger: what a database must do for the ledger, and nothing about how.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ledger/chain.h"
#include "ledger/query.h"
#include "ledger/run.h"

namespace acp::ledger {

/// Error codes of a store: `conflict` for a row that the database refuses for
/// its content (the others of the batch are fine), `unavailable` for a database
/// that cannot write now, anything else for a fault of this program.

/// A row of idempotency_keys.
struct ClaimRow {
    IdempotencyClaim claim;
    std::string run_uid;
    std::int64_t created_ms = 0;             ///< Unix time
    std::optional<StoredResponse> response;  ///< none while the run is in flight
};

/// What one transaction writes. Rows are borrowed from the caller.
struct Writes {
    std::vector<const RunRow*> runs;
    std::vector<const RunRow*> outcomes;  ///< columns of the outcome, by run_uid
    std::vector<const EventRow*> events;
    std::vector<Link> links;
    std::optional<Head> head;
    std::vector<IdempotencyClaim> dropped_claims;
    std::vector<ClaimRow> claims;
    std::vector<std::pair<std::string, const StoredResponse*>> responses;  ///< by run_uid
    std::vector<std::string> released_runs;                                ///< their claims end without a response
    std::int64_t expire_claims_before_ms = 0;

    bool empty() const noexcept {
        return runs.empty() && outcomes.empty() && events.empty() && links.empty() && !head && claims.empty() &&
               responses.empty() && released_runs.empty() && expire_claims_before_ms == 0;
    }
};

/// One transaction that excludes other writers. Undone unless committed.
/// [writer-thread]
class WriteTransaction {
public:
    virtual ~WriteTransaction() = default;
    /// The chain's end; nothing in an empty database.
    virtual Result<std::optional<Head>> head() = 0;
    virtual Result<std::optional<ClaimRow>> find_claim(const std::string& principal, const std::string& key) = 0;
    /// Whether the run exists and has no outcome yet.
    virtual Result<bool> is_open(const std::string& run_uid) = 0;
    virtual Result<void> apply(const Writes& writes) = 0;
    /// Returns once the rows survive a power cut.
    virtual Result<void> commit() = 0;
};

/// A consistent view of all rows, for verification.
class Snapshot {
public:
    using VisitLink = std::function<void(const Link&, const RunRow*, const EventRow*)>;

    virtual ~Snapshot() = default;
    virtual Result<std::optional<Head>> head() = 0;
    /// The highest sequence number that the database ever gave to a link.
    virtual Result<std::int64_t> high_water() = 0;
    /// All links in order, each with the row that its `ref` names.
    virtual Result<void> each_link(const VisitLink& visit) = 0;
    virtual Result<void> each_unlinked_run(const std::function<void(const RunRow&)>& visit) = 0;
    virtual Result<void> each_unlinked_event(const std::function<void(const EventRow&)>& visit) = 0;
};

class Store {
public:
    virtual ~Store() = default;

    /// Brings the schema to this version. Refuses a newer one.
    virtual Result<void> migrate() = 0;
    virtual Result<std::unique_ptr<WriteTransaction>> begin_write() = 0;

    // Reads: [any-thread], beside a writer.
    virtual Result<std::optional<RunRow>> run(const std::string& run_uid) = 0;
    /// Newest first, at most `count`, only ids below `before_id`.
    virtual Result<std::vector<RunRow>> runs(const RunFilter& filter, std::int64_t before_id, std::size_t count) = 0;
    virtual Result<std::vector<RunRow>> open_runs() = 0;
    virtual Result<std::vector<EventRow>> events(const EventFilter& filter, std::int64_t before_id,
                                                 std::size_t count) = 0;
    virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;
};

}  // namespace acp::ledger
