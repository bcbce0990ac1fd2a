// docker: one mutating action at a time for each workload.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::docker {

class ServiceLocks {
public:
    /// The right to act on one workload, until it is destroyed.
    class Held {
    public:
        Held(ServiceLocks& locks, std::string service_id) : locks_(locks), service_id_(std::move(service_id)) {}
        ~Held() { locks_.release(service_id_); }
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;

    private:
        ServiceLocks& locks_;
        const std::string service_id_;
    };
    /// Waits for the other action. Throws sdk::Failure: ACP_E_DEADLINE,
    /// ACP_E_CANCELLED.
    Held acquire(const sdk::Call& call, const std::string& service_id);

private:
    void release(const std::string& service_id);
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> busy_;
};

}  // namespace acp::docker
