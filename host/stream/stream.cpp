#include "stream/stream.h"

#include <algorithm>
#include <chrono>

namespace acp::stream {

namespace {

/// Longest single wait; keeps sums of nanoseconds in range.
constexpr std::int64_t kLongestWaitMs = 86'400'000;

}  // namespace

class Stream::Keep {
public:
    explicit Keep(Stream& stream) noexcept : stream_(stream) { stream_.retain(); }
    ~Keep() { stream_.release(); }
    Keep(const Keep&) = delete;
    Keep& operator=(const Keep&) = delete;

private:
    Stream& stream_;
};

void Stream::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

acp_status Stream::set_events(const acp_stream_events& events) {
    Keep keep(*this);
    std::unique_lock lock(mutex_);
    if (events_) return ACP_E_CONFLICT;
    events_ = events;
    drain_events(lock);
    return ACP_OK;
}

acp_status Stream::headers(Headers headers) {
    std::lock_guard lock(mutex_);
    if (!options_.answers_request) return ACP_E_UNSUPPORTED;
    if (wrote_ || headers_) return ACP_E_CONFLICT;
    headers_ = std::move(headers);
    return ACP_OK;
}

acp_status Stream::write(std::uint8_t channel, std::string_view bytes) {
    std::function<void()> wake;
    {
        std::lock_guard lock(mutex_);
        if (closed_ || finished_) return ACP_E_CLOSED;
        if (bytes.size() > options_.window) return ACP_E_INVALID;
        if (queued_ + bytes.size() > options_.window) {
            starved_ = true;
            return ACP_E_WOULD_BLOCK;
        }
        wrote_ = true;
        queued_ += bytes.size();
        // Small neighbours share a chunk, so that a chatty plugin costs no
        // allocation per write. The bound keeps one pull short.
        if (!queue_.empty() && queue_.back().channel == channel && queue_.back().bytes.size() + bytes.size() <= 4096)
            queue_.back().bytes.append(bytes);
        else
            queue_.push_back({channel, std::string(bytes)});
        wake = wake_;
    }
    if (wake) wake();
    return ACP_OK;
}

std::uint64_t Stream::credit() const {
    std::lock_guard lock(mutex_);
    return closed_ || finished_ ? 0 : options_.window - queued_;
}

acp_status Stream::wait_credit(std::uint64_t bytes, std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    bool in_time = credit_back_.wait_for(lock, std::chrono::milliseconds(std::clamp<std::int64_t>(timeout_ms, 0, kLongestWaitMs)), [&] {
        return closed_ || finished_ || options_.window - queued_ >= bytes;
    });
    if (closed_ || finished_) return ACP_E_CLOSED;
    return in_time ? ACP_OK : ACP_E_DEADLINE;
}

void Stream::consumed(std::uint64_t bytes) {
    std::function<void()> wake;
    {
        std::lock_guard lock(mutex_);
        input_unconsumed_ -= std::min(bytes, input_unconsumed_);
        wake = wake_;
    }
    if (wake) wake();
}

void Stream::finish(std::optional<Error> error) {
    Keep keep(*this);
    std::function<void()> wake;
    {
        std::unique_lock lock(mutex_);
        if (finished_) return;
        finished_ = true;
        failure_ = std::move(error);
        credit_back_.notify_all();
        settle(lock);
        // Nothing wakes a closed stream again; what it owns may own the stream.
        wake = closed_ ? std::exchange(wake_, nullptr) : wake_;
    }
    if (wake) wake();
}

bool Stream::closed() const {
    std::lock_guard lock(mutex_);
    return closed_ || finished_;
}

void Stream::attach(std::function<void()> wake) {
    std::function<void()> replaced;  // destroyed outside the lock: it may own the listener
    bool ready = false;
    {
        std::lock_guard lock(mutex_);
        replaced = std::exchange(wake_, nullptr);
        if (!closed_) wake_ = wake;
        ready = !queue_.empty() || finished_ || closed_;
    }
    if (ready && wake) wake();
}

Stream::Pulled Stream::pull(Chunk& out) {
    Keep keep(*this);
    std::unique_lock lock(mutex_);
    if (closed_) return Pulled::ended;
    if (queue_.empty()) return settle(lock) ? Pulled::ended : Pulled::empty;
    out = std::move(queue_.front());
    queue_.pop_front();
    queued_ -= out.bytes.size();
    credit_back_.notify_all();
    const std::uint64_t credit = options_.window - queued_;
    if (starved_ && credit >= options_.window / 2) {
        starved_ = false;
        Event event{Event::Kind::credit, 0, {}, credit, 0};
        raise(lock, std::move(event));
    }
    return Pulled::chunk;
}

std::optional<Error> Stream::failure() const {
    std::lock_guard lock(mutex_);
    return failure_;
}

std::optional<Headers> Stream::response_headers() const {
    std::lock_guard lock(mutex_);
    return headers_;
}

bool Stream::started() const {
    std::lock_guard lock(mutex_);
    return wrote_;
}

bool Stream::push(std::uint8_t channel, std::string_view bytes) {
    Keep keep(*this);
    std::unique_lock lock(mutex_);
    if (closed_ || finished_) return false;
    input_unconsumed_ += bytes.size();
    raise(lock, {Event::Kind::data, channel, std::string(bytes), 0, 0});
    return true;
}

std::uint64_t Stream::input_credit() const {
    std::lock_guard lock(mutex_);
    return options_.window - std::min(options_.window, input_unconsumed_);
}

void Stream::close(std::int32_t reason) {
    Keep keep(*this);
    std::function<void()> dropped;  // destroyed outside the lock: it may own the listener
    std::unique_lock lock(mutex_);
    dropped = std::exchange(wake_, nullptr);
    if (closed_) return;
    closed_ = true;
    queue_.clear();
    queued_ = 0;
    credit_back_.notify_all();
    raise(lock, {Event::Kind::close, 0, {}, 0, reason});
    lock.unlock();
}

/// Turns "finished and drained" into "closed"; true when it is closed.
bool Stream::settle(std::unique_lock<std::mutex>& lock) {
    if (closed_) return true;
    if (!finished_ || !queue_.empty()) return false;
    closed_ = true;
    raise(lock, {Event::Kind::close, 0, {}, 0, ACP_CLOSE_FINISHED});
    return true;
}

void Stream::raise(std::unique_lock<std::mutex>& lock, Event event) {
    pending_.push_back(std::move(event));
    drain_events(lock);
}

/// Whoever raises an event runs it, unless somebody is at it already: that one
/// takes the new event too. So callbacks are serial without a thread of their own.
void Stream::drain_events(std::unique_lock<std::mutex>& lock) {
    if (!events_ || running_event_) return;
    running_event_ = true;
    const acp_stream_events events = *events_;
    while (!pending_.empty()) {
        Event event = std::move(pending_.front());
        pending_.pop_front();
        lock.unlock();
        tell(events, event);
        lock.lock();
    }
    running_event_ = false;
}

void Stream::tell(const acp_stream_events& events, const Event& event) noexcept {
    try {
        switch (event.kind) {
            case Event::Kind::data:
                if (events.on_data)
                    events.on_data(events.ctx, event.channel,
                                   {reinterpret_cast<const std::uint8_t*>(event.bytes.data()), event.bytes.size()});
                break;
            case Event::Kind::credit:
                if (events.on_credit) events.on_credit(events.ctx, event.credit);
                break;
            case Event::Kind::close:
                if (events.on_close) events.on_close(events.ctx, event.reason);
                break;
        }
    } catch (...) {
        // A plugin's defect: it must not end the event loop that this may run
        // on, nor keep the other callbacks back.
    }
}

}  // namespace acp::stream
