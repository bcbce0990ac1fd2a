#include "locks.h"

#include <chrono>

#include "own_call.h"

namespace acp::docker {

ServiceLocks::Held ServiceLocks::acquire(const sdk::Call& call, const std::string& service_id) {
    std::unique_lock lock(mutex_);
    while (busy_.contains(service_id)) {
        require_time(call, "another action on " + service_id + " still runs");
        changed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    busy_.insert(service_id);
    return {*this, service_id};
}

void ServiceLocks::release(const std::string& service_id) {
    const std::lock_guard lock(mutex_);
    busy_.erase(service_id);
    changed_.notify_all();
}

}  // namespace acp::docker
