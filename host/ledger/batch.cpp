#include "ledger/batch.h"

namespace acp::ledger {

Result<void> Batch::add(BeginOp& op) {
    if (op.claim) {
        auto answer = answer_for(*op.claim);
        if (!answer) return fail(answer.error());
        if (*answer) {
            op.begun = std::move(**answer);
            return {};
        }
        claimed_[{op.claim->principal, op.claim->key}] = writes_.claims.size();
        writes_.claims.push_back({*op.claim, op.row.run_uid, now_ms_, std::nullopt});
    }
    Link link = append(head_, subject::kIntent, op.row.run_uid, op.digest);
    op.row.id = link.seq;
    op.row.prev_hash = link.prev_hash;
    op.row.row_hash = link.row_hash;
    op.begun = Started{op.row.run_uid};
    writes_.runs.push_back(&op.row);
    writes_.links.push_back(std::move(link));
    return {};
}

Result<std::optional<Begun>> Batch::answer_for(const IdempotencyClaim& claim) {
    const ClaimRow* found = nullptr;
    std::optional<ClaimRow> stored;
    if (auto here = claimed_.find({claim.principal, claim.key}); here != claimed_.end()) {
        found = &writes_.claims[here->second];
    } else {
        auto row = transaction_.find_claim(claim.principal, claim.key);
        if (!row) return fail(row.error());
        stored = std::move(*row);
        if (stored && stored->created_ms <= now_ms_ - kClaimLifetimeMs) {
            writes_.dropped_claims.push_back(stored->claim);
            stored.reset();
        }
        if (stored) found = &*stored;
    }
    if (found == nullptr) return std::optional<Begun>();
    if (found->claim.fingerprint != claim.fingerprint) return std::optional<Begun>(Mismatch{});
    if (found->response) return std::optional<Begun>(Replay{*found->response});
    return std::optional<Begun>(InFlight{found->run_uid});
}

Result<void> Batch::add(FinishOp& op) {
    if (op.tried) {
        auto open = transaction_.is_open(op.row.run_uid);
        if (!open) return fail(open.error());
        if (!*open) return {};  // the commit that reported a failure had succeeded
    }
    writes_.links.push_back(append(head_, subject::kOutcome, op.row.run_uid, op.digest));
    writes_.outcomes.push_back(&op.row);
    if (op.has_claim && op.response)
        writes_.responses.emplace_back(op.row.run_uid, &*op.response);
    else if (op.has_claim)
        writes_.released_runs.push_back(op.row.run_uid);
    return {};
}

Result<void> Batch::add(EventOp& op) {
    Link link = append(head_, subject::kEvent, op.row.event_uid, op.digest);
    op.row.id = link.seq;
    op.row.prev_hash = link.prev_hash;
    op.row.row_hash = link.row_hash;
    writes_.events.push_back(&op.row);
    writes_.links.push_back(std::move(link));
    return {};
}

Result<void> Batch::apply() {
    if (!writes_.links.empty()) writes_.head = head_;
    return transaction_.apply(writes_);
}

}  // namespace acp::ledger
