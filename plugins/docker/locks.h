// docker: one mutating action at a time for each workload.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::docker {

class ServiceLocks {
public:
    /// Held by its holder; the entry goes with the last one.
    class Held {
    public:
        Held(std::shared_ptr<std::timed_mutex> mutex, std::unique_lock<std::timed_mutex> lock)
            : mutex_(std::move(mutex)), lock_(std::move(lock)) {}

    private:
        std::shared_ptr<std::timed_mutex> mutex_;  // outlives the lock on it
        std::unique_lock<std::timed_mutex> lock_;
    };
    /// Waits for the other action. Throws sdk::Failure: ACP_E_DEADLINE,
    /// ACP_E_CANCELLED.
    Held acquire(const sdk::Call& call, const std::string& service_id);

private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<std::timed_mutex>> by_id_;
};

}  // namespace acp::docker
