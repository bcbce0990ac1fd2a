// docker: time of the caller, and the context of calls that the plugin makes on
// its own behalf, in the background or after the caller's time is up.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::docker {

/// Throws sdk::Failure once `call` was cancelled or its deadline passed; `what`
/// says what it waited for.
inline void require_time(const sdk::Call& call, const std::string& what) {
    if (call.cancelled()) throw sdk::Failure(ACP_E_CANCELLED, "the action was cancelled: " + what);
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (call.deadline_mono_ns() != 0 && std::chrono::nanoseconds(now).count() >= call.deadline_mono_ns())
        throw sdk::Failure(ACP_E_DEADLINE, "the deadline passed: " + what);
}

class OwnCall {
public:
    explicit OwnCall(std::int64_t seconds) {
        raw_.struct_size = sizeof raw_;
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        raw_.deadline_mono_ns = std::chrono::nanoseconds(now).count() + seconds * 1'000'000'000;
    }
    /// No deadline; ends when `cancelled` says so.
    explicit OwnCall(std::function<bool()> cancelled) : cancelled_(std::move(cancelled)) {
        raw_.struct_size = sizeof raw_;
        raw_.ctx = this;
        raw_.cancelled = [](const acp_call* raw) -> int32_t {
            return static_cast<const OwnCall*>(raw->ctx)->cancelled_() ? 1 : 0;
        };
    }
    OwnCall(const OwnCall&) = delete;
    OwnCall& operator=(const OwnCall&) = delete;

    sdk::Call call() const noexcept { return sdk::Call(&raw_); }

private:
    acp_call raw_{};
    std::function<bool()> cancelled_;
};

}  // namespace acp::docker
