#include "plugins/retirer.h"

#include <utility>

namespace acp::plugins {

Retirer::~Retirer() {
    stop();
}

void Retirer::run(std::function<void()> task) {
    {
        std::lock_guard lock(mutex_);
        if (!stopping_) {
            tasks_.push_back(std::move(task));
            ++pending_;
            if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
            changed_.notify_all();
            return;
        }
    }
    task();
}

std::size_t Retirer::pending() const {
    std::lock_guard lock(mutex_);
    return pending_;
}

void Retirer::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

void Retirer::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        auto task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
        --pending_;
    }
}

}  // namespace acp::plugins
