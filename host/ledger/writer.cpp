#include "ledger/writer.h"

#include <algorithm>
#include <iterator>

#include "base/clock.h"

namespace acp::ledger {

namespace {

constexpr std::chrono::milliseconds kFirstRetry{100};
constexpr std::chrono::milliseconds kLastRetry{1000};
constexpr std::int64_t kExpireClaimsEveryMs = 10 * 60 * 1000;

Error audit_unavailable(const Error& cause) {
    Error error = cause;
    error.code = Code::unavailable;
    error.slug = "audit_unavailable";
    error.retryable = true;
    error.retry_after_ms = kLastRetry.count();
    return error;
}

/// Outcomes first: they end what others may be waiting for.
int phase(const Op& op) {
    if (std::holds_alternative<std::unique_ptr<FinishOp>>(op)) return 0;
    return std::holds_alternative<std::unique_ptr<EventOp>>(op) ? 1 : 2;
}

}  // namespace

Writer::Writer(Store& store, WriterOptions options, std::unordered_map<std::string, OpenRun> open)
    : store_(store), options_(std::move(options)), open_(std::move(open)), thread_([this] { run(); }) {}

Writer::~Writer() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

bool Writer::push(Op& op) {
    bool wake = false;
    {
        std::lock_guard lock(mutex_);
        bool outcome = as<FinishOp>(op) != nullptr;
        if (stopping_ || (!outcome && queue_.size() >= options_.queue_limit)) {
            if (!outcome) ++refused_;
            return false;
        }
        queue_.push_back(std::move(op));
        wake = queue_.size() == target_;
    }
    if (wake) wake_.notify_one();
    return true;
}

std::optional<OpenRun> Writer::take_open(const std::string& run_uid) {
    std::lock_guard lock(open_mutex_);
    auto node = open_.extract(run_uid);
    return node.empty() ? std::nullopt : std::optional<OpenRun>(node.mapped());
}

void Writer::reopen(const std::string& run_uid, const OpenRun& run) {
    std::lock_guard lock(open_mutex_);
    open_.insert_or_assign(run_uid, run);
}

Health Writer::health() const {
    Health health;
    health.writable = writable_;
    health.last_commit_ms = last_commit_ms_;
    std::lock_guard lock(mutex_);
    health.last_error = last_error_;
    health.queue_depth = queue_.size() + kept_count_;
    return health;
}

Counters Writer::counters() const {
    return {rows_, commits_, failures_, refused_, events_lost_, largest_batch_, commit_ns_};
}

void Writer::run() {
    std::vector<Op> ops;
    while (next_batch(ops)) {
        process(ops);
        ops.clear();
    }
    if (!kept_.empty()) try_again();
    give_up();
}

bool Writer::next_batch(std::vector<Op>& ops) {
    std::unique_lock lock(mutex_);
    auto ready = [this] { return stopping_ || !queue_.empty(); };
    if (fault_)
        wake_.wait_until(lock, retry_at_, ready);
    else
        wake_.wait(lock, ready);
    if (stopping_ && queue_.empty()) return false;
    if (!fault_) gather(lock);
    std::size_t count = std::min(queue_.size(), options_.max_batch);
    auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
    ops.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
    return true;
}

/// Those whose rows were just committed tend to come back at once. Starting
/// with the first of them would make the rest wait for a whole commit, so as
/// many as last time are awaited, for at most half of what a commit takes.
void Writer::gather(std::unique_lock<std::mutex>& lock) {
    target_ = std::min(last_batch_, options_.max_batch);
    if (target_ > queue_.size() && !stopping_)
        wake_.wait_until(lock, Clock::now() + last_commit_duration_ / 2,
                         [this] { return stopping_ || queue_.size() >= target_; });
    target_ = 1;
}

void Writer::process(std::vector<Op>& ops) {
    if (fault_ && (Clock::now() < retry_at_ || !try_again())) return set_aside(ops);
    std::stable_sort(ops.begin(), ops.end(), [](const Op& a, const Op& b) { return phase(a) < phase(b); });
    if (!ops.empty()) commit(ops);
}

bool Writer::commit(std::span<Op> ops) {
    auto done = attempt(ops);
    if (done) {
        complete(ops);
        return true;
    }
    if (done.error().code != Code::conflict) {
        enter_fault(done.error());
        set_aside(ops);
        return false;
    }
    // One row is refused for its content: halving finds it, the others go in.
    if (ops.size() == 1) {
        refuse(ops.front(), done.error());
        return true;
    }
    auto middle = ops.size() / 2;
    if (!commit(ops.first(middle))) {
        set_aside(ops.subspan(middle));
        return false;
    }
    return commit(ops.subspan(middle));
}

Result<void> Writer::attempt(std::span<Op> ops) {
    auto start = Clock::now();
    std::int64_t now_ms = options_.now_ms();
    auto transaction = store_.begin_write();
    if (!transaction) return fail(transaction.error());
    auto head = (*transaction)->head();
    if (!head) return fail(head.error());
    if (!*head) return fail(Code::internal, "ledger_damaged", "the ledger's head row is gone: run audit verify");
    Batch batch(**transaction, std::move(**head), now_ms);
    bool expire = now_ms - claims_expired_ms_ >= kExpireClaimsEveryMs;
    if (expire) batch.expire_claims();
    for (Op& op : ops)
        if (auto added = batch.add(op); !added) return added;
    if (auto applied = batch.apply(); !applied) return applied;
    if (auto committed = (*transaction)->commit(); !committed) return committed;
    if (expire) claims_expired_ms_ = now_ms;
    last_batch_ = ops.size();
    last_commit_duration_ = Clock::now() - start;
    last_commit_ms_ = unix_ms();
    commit_ns_ += static_cast<std::uint64_t>(std::chrono::nanoseconds(last_commit_duration_).count());
    ++commits_;
    if (ops.size() > largest_batch_) largest_batch_ = ops.size();
    return {};
}

void Writer::complete(std::span<Op> ops) {
    std::uint64_t rows = 0;
    {
        std::lock_guard lock(open_mutex_);
        for (Op& op : ops) {
            auto* begin = as<BeginOp>(op);
            if (begin != nullptr && !std::holds_alternative<Started>(begin->begun)) continue;
            ++rows;
            if (begin != nullptr) open_[begin->row.run_uid] = {begin->started_ms, begin->claim.has_value()};
        }
    }
    rows_ += rows;
    for (Op& op : ops) {
        if (auto* begin = as<BeginOp>(op))
            begin->done(std::move(begin->begun));
        else if (auto* finish = as<FinishOp>(op))
            finish->done({});
        else if (auto* event = as<EventOp>(op); event->done)
            event->done({});
    }
}

void Writer::refuse(Op& op, const Error& error) {
    ++failures_;
    if (auto* begin = as<BeginOp>(op)) {
        begin->done(fail(error));
    } else if (auto* finish = as<FinishOp>(op)) {
        reopen(finish->row.run_uid, {finish->started_ms, finish->has_claim});
        finish->done(fail(error));
    } else if (auto* event = as<EventOp>(op); event->done) {
        event->done(fail(error));
    } else if (!event->tried) {  // tried before: the row that is there is its own
        ++events_lost_;
    }
}

void Writer::set_aside(std::span<Op> ops) {
    Error error = fault_ ? audit_unavailable(*fault_) : Error{};
    for (Op& op : ops) {
        auto* finish = as<FinishOp>(op);
        auto* event = as<EventOp>(op);
        if (finish != nullptr) {
            finish->tried = true;
            kept_.push_back(std::move(op));
        } else if (event != nullptr && !event->done) {
            if (kept_.size() < options_.queue_limit) {
                event->tried = true;
                kept_.push_back(std::move(op));
            } else {
                ++events_lost_;
            }
        } else {
            ++refused_;
            if (event != nullptr)
                event->done(fail(error));
            else
                as<BeginOp>(op)->done(fail(error));
        }
    }
    kept_count_ = kept_.size();
}

bool Writer::try_again() {
    if (kept_.empty()) {
        if (auto probed = probe(); !probed) {
            enter_fault(probed.error());
            return false;
        }
    }
    std::vector<Op> ops = std::move(kept_);
    kept_.clear();
    std::span<Op> rest(ops);
    while (!rest.empty()) {
        std::size_t count = std::min(rest.size(), options_.max_batch);
        bool written = commit(rest.first(count));
        rest = rest.subspan(count);
        if (written) continue;
        set_aside(rest);
        return false;
    }
    leave_fault();
    return true;
}

Result<void> Writer::probe() {
    auto transaction = store_.begin_write();
    if (!transaction) return fail(transaction.error());
    auto head = (*transaction)->head();
    if (!head) return fail(head.error());
    Writes writes;
    writes.head = std::move(*head);
    if (auto applied = (*transaction)->apply(writes); !applied) return applied;
    return (*transaction)->commit();
}

void Writer::enter_fault(const Error& error) {
    ++failures_;
    fault_ = error;
    retry_delay_ = retry_delay_.count() == 0 ? kFirstRetry : std::min(retry_delay_ * 2, kLastRetry);
    retry_at_ = Clock::now() + retry_delay_;
    writable_ = false;
    std::lock_guard lock(mutex_);
    last_error_ = error.message;
}

void Writer::leave_fault() {
    fault_.reset();
    retry_delay_ = {};
    kept_count_ = 0;
    writable_ = true;
}

void Writer::give_up() {
    Error error = fault_ ? audit_unavailable(*fault_) : Error{};
    for (Op& op : kept_) {
        if (auto* finish = as<FinishOp>(op))
            finish->done(fail(error));
        else
            ++events_lost_;
    }
    kept_.clear();
    kept_count_ = 0;
}

}  // namespace acp::ledger
