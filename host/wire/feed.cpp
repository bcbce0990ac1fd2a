#include "wire/feed.h"

#include "alphaswarm-cp/stream.h"

namespace acp::wire {

Feed::Feed(Loop& loop, std::unique_ptr<http::BodySource> source, Listener& listener)
    : loop_(loop), listener_(listener), source_(std::move(source)) {
    wake_.emplace(loop, static_cast<Wake::Target&>(*this));
    source_->attach(wake_->handle());
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
    if (wake_) wake_->handle()();
}

void Feed::stop(int reason) {
    if (heartbeat_) loop_.cancel(*heartbeat_);
    heartbeat_.reset();
    wake_.reset();
    if (auto source = std::move(source_)) source->cancel(reason);
}

void Feed::arm_heartbeat() {
    const std::int64_t ms = source_->heartbeat_ms();
    if (ms <= 0) return;
    heartbeat_ = loop_.after(ms, [this] {
        heartbeat_.reset();
        arm_heartbeat();
        listener_.on_heartbeat();
    });
}

}  // namespace acp::wire
