#include "work/pool.h"

#include <chrono>
#include <system_error>

#include "log/log.h"

namespace acp::work {

namespace {
constexpr std::chrono::seconds kIdleThread{30};
}

Pool::Pool(std::string name, std::size_t threads, std::size_t queue)
    : name_(std::move(name)), max_threads_(threads), max_queue_(queue) {}

Pool::~Pool() { stop(); }

bool Pool::reserve() {
    std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() + busy_ + reserved_ >= max_threads_ + max_queue_) {
        ++refused_;
        return false;
    }
    ++reserved_;
    return true;
}

void Pool::cancel_reservation() {
    std::lock_guard lock(mutex_);
    --reserved_;
    ended_.notify_all();
}

void Pool::run_reserved(std::function<void()> task) {
    std::lock_guard lock(mutex_);
    --reserved_;
    queue_.push_back(std::move(task));
    start_thread_if_needed();
    wake_.notify_one();
}

bool Pool::try_run(std::function<void()> task) {
    if (!reserve()) return false;
    run_reserved(std::move(task));
    return true;
}

void Pool::start_thread_if_needed() {
    if (idle_ >= queue_.size() || threads_ >= max_threads_) return;
    ++threads_;
    try {
        std::thread([this] { work(); }).detach();
    } catch (const std::system_error& e) {
        // The task waits for a thread that ends its own, or for the next try.
        --threads_;
        log::error("pool." + name_, "no thread can be started", {{"cause", e.what()}});
    }
}

void Pool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (queue_.empty()) {
            if (stopping_ && reserved_ == 0) break;
            ++idle_;
            const bool woken = wake_.wait_for(lock, kIdleThread, [this] { return !queue_.empty() || stopping_; });
            --idle_;
            if (!woken || queue_.empty()) break;
        }
        auto task = std::move(queue_.front());
        queue_.pop_front();
        ++busy_;
        lock.unlock();
        try {
            task();
        } catch (const std::exception& e) {
            log::error("pool." + name_, "a task threw", {{"cause", e.what()}});
        } catch (...) {
            log::error("pool." + name_, "a task threw");
        }
        task = nullptr;
        lock.lock();
        --busy_;
        ++done_;
    }
    --threads_;
    ended_.notify_all();
}

void Pool::stop() {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    // Reserved work is under way elsewhere (a ledger row is being written): it
    // still comes, and is still done.
    ended_.wait(lock, [this] {
        wake_.notify_all();
        if (!queue_.empty() && threads_ == 0) start_thread_if_needed();
        return threads_ == 0 && queue_.empty() && reserved_ == 0;
    });
}

Pool::Stats Pool::stats() const {
    std::lock_guard lock(mutex_);
    return {threads_, busy_, queue_.size(), max_threads_ + max_queue_, done_, refused_};
}

}  // namespace acp::work
