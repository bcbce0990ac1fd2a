// local: until when a call may wait, and waiting that notices a cancellation.
#pragma once

#include <cstdint>
#include <string>

#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::local {

std::int64_t monotonic_ms() noexcept;
std::int64_t unix_ms() noexcept;

class Deadline {
public:
    /// The call's own deadline, or `fallback_ms` from now where it has none.
    Deadline(const sdk::Call& call, std::int64_t fallback_ms) noexcept;

    /// Throws sdk::Failure: ACP_E_CANCELLED, or ACP_E_DEADLINE; `waiting_for`
    /// completes "... while waiting for".
    void check(const std::string& waiting_for) const;
    /// Waits until `fd` is readable or has hung up; throws as `check` does.
    void wait_readable(int fd, const std::string& waiting_for) const;
    /// For the next wait: what is left, at most 100 so that a cancellation is seen.
    int slice_ms() const noexcept;

private:
    const sdk::Call& call_;
    std::int64_t at_ms_;
};

}  // namespace acp::local
