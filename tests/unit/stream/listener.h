// A plugin's ear on a stream: records its callbacks.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "stream/stream.h"

namespace acp::stream::test {

class Ear {
public:
    /// What happened, e.g. "data 0 hello", "credit 10", "close 1".
    std::vector<std::string> heard() const {
        std::lock_guard lock(mutex_);
        return heard_;
    }
    int closes() const { return closes_; }
    /// Runs within each callback.
    std::function<void()> during;

    acp_stream_events events() {
        acp_stream_events e{};
        e.struct_size = sizeof e;
        e.ctx = this;
        e.on_data = [](void* ctx, std::uint8_t channel, acp_bytes bytes) {
            of(ctx).note("data " + std::to_string(channel) + " " +
                         std::string(reinterpret_cast<const char*>(bytes.ptr), bytes.len));
        };
        e.on_credit = [](void* ctx, std::uint64_t credit) { of(ctx).note("credit " + std::to_string(credit)); };
        e.on_close = [](void* ctx, std::int32_t reason) {
            ++of(ctx).closes_;
            of(ctx).note("close " + std::to_string(reason));
        };
        return e;
    }
    /// Whether two callbacks ever ran at once.
    bool overlapped() const { return overlapped_; }

private:
    static Ear& of(void* ctx) { return *static_cast<Ear*>(ctx); }
    void note(std::string what) {
        if (inside_.exchange(true)) overlapped_ = true;
        {
            std::lock_guard lock(mutex_);
            heard_.push_back(std::move(what));
        }
        if (during) during();
        inside_ = false;
    }
    mutable std::mutex mutex_;
    std::vector<std::string> heard_;
    std::atomic<int> closes_{0};
    std::atomic<bool> inside_{false}, overlapped_{false};
};

}  // namespace acp::stream::test
