#include "wire/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "base/bytes.h"
#include "base/clock.h"

namespace acp::wire {

namespace {

constexpr std::size_t kPooledBuffers = 256;
constexpr std::size_t kPooledOutputBytes = 64 * 1024;
constexpr std::int64_t kLingerMs = 2000;

}  // namespace

Loop::Loop(unsigned index, const Limits& limits)
    : header_timeouts(limits.header_timeout_ms),
      idle_timeouts(limits.idle_timeout_ms),
      body_timeouts(limits.body_timeout_ms),
      write_timeouts(limits.write_timeout_ms),
      linger_timeouts(kLingerMs),
      index_(index),
      // Room behind the largest head, so that a body can be read past it.
      buffer_bytes_(limits.header_bytes + 4096),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_ns_(monotonic_ns()) {
    if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "event loop");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;  // stands for the wake-up descriptor
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
        throw std::system_error(errno, std::generic_category(), "event loop");
    // Ids are unique across restarts and replicas by the random part.
    std::array<char, 6> random{};
    random_bytes(random.data(), random.size());
    std::string prefix = hex({random.data(), random.size()});
    std::copy(prefix.begin(), prefix.end(), request_id_.begin());
    request_id_[12] = '-';
    std::fill(request_id_.begin() + 13, request_id_.begin() + 29, '0');
}

Loop::~Loop() = default;

void Loop::run() {
    std::array<epoll_event, 256> events{};
    while (!stopping_.load(std::memory_order_acquire)) {
        int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
        now_ns_ = monotonic_ns();
        bool woken = false;
        for (int i = 0; i < count; ++i) {
            auto* handler = static_cast<FdHandler*>(events.at(static_cast<std::size_t>(i)).data.ptr);
            if (handler)
                handler->on_events(events.at(static_cast<std::size_t>(i)).events);
            else
                woken = true;
        }
        if (!revisit_.empty()) {
            std::vector<FdHandler*> again;
            again.swap(revisit_);
            // One that closes another takes it off revisit_, not off this list:
            // both stay alive until retired_ is cleared, and a closed one ignores the call.
            for (FdHandler* handler : again) handler->on_events(0);
        }
        if (woken) {
            std::uint64_t ignored = 0;
            [[maybe_unused]] auto n = ::read(wake_.get(), &ignored, sizeof ignored);
            run_posted();
        }
        for (TimeoutList* list : {&header_timeouts, &idle_timeouts, &body_timeouts, &write_timeouts, &linger_timeouts})
            list->expire(now_ns_);
        while (!timers_.empty() && timers_.begin()->first.first <= now_ns_) {
            auto node = timers_.extract(timers_.begin());
            node.mapped()();
        }
        retired_.clear();
    }
    {
        std::lock_guard lock(posted_mutex_);
        accepts_posts_ = false;
    }
    run_posted();
    timers_.clear();
    retired_.clear();
}

void Loop::stop() {
    stopping_.store(true, std::memory_order_release);
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
}

void Loop::post(std::function<void()> task) {
    bool first = false;
    {
        std::lock_guard lock(posted_mutex_);
        if (!accepts_posts_) return;
        first = posted_.empty();
        posted_.push_back(std::move(task));
    }
    if (!first) return;
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
}

void Loop::run_posted() {
    std::vector<std::function<void()>> tasks;
    {
        std::lock_guard lock(posted_mutex_);
        tasks.swap(posted_);
    }
    for (auto& task : tasks) task();
}

int Loop::wait_ms() const noexcept {
    if (!revisit_.empty()) return 0;
    std::int64_t next = INT64_MAX;
    for (const TimeoutList* list : {&header_timeouts, &idle_timeouts, &body_timeouts, &write_timeouts, &linger_timeouts})
        next = std::min(next, list->next_deadline());
    if (!timers_.empty()) next = std::min(next, timers_.begin()->first.first);
    if (next == INT64_MAX) return -1;
    // Rounded up: waking a moment too early would spin until the deadline.
    std::int64_t ms = (next - now_ns_ + 999'999) / 1'000'000;
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 60'000));
}

bool Loop::watch(int fd, std::uint32_t events, FdHandler& handler) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &handler;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::unwatch(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

Loop::TimerKey Loop::after(std::int64_t ms, std::function<void()> task) {
    TimerKey key{now_ns_ + ms * 1'000'000, ++timer_sequence_};
    timers_.emplace(key, std::move(task));
    return key;
}

std::string_view Loop::date_line() {
    if (now_ns_ >= date_until_ns_) {
        const std::int64_t now = unix_ns();
        const auto second = static_cast<std::time_t>(now / 1'000'000'000);
        date_until_ns_ = now_ns_ + (1'000'000'000 - now % 1'000'000'000);
        std::tm tm{};
        ::gmtime_r(&second, &tm);
        // strftime's names follow the locale; the process never leaves "C".
        std::strftime(date_.data(), date_.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    }
    return {date_.data(), 37};
}

std::string_view Loop::next_request_id() {
    // Counts in hexadecimal on the text itself: mostly one digit changes.
    for (std::size_t i = 28; i > 12; --i) {
        char& digit = request_id_[i];
        if (digit == '9') {
            digit = 'a';
            break;
        }
        if (digit != 'f') {
            ++digit;
            break;
        }
        digit = '0';
    }
    return {request_id_.data(), 29};
}

std::unique_ptr<char[]> Loop::borrow_buffer() {
    if (buffers_.empty()) return std::unique_ptr<char[]>(new char[buffer_bytes_]);
    auto buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
}

void Loop::give_back(std::unique_ptr<char[]> buffer) {
    if (buffers_.size() < kPooledBuffers) buffers_.push_back(std::move(buffer));
}

std::string Loop::borrow_output() {
    if (outputs_.empty()) return {};
    std::string output = std::move(outputs_.back());
    outputs_.pop_back();
    return output;
}

void Loop::give_back(std::string output) {
    if (outputs_.size() >= kPooledBuffers || output.capacity() > kPooledOutputBytes) return;
    output.clear();
    outputs_.push_back(std::move(output));
}

}  // namespace acp::wire
