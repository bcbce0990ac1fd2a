// docker: the threads behind open streams, owned by the instance and joined
// with it.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace acp::docker {

class Sessions {
public:
    using Body = std::function<void(const std::atomic<bool>& stopping)>;

    Sessions() = default;
    /// Tells all of them to stop and waits.
    ~Sessions();
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    /// `body` must not throw and must end soon after `stopping` is true.
    /// Throws sdk::Failure (ACP_E_EXHAUSTED) when no thread can be had.
    void run(Body body);

private:
    struct Session {
        std::thread thread;
        std::atomic<bool> done{false};
    };
    void reap();
    std::mutex mutex_;
    std::list<std::unique_ptr<Session>> all_;
    std::atomic<bool> stopping_{false};
};

}  // namespace acp::docker
