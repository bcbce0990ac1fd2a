// wire: a response's body source on its loop: wakes, heartbeats and the end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/response.h"
#include "wire/loop.h"
#include "wire/wake.h"

namespace acp::wire {

/// Loop thread only, but for the source's wakes.
class Feed final : private Wake::Target {
public:
    class Listener {
    public:
        virtual void on_feed() = 0;       ///< `pull` may have something
        virtual void on_heartbeat() = 0;  ///< the source's interval has passed

    protected:
        ~Listener() = default;
    };
    /// `listener` is told nothing once this is gone.
    Feed(Loop& loop, std::unique_ptr<http::BodySource> source, Listener& listener);
    ~Feed();
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    /// Appends to `out`. After `ended` and `failed` the source is gone.
    http::BodySource::Pulled pull(std::string& out);
    void heartbeat(std::string& out);
    /// Has `on_feed` called after others had their turn.
    void again();
    /// Tells the source that nobody listens any more, unless it has ended.
    void stop(int reason);

private:
    void on_wake() override { listener_.on_feed(); }
    void arm_heartbeat();
    Loop& loop_;
    Listener& listener_;
    std::unique_ptr<http::BodySource> source_;
    std::optional<Wake> wake_;
    std::optional<Loop::TimerKey> heartbeat_;
};

}  // namespace acp::wire
