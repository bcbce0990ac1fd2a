// work: a bounded pool of threads for work that blocks. Full means told
// so at once: nothing queues without end, and no event loop ever waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace acp::work {

class Pool {
public:
    struct Stats {
        std::size_t threads = 0, busy = 0, queued = 0, limit = 0;
        std::uint64_t done = 0, refused = 0;
    };
    /// At most `threads` at work, started on demand and ended after a while
    /// without work; at most `queue` waiting.
    Pool(std::string name, std::size_t threads, std::size_t queue);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// Sets a place aside so that a later `run` cannot be refused. Give it back
    /// by `run` or `cancel_reservation`. [any-thread]
    bool reserve();
    void cancel_reservation();
    /// With a reservation: always taken. [any-thread]
    void run_reserved(std::function<void()> task);
    /// False when full or stopped. [any-thread]
    bool try_run(std::function<void()> task);
    /// Takes nothing more, finishes what it has, joins the threads.
    void stop();
    Stats stats() const;

private:
    void work();
    void start_thread_if_needed();

    const std::string name_;
    const std::size_t max_threads_;
    const std::size_t max_queue_;
    mutable std::mutex mutex_;
    std::condition_variable wake_, ended_;
    std::deque<std::function<void()>> queue_;
    std::size_t threads_ = 0, busy_ = 0, idle_ = 0, reserved_ = 0;
    std::uint64_t done_ = 0, refused_ = 0;
    bool stopping_ = false;
};

}  // namespace acp::work
