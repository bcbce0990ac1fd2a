#include "wire/loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

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

constexpr std::int64_t kLingerMs = 2000;

// Stand for descriptors of the loop's own in epoll's data.
char wake_mark, tick_mark;

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
      tick_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      now_ns_(monotonic_ns()) {
    if (!epoll_ || !wake_ || !tick_) throw std::system_error(errno, std::generic_category(), "event loop");
    for (auto [fd, mark] : {std::pair{wake_.get(), &wake_mark}, std::pair{tick_.get(), &tick_mark}}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = mark;
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
            throw std::system_error(errno, std::generic_category(), "event loop");
    }
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
    thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    std::array<epoll_event, 256> events{};
    while (!stopping_.load(std::memory_order_acquire)) {
        int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms());
        now_ns_ = monotonic_ns();
        bool woken = false;
        bool ticked = false;
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events.at(static_cast<std::size_t>(i));
            if (event.data.ptr == &wake_mark)
                woken = true;
            else if (event.data.ptr == &tick_mark)
                ticked = true;
            else
                static_cast<FdHandler*>(event.data.ptr)->on_events(event.events);
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
        if (!local_.empty()) run_local();
        if (ticked) expire();
        while (!timers_.empty() && timers_.begin()->first.first <= now_ns_) {
            auto node = timers_.extract(timers_.begin());
            node.mapped()();
        }
        if (!ticking_) set_tick();
        retired_.clear();
    }
    thread_.store({}, std::memory_order_relaxed);
    {
        std::lock_guard lock(posted_mutex_);
        accepts_posts_ = false;
    }
    run_posted();
    run_local();
    timers_.clear();
    retired_.clear();
}

void Loop::stop() {
    stopping_.store(true, std::memory_order_release);
    std::uint64_t one = 1;
    [[maybe_unused]] auto n = ::write(wake_.get(), &one, sizeof one);
}

void Loop::post(std::function<void()> task) {
    if (thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
        local_.push_back(std::move(task));
        return;
    }
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

void Loop::run_local() {
    std::vector<std::function<void()>> tasks;
    tasks.swap(local_);
    for (auto& task : tasks) task();
}

void Loop::expire() {
    std::uint64_t ignored = 0;
    [[maybe_unused]] auto n = ::read(tick_.get(), &ignored, sizeof ignored);
    for (TimeoutList* list : lists()) list->expire(now_ns_);
    set_tick();
}

/// Runs the tick exactly while a list holds something. A timeout given to
/// epoll_wait would make the kernel set up and take down a timer for each wait.
void Loop::set_tick() {
    bool wanted = false;
    for (const TimeoutList* list : lists()) wanted = wanted || list->next_deadline() != INT64_MAX;
    if (wanted == ticking_) return;
    ticking_ = wanted;
    itimerspec every{};
    if (wanted) every.it_interval.tv_nsec = every.it_value.tv_nsec = kTickNs;
    ::timerfd_settime(tick_.get(), 0, &every, nullptr);
}

std::array<TimeoutList*, 5> Loop::lists() noexcept {
    return {&header_timeouts, &idle_timeouts, &body_timeouts, &write_timeouts, &linger_timeouts};
}

int Loop::wait_ms() const noexcept {
    if (!revisit_.empty() || !local_.empty()) return 0;
    if (timers_.empty()) return -1;
    // Rounded up: waking a moment too early would spin until the deadline.
    std::int64_t ms = (timers_.begin()->first.first - now_ns_ + 999'999) / 1'000'000;
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

void Loop::make_date() {
    const std::int64_t now = unix_ns();
    const auto second = static_cast<std::time_t>(now / 1'000'000'000);
    date_until_ns_ = now_ns_ + (1'000'000'000 - now % 1'000'000'000);
    std::tm tm{};
    ::gmtime_r(&second, &tm);
    // strftime's names follow the locale; the process never leaves "C".
    std::strftime(date_.data(), date_.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
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

}  // namespace acp::wire
