#include "client/call.h"

#include <algorithm>
#include <utility>

#include "client/pool.h"

namespace acp::client {

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr int kRefusalsMax = 3;

Error error_of(Code code, std::string slug, std::string message) {
    return fail(code, std::move(slug), std::move(message)).value();
}

}  // namespace

Call::Call(Pool& pool, Request request, Limits limits, Listener& listener)
    : pool_(pool), request_(std::move(request)), limits_(limits), listener_(listener) {
    pool_.enter();
}

Call::~Call() {
    if (timer_) pool_.loop().cancel(*timer_);
    if (carrier_) carrier_->drop(false);
    if (stage_ == Stage::connecting) pool_.forget(*this);
    pool_.leave();
}

void Call::start() {
    begun_ns_ = heard_ns_ = pool_.loop().now_ns();
    stage_ = Stage::connecting;
    arm();
    pool_.serve(*this);
}

void Call::carried_by(Carrier& carrier, bool used_before, std::shared_ptr<void> keeper) {
    carrier_ = &carrier;
    keeper_ = std::move(keeper);
    used_before_ = used_before;
    stage_ = Stage::head;
    heard();
    if (timer_ && next_limit() < timer_->first) {
        pool_.loop().cancel(*timer_);
        arm();
    }
}

void Call::heard() noexcept {
    heard_ns_ = pool_.loop().now_ns();
}

void Call::head(const ResponseHead& head) {
    stage_ = Stage::body;
    listener_.on_head(head);
}

void Call::arrived() {
    awaits_peer_ = false;
    heard();
    listener_.on_body();
}

http::BodySource::Pulled Call::read(std::string& out) {
    using Pulled = http::BodySource::Pulled;
    if (failed_) return Pulled::failed;
    if (!carrier_) return stage_ == Stage::done ? Pulled::ended : Pulled::empty;
    const Pulled pulled = carrier_->read(out, error_);
    if (pulled == Pulled::failed) {
        failed_ = true;
        stage_ = Stage::done;
        carrier_ = nullptr;
    }
    if (pulled == Pulled::empty && !awaits_peer_) {
        awaits_peer_ = true;
        heard();  // from now on it is the peer's turn
    }
    return pulled;
}

bool Call::write(std::string_view bytes) {
    return carrier_ && carrier_->write(bytes);
}

void Call::finish() {
    if (carrier_) carrier_->finish();
}

void Call::complete() noexcept {
    carrier_ = nullptr;
    stage_ = Stage::done;
}

void Call::failed(Error error, Seen seen) {
    carrier_ = nullptr;
    const bool on_new_one =
        seen == Seen::unanswered && used_before_ && !wants_fresh_ && is_idempotent(request_.method);
    const bool anywhere = seen == Seen::unseen && refusals_ < kRefusalsMax;
    if (!request_.source && stage_ == Stage::head && (on_new_one || anywhere)) {
        wants_fresh_ = on_new_one;
        refusals_ += anywhere ? 1 : 0;
        begun_ns_ = pool_.loop().now_ns();
        stage_ = Stage::connecting;
        pool_.serve(*this);
        return;
    }
    end(std::move(error));
}

void Call::end(Error error) {
    error_ = std::move(error);
    failed_ = true;
    if (timer_) pool_.loop().cancel(*std::exchange(timer_, std::nullopt));
    if (std::exchange(stage_, Stage::done) == Stage::body)
        listener_.on_body();
    else
        listener_.on_failed(error_);
}

void Call::give_up(Error error, bool silent) {
    if (carrier_) std::exchange(carrier_, nullptr)->drop(silent);
    if (stage_ == Stage::connecting) pool_.forget(*this);
    end(std::move(error));
}

/// One timer for all limits, looked at again when it fires: what moves a limit,
/// every byte, costs nothing.
std::int64_t Call::next_limit() const noexcept {
    std::int64_t next = limits_.deadline_mono_ns == 0 ? INT64_MAX : limits_.deadline_mono_ns;
    if (stage_ == Stage::connecting) next = std::min(next, begun_ns_ + limits_.connect_timeout_ms * kMs);
    if (stage_ != Stage::connecting && limits_.idle_timeout_ms >= 0)
        next = std::min(next, (awaits_peer_ ? heard_ns_ : pool_.loop().now_ns()) + limits_.idle_timeout_ms * kMs);
    return next;
}

void Call::arm() {
    const std::int64_t limit = next_limit();
    const std::int64_t now = pool_.loop().now_ns();
    const std::int64_t wait_ms = std::clamp<std::int64_t>((limit - now) / kMs + 1, 0, 60'000);
    timer_ = pool_.loop().after(wait_ms, [this] {
        timer_.reset();
        on_timer();
    });
}

void Call::on_timer() {
    if (stage_ == Stage::done) return;
    const std::int64_t now = pool_.loop().now_ns();
    if (limits_.deadline_mono_ns != 0 && now >= limits_.deadline_mono_ns) {
        give_up(error_of(Code::deadline, "deadline_exceeded", "the deadline passed before the exchange was complete"),
                false);
    } else if (now < next_limit()) {
        arm();
    } else if (stage_ == Stage::connecting) {
        give_up(pool_.no_connection(limits_.connect_timeout_ms), false);
    } else {
        give_up(error_of(Code::deadline, "upstream_silent",
                         pool_.place() + " was silent for " + std::to_string(limits_.idle_timeout_ms) + " ms"),
                true);
    }
}

}  // namespace acp::client
