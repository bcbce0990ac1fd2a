// plugins: where instances and generations end. Whoever lets go of one last may
// be a thread of that very plugin, which the plugin's own end waits for.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace acp::plugins {

/// One thread, started by its first task. [any-thread]
class Retirer {
public:
    Retirer() = default;
    ~Retirer();
    Retirer(const Retirer&) = delete;
    Retirer& operator=(const Retirer&) = delete;

    void run(std::function<void()> task);
    /// How many tasks have not ended.
    std::size_t pending() const;
    /// Ends what it has; runs later tasks on the caller's thread.
    void stop();

private:
    void work();
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> tasks_;
    std::size_t pending_ = 0;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace acp::plugins
