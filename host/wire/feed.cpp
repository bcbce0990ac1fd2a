#include "wire/feed.h"

#include "alphaswarm-cp/stream.h"

namespace acp::wire {

Feed::Feed(Loop& loop, std::unique_ptr<http::BodySource> source, Listener& listener)
    : loop_(loop), source_(std::move(source)), wake_(new Wake{loop, &listener}) {
    source_->attach([wake = wake_] {
        if (wake->pending.exchange(true, std::memory_order_acq_rel)) return;
        wake->loop.post([wake] {
            wake->pending.store(false, std::memory_order_release);
            if (wake->listener) wake->listener->on_feed();
        });
    });
    arm_heartbeat();
}

Feed::~Feed() {
    stop(ACP_CLOSE_LISTENER);
}

http::BodySource::Pulled Feed::pull(std::string& out) {
    const auto pulled = source_->pull(out);
    if (pulled == http::BodySource::Pulled::ended || pulled == http::BodySource::Pulled::failed) {
        source_.reset();
        stop(ACP_CLOSE_FINISHED);
    }
    return pulled;
}

void Feed::heartbeat(std::string& out) {
    if (source_) source_->heartbeat(out);
}

void Feed::again() {
    loop_.post([wake = wake_] {
        if (wake->listener) wake->listener->on_feed();
    });
}

void Feed::stop(int reason) {
    if (heartbeat_) loop_.cancel(*heartbeat_);
    heartbeat_.reset();
    wake_->listener = nullptr;
    if (auto source = std::move(source_)) source->cancel(reason);
}

void Feed::arm_heartbeat() {
    const std::int64_t ms = source_->heartbeat_ms();
    if (ms <= 0) return;
    heartbeat_ = loop_.after(ms, [this] {
        heartbeat_.reset();
        arm_heartbeat();
        wake_->listener->on_heartbeat();
    });
}

}  // namespace acp::wire
