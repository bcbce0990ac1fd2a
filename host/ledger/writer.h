// ledger: the one thread that writes. Whatever is queued while a commit runs
// shares the next one, so many rows pay for one sync of the disk.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "ledger/batch.h"
#include "ledger/health.h"
#include "ledger/store.h"

namespace acp::ledger {

struct WriterOptions {
    std::size_t max_batch = 256;
    std::size_t queue_limit = 4096;
    std::function<std::int64_t()> now_ms;  ///< Unix time; for the age of idempotency keys
};

/// A run whose row is durable and that has no outcome yet.
struct OpenRun {
    std::int64_t started_ms = 0;  ///< Unix time
    bool has_claim = false;       ///< an idempotency key waits for its response
};

class Writer {
public:
    /// `open` are the runs that an earlier process left without an outcome.
    Writer(Store& store, WriterOptions options, std::unordered_map<std::string, OpenRun> open);
    /// Commits what is queued, then joins the thread. An outcome that cannot be
    /// written even now is reported to its `done` as failed.
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// [any-thread] Never blocks. False, and nothing taken, when the queue is
    /// full (outcomes are always taken) or the writer stops.
    bool push(Op& op);

    /// [any-thread] Takes the run out of the open ones: the caller finishes it.
    std::optional<OpenRun> take_open(const std::string& run_uid);

    Health health() const;
    Counters counters() const;

private:
    using Clock = std::chrono::steady_clock;

    void run();
    /// Waits for work and takes it; none when it is only time to try a faulty
    /// store again. False when the writer stops and the queue is empty.
    bool next_batch(std::vector<Op>& ops);
    void gather(std::unique_lock<std::mutex>& lock);
    void process(std::vector<Op>& ops);
    /// False when the store failed; the operations are then set aside.
    bool commit(std::span<Op> ops);
    Result<void> attempt(std::span<Op> ops);
    void complete(std::span<Op> ops);
    /// The database refuses this row and no other.
    void refuse(Op& op, const Error& error);
    /// The store failed: refuses what has not happened yet, keeps what has.
    void set_aside(std::span<Op> ops);
    /// Commits what was kept, or an empty write, to see whether the store works.
    bool try_again();
    Result<void> probe();
    void enter_fault(const Error& error);
    void leave_fault();
    void give_up();
    void reopen(const std::string& run_uid, const OpenRun& run);

    Store& store_;
    const WriterOptions options_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Op> queue_;    ///< under mutex_
    std::size_t target_ = 1;  ///< queue length that ends a gathering; under mutex_
    bool stopping_ = false;   ///< under mutex_
    std::string last_error_;  ///< under mutex_

    std::mutex open_mutex_;
    std::unordered_map<std::string, OpenRun> open_;  ///< under open_mutex_

    // The writer thread's own.
    std::vector<Op> kept_;  ///< outcomes and events that wait for a store that writes again
    std::optional<Error> fault_;
    Clock::time_point retry_at_;
    std::chrono::milliseconds retry_delay_{0};
    std::int64_t claims_expired_ms_ = 0;
    std::size_t last_batch_ = 0;              ///< operations in the last commit
    Clock::duration last_commit_duration_{};  ///< of the last commit

    std::atomic<bool> writable_{true};
    std::atomic<std::size_t> kept_count_{0};
    std::atomic<std::int64_t> last_commit_ms_{0};
    std::atomic<std::uint64_t> rows_{0}, commits_{0}, failures_{0}, refused_{0}, events_lost_{0};
    std::atomic<std::uint64_t> largest_batch_{0}, commit_ns_{0};

    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace acp::ledger
