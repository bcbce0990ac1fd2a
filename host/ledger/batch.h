// ledger: what one transaction of the writer records.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "ledger/store.h"

namespace acp::ledger {

inline constexpr std::int64_t kClaimLifetimeMs = 24 * 60 * 60 * 1000;

struct BeginOp {
    RunRow row;  ///< digest's columns filled; id and hashes set by the batch
    std::string digest;
    std::int64_t started_ms = 0;
    std::optional<IdempotencyClaim> claim;
    std::function<void(Result<Begun>)> done;
    Begun begun;  ///< the batch's decision; holds once committed
};

struct FinishOp {
    RunRow row;  ///< run_uid and the outcome's columns
    std::string digest;
    std::int64_t started_ms = 0;
    bool has_claim = false;
    std::optional<StoredResponse> response;
    std::function<void(Result<void>)> done;
    bool tried = false;  ///< an earlier commit of it failed, but may have reached the disk
};

struct EventOp {
    EventRow row;
    std::string digest;
    std::function<void(Result<void>)> done;  ///< may be empty
    bool tried = false;                      ///< as in FinishOp
};

/// Held by pointer: rows are large, and operations move from queue to batch.
using Op = std::variant<std::unique_ptr<BeginOp>, std::unique_ptr<FinishOp>, std::unique_ptr<EventOp>>;

/// The operation if it is a T, else null.
template <typename T>
T* as(Op& op) noexcept {
    auto* held = std::get_if<std::unique_ptr<T>>(&op);
    return held != nullptr ? held->get() : nullptr;
}

/// Gathers the writes of some operations, and decides what an idempotency key
/// means, inside one transaction. The operations must outlive it.
/// [writer-thread]
class Batch {
public:
    Batch(WriteTransaction& transaction, Head head, std::int64_t now_ms)
        : transaction_(transaction), head_(std::move(head)), now_ms_(now_ms) {}

    Result<void> add(Op& op) {
        return std::visit([this](auto& each) { return add(*each); }, op);
    }
    void expire_claims() { writes_.expire_claims_before_ms = now_ms_ - kClaimLifetimeMs; }
    /// Writes everything, the chain's new end included.
    Result<void> apply();

private:
    Result<void> add(BeginOp& op);
    Result<void> add(FinishOp& op);
    Result<void> add(EventOp& op);
    /// What the key says to do instead of starting; nothing to start.
    Result<std::optional<Begun>> answer_for(const IdempotencyClaim& claim);

    WriteTransaction& transaction_;
    Head head_;
    const std::int64_t now_ms_;
    Writes writes_;
    std::map<std::pair<std::string, std::string>, std::size_t> claimed_;  ///< index in writes_.claims
};

}  // namespace acp::ledger
