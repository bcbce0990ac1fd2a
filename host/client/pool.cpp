#include "client/pool.h"

#include <algorithm>
#include <utility>

#include "client/attempt.h"
#include "client/http1.h"
#include "client/http2.h"

namespace acp::client {

namespace {

constexpr std::int64_t kSweepMs = 1000;

}  // namespace

Pool::~Pool() {
    if (sweep_timer_) loop().cancel(*sweep_timer_);
    for (Attempt* attempt : std::exchange(attempts_, {})) attempt->stop();
    for (Http1* connection : std::vector(all1_)) connection->end();
    for (Http2* connection : std::vector(all2_)) connection->end();
}

void Pool::serve(Call& call) {
    if (!call.wants_fresh()) {
        for (Http2* connection : all2_) {
            if (!connection->has_room()) continue;
            connection->begin(call);
            return;
        }
        while (!idle_.empty()) {
            Http1* connection = idle_.back();
            idle_.pop_back();
            // A request that must not be sent twice gets no connection that has just ended.
            if (is_idempotent(call.request().method) || connection->is_alive()) {
                connection->begin(call);
                return;
            }
            connection->end();
        }
    }
    waiting_.push_back(&call);
    connect();
}

void Pool::forget(Call& call) noexcept {
    std::erase(waiting_, &call);
}

/// As many attempts as calls wait; but one alone while it is open whether what
/// comes out of it can carry them all.
void Pool::connect() {
    if (std::any_of(all2_.begin(), all2_.end(), [](const Http2* c) { return c->is_settling(); })) return;
    const bool may_share =
        origin_.versions == Versions::http2 || (origin_.versions == Versions::negotiate && !negotiated_http1_);
    const std::size_t wanted = may_share ? std::min<std::size_t>(1, waiting_.size()) : waiting_.size();
    while (attempts_.size() < wanted && in_use() < limits_.connections) {
        auto* attempt = new Attempt(*this, waiting_.front()->limits().connect_timeout_ms);
        attempts_.push_back(attempt);
        attempt->begin();
    }
}

Error Pool::no_connection(std::int64_t waited_ms) const {
    Error error;
    error.code = Code::unavailable;
    error.slug = "upstream_unreachable";
    error.retryable = true;
    if (attempts_.empty() && in_use() >= limits_.connections) {
        error.code = Code::exhausted;
        error.slug = "upstream_busy";
        error.message = "all " + std::to_string(limits_.connections) + " connections to " + place_ + " are in use";
    } else {
        error.message = "cannot connect to " + place_ + ": no answer in " + std::to_string(waited_ms) + " ms";
    }
    return error;
}

void Pool::remove(Attempt& attempt) noexcept {
    std::erase(attempts_, &attempt);
}

void Pool::established(Attempt& attempt, Http1& connection) {
    remove(attempt);
    negotiated_http1_ = true;
    all1_.push_back(&connection);
    idle(connection);
    connect();
}

void Pool::established(Attempt& attempt, Http2& connection) {
    remove(attempt);
    negotiated_http1_ = false;
    all2_.push_back(&connection);
    has_room(connection);
}

/// Who has waited longest is told; all of them when nothing else is under way,
/// rather than having each wait for an attempt of its own.
void Pool::failed(Attempt& attempt, const Error& error) {
    remove(attempt);
    std::size_t count = attempts_.empty() ? waiting_.size() : 1;
    while (count-- > 0 && !waiting_.empty()) {
        Call* call = waiting_.front();
        waiting_.pop_front();
        call->failed(error, Seen::maybe);
    }
}

/// Who has waited longest and can do with this connection; null when nobody can.
template <typename Connection>
Call* Pool::take_waiting(const Connection& connection) {
    const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const Call* c) { return !c->wants_fresh() || !connection.was_used(); });
    if (at == waiting_.end()) return nullptr;
    Call* const call = *at;
    waiting_.erase(at);
    return call;
}

/// Too many are trimmed by the sweep: this may be called while the connection is
/// still becoming what it is.
void Pool::idle(Http1& connection) {
    if (Call* call = take_waiting(connection)) {
        connection.begin(*call);
        return;
    }
    idle_.push_back(&connection);
    plan_sweep(idle_.size() > limits_.idle ? 0 : kSweepMs);
}

void Pool::ended(Http1& connection) {
    std::erase(all1_, &connection);
    std::erase(idle_, &connection);
    connect();
}

void Pool::has_room(Http2& connection) {
    while (connection.has_room()) {
        Call* call = take_waiting(connection);
        if (!call) break;
        connection.begin(*call);
    }
    if (!waiting_.empty()) connect();
    plan_sweep(kSweepMs);
}

void Pool::ended(Http2& connection) {
    std::erase(all2_, &connection);
    connect();
}

void Pool::plan_sweep(std::int64_t ms) {
    if (sweep_timer_ && ms >= kSweepMs) return;
    if (sweep_timer_) loop().cancel(*sweep_timer_);
    sweep_timer_ = loop().after(ms, [this] {
        sweep_timer_.reset();
        sweep();
    });
}

void Pool::sweep() {
    const std::int64_t since = loop().now_ns() - limits_.idle_ms * 1'000'000;
    std::size_t surplus = idle_.size() - std::min(idle_.size(), limits_.idle);
    for (Http1* connection : std::vector(idle_)) {
        if (surplus > 0 || connection->idle_since_ns() <= since) connection->end();
        surplus -= surplus > 0 ? 1 : 0;
    }
    for (Http2* connection : std::vector(all2_))
        if (connection->is_idle() && connection->idle_since_ns() <= since) connection->end();
    if (!idle_.empty() || !all2_.empty()) plan_sweep(kSweepMs);
}

/// A pool whose TLS files were replaced is never asked for again; it goes when
/// the next one comes.
Pool& Pools::to(const Origin& origin) {
    const auto at = pools_.find(origin);
    if (at != pools_.end()) return *at->second;
    std::erase_if(pools_, [](const auto& entry) { return entry.second->unused(); });
    return *pools_.emplace(origin, std::make_unique<Pool>(surroundings_, origin, limits_)).first->second;
}

}  // namespace acp::client
