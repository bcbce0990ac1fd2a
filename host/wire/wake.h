// wire: how another thread gets something on a loop to look again.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "wire/loop.h"

namespace acp::wire {

/// Wakes its target on the loop, once however often it was asked to meanwhile,
/// and not any more once this is gone. The handle may outlive both.
class Wake {
public:
    class Target {
    public:
        virtual void on_wake() = 0;

    protected:
        ~Target() = default;
    };
    Wake(Loop& loop, Target& target) : shared_(new Shared{loop, &target}) {}
    ~Wake() { shared_->target = nullptr; }
    Wake(const Wake&) = delete;
    Wake& operator=(const Wake&) = delete;

    std::function<void()> handle() const {
        return [shared = shared_] {
            if (shared->pending.exchange(true, std::memory_order_acq_rel)) return;
            shared->loop.post([shared] {
                shared->pending.store(false, std::memory_order_release);
                if (shared->target) shared->target->on_wake();
            });
        };
    }

private:
    struct Shared {
        Loop& loop;
        Target* target;  // loop thread only
        std::atomic<bool> pending{false};
    };
    std::shared_ptr<Shared> shared_;
};

}  // namespace acp::wire
