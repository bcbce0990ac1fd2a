// ledger: what readiness and metrics show of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace acp::ledger {

struct Health {
    bool writable = true;
    std::string last_error;           ///< why it is not writable, or was not last; empty when it always was
    std::size_t queue_depth = 0;      ///< operations that wait, kept outcomes included
    std::int64_t last_commit_ms = 0;  ///< Unix time of the last commit, 0 before the first
};

/// Since the ledger was opened.
struct Counters {
    std::uint64_t rows = 0;  ///< begins, outcomes and events that are durable
    std::uint64_t commits = 0;
    std::uint64_t failures = 0;     ///< commits that the store refused
    std::uint64_t refused = 0;      ///< begins and events told that the ledger is unavailable
    std::uint64_t events_lost = 0;  ///< events nobody waited for that could not be kept
    std::uint64_t largest_batch = 0;
    std::uint64_t commit_ns = 0;  ///< time spent in commits
};

}  // namespace acp::ledger
