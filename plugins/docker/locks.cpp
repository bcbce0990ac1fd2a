#include "locks.h"

#include <chrono>

#include "alphaswarm-cp/sdk/error.hpp"

namespace acp::docker {

ServiceLocks::Held ServiceLocks::acquire(const sdk::Call& call, const std::string& service_id) {
    std::shared_ptr<std::timed_mutex> mutex;
    {
        const std::lock_guard guard(mutex_);
        std::erase_if(by_id_, [](const auto& entry) { return entry.second.expired(); });
        auto& known = by_id_[service_id];
        mutex = known.lock();
        if (!mutex) known = mutex = std::make_shared<std::timed_mutex>();
    }
    std::unique_lock lock(*mutex, std::defer_lock);
    while (!lock.try_lock_for(std::chrono::milliseconds(100))) {
        if (call.cancelled()) throw sdk::Failure(ACP_E_CANCELLED, "cancelled while another action on " + service_id + " ran");
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        if (call.deadline_mono_ns() != 0 && std::chrono::nanoseconds(now).count() >= call.deadline_mono_ns())
            throw sdk::Failure(ACP_E_DEADLINE, "another action on " + service_id + " still runs");
    }
    return {std::move(mutex), std::move(lock)};
}

}  // namespace acp::docker
