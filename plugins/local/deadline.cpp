#include "deadline.h"

#include <poll.h>

#include <algorithm>
#include <ctime>

namespace acp::local {

namespace {

std::int64_t clock_ms(clockid_t clock) noexcept {
    timespec t{};
    ::clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000;
}

}  // namespace

std::int64_t monotonic_ms() noexcept {
    return clock_ms(CLOCK_MONOTONIC);
}
std::int64_t unix_ms() noexcept {
    return clock_ms(CLOCK_REALTIME);
}

Deadline::Deadline(const sdk::Call& call, std::int64_t fallback_ms) noexcept
    : call_(call),
      at_ms_(call.deadline_mono_ns() != 0 ? call.deadline_mono_ns() / 1'000'000 : monotonic_ms() + fallback_ms) {}

void Deadline::check(const std::string& waiting_for) const {
    if (call_.cancelled()) throw sdk::Failure(ACP_E_CANCELLED, "cancelled while waiting for " + waiting_for);
    if (monotonic_ms() >= at_ms_)
        throw sdk::Failure(ACP_E_DEADLINE, "the deadline passed while waiting for " + waiting_for, true);
}

void Deadline::wait_readable(int fd, const std::string& waiting_for) const {
    for (;;) {
        pollfd one{fd, POLLIN, 0};
        if (::poll(&one, 1, slice_ms()) > 0) return;
        check(waiting_for);
    }
}

int Deadline::slice_ms() const noexcept {
    return static_cast<int>(std::clamp<std::int64_t>(at_ms_ - monotonic_ms(), 0, 100));
}

}  // namespace acp::local
