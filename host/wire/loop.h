// wire: one epoll instance and its thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "wire/buffer.h"
#include "wire/counters.h"
#include "wire/options.h"
#include "wire/timer.h"

namespace acp::wire {

/// What a descriptor's events go to.
class FdHandler {
public:
    virtual void on_events(std::uint32_t events) = 0;

protected:
    ~FdHandler() = default;
};

/// Base of what is destroyed only after the current batch of events.
class Retired {
public:
    virtual ~Retired() = default;
};

/// Unless marked [any-thread], members are called on the loop's own thread, or
/// before `run`.
class Loop {
public:
    Loop(unsigned index, const Limits& limits);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void run();
    void stop();                                   ///< [any-thread]
    /// [any-thread]; dropped once stopped. From the loop's own thread it takes
    /// neither lock nor system call, and runs in the next round.
    void post(std::function<void()> task);

    bool watch(int fd, std::uint32_t events, FdHandler& handler) noexcept;
    void unwatch(int fd) noexcept;
    /// Calls the handler's on_events(0) in the next round, after the events.
    void revisit(FdHandler& handler) { revisit_.push_back(&handler); }
    void forget(FdHandler& handler) noexcept { std::erase(revisit_, &handler); }
    void retire(std::unique_ptr<Retired> object) { retired_.push_back(std::move(object)); }
    /// How many objects are on their way out.
    std::size_t leaving() const noexcept { return retired_.size(); }

    using TimerKey = std::pair<std::int64_t, std::uint64_t>;
    TimerKey after(std::int64_t ms, std::function<void()> task);
    void cancel(const TimerKey& key) { timers_.erase(key); }

    unsigned index() const noexcept { return index_; }
    /// Closes a connection that asks for nothing, so that one that does gets its
    /// place: the longest idle, else the one longest at its request's head.
    bool make_room() { return idle_timeouts.evict_first() || header_timeouts.evict_first(); }

    /// CLOCK_MONOTONIC at the last wake-up.
    std::int64_t now_ns() const noexcept { return now_ns_; }
    /// "Date: <IMF-fixdate>" and CRLF, made once a second.
    std::string_view date_line() {
        if (now_ns_ >= date_until_ns_) make_date();
        return {date_.data(), kDateLine};
    }
    /// The date alone.
    std::string_view date() { return date_line().substr(6, 29); }
    /// A fresh request id, valid until the next call.
    std::string_view next_request_id();

    /// Read buffers of `buffer_bytes()`, lent to connections while they have
    /// unprocessed input, so that idle ones hold none.
    std::unique_ptr<char[]> borrow_buffer() {
        if (buffers_.empty()) return std::unique_ptr<char[]>(new char[buffer_bytes_]);
        auto buffer = std::move(buffers_.back());
        buffers_.pop_back();
        return buffer;
    }
    void give_back(std::unique_ptr<char[]> buffer) {
        if (buffers_.size() < kPooledBuffers) buffers_.push_back(std::move(buffer));
    }
    std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
    /// Where a connection puts its output before it is sent; null while it holds
    /// another's. Empty between turns: what the socket does not take moves to the
    /// connection.
    Buffer* scratch(const void* owner) noexcept {
        if (scratch_owner_ != owner) {
            if (!scratch_.empty()) return nullptr;
            scratch_owner_ = owner;
        }
        return &scratch_;
    }

    /// Room for a request's head (3 KiB), lent from its parse until its answer.
    std::unique_ptr<http1::RequestHead> borrow_head() {
        return spare_head_ ? std::move(spare_head_) : std::make_unique<http1::RequestHead>();
    }
    void give_back(std::unique_ptr<http1::RequestHead> head) noexcept { spare_head_ = std::move(head); }

    TimeoutList header_timeouts, idle_timeouts, body_timeouts, write_timeouts, linger_timeouts;
    Counters counters;

private:
    static constexpr std::size_t kPooledBuffers = 256;
    static constexpr std::size_t kDateLine = 37;
    void make_date();
    void run_posted();
    void run_local();
    int wait_ms() const noexcept;
    void set_tick();
    void expire();
    std::array<TimeoutList*, 5> lists() noexcept;

    const unsigned index_;
    const std::size_t buffer_bytes_;
    UniqueFd epoll_, wake_, tick_;
    bool ticking_ = false;
    std::int64_t now_ns_ = 0;
    std::int64_t date_until_ns_ = 0;
    std::atomic<bool> stopping_{false};

    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;
    bool accepts_posts_ = true;
    std::vector<std::function<void()>> local_;  // posted by the loop's own thread
    std::atomic<std::thread::id> thread_{};

    std::map<TimerKey, std::function<void()>> timers_;
    std::uint64_t timer_sequence_ = 0;
    std::vector<std::unique_ptr<Retired>> retired_;
    std::vector<FdHandler*> revisit_;

    std::vector<std::unique_ptr<char[]>> buffers_;
    Buffer scratch_;
    const void* scratch_owner_ = nullptr;
    std::unique_ptr<http1::RequestHead> spare_head_;

    std::array<char, 64> date_{};
    std::array<char, 32> request_id_{};
};

}  // namespace acp::wire
