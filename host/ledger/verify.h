// ledger: checking a ledger against its hash chain.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/store.h"

namespace acp::ledger {

struct Problem {
    std::int64_t seq = 0;  ///< of the link concerned, 0 for none
    std::string run_uid;   ///< run or event concerned, may be empty
    /// link_missing, link_edited, chain_broken, subject_unknown, row_missing,
    /// row_edited, row_moved, row_unlinked, outcome_unlinked, outcome_unfounded,
    /// genesis_wrong, head_wrong, tail_cut
    std::string kind;
    std::string detail;
};

struct VerifyReport {
    static constexpr std::size_t kMaxProblems = 1000;

    std::string ledger_id;
    std::uint64_t runs = 0;
    std::uint64_t events = 0;
    std::uint64_t links = 0;
    std::uint64_t open_runs = 0;  ///< begun, no outcome yet
    std::uint64_t problem_count = 0;
    std::vector<Problem> problems;  ///< the first kMaxProblems

    bool intact() const noexcept { return problem_count == 0; }
};

/// Reads the whole ledger in one consistent view, read-only and without the
/// owner's lock, so a running server is not disturbed. Finds every edit of a
/// column that chain.h lists, and removed, moved, added and cut-off rows. Whoever
/// can write the file can also forge a whole chain: only a copy of the head kept
/// elsewhere shows that. Errors: not_found or unavailable `ledger_unavailable`.
Result<VerifyReport> verify(const std::string& path);
Result<VerifyReport> verify(Snapshot& snapshot);

}  // namespace acp::ledger
