#include "client/exchange.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "client/pool.h"
#include "client/runner.h"

namespace acp::client {

namespace {

using Pulled = http::BodySource::Pulled;

/// So much of an answer waits for its reader; beyond, the peer is not read.
constexpr std::size_t kWindow = 256 * 1024;
constexpr std::int64_t kSliceMs = 100;
constexpr std::int64_t kPullAgainMs = 20;

/// Between the loop, where the call is, and the thread that waits for it.
class Session final : public Call::Listener, public std::enable_shared_from_this<Session> {
public:
    struct News {
        bool head = false, ended = false, output_free = false, output_dead = false;
        std::string body;
        std::optional<Error> failed;
        bool any() const noexcept { return head || ended || output_free || !body.empty() || failed; }
    };

    // --- the waiting thread
    void begin(const Origin& origin, Request request, const Limits& limits) {
        runner().post([self = shared_from_this(), origin, limits,
                       request = std::make_shared<Request>(std::move(request))] {
            self->call_.emplace(runner().pools().to(origin), std::move(*request), limits, *self);
            self->call_->start();
        });
    }
    void end() {
        runner().post([self = shared_from_this()] { self->call_.reset(); });
    }
    void write(std::string_view bytes) {
        runner().post([self = shared_from_this(), copy = std::string(bytes)] { self->put(copy); });
    }
    void finish() {
        runner().post([self = shared_from_this()] {
            if (self->call_) self->call_->finish();
        });
    }
    News wait(std::int64_t ms) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return news_.any(); });
        News taken = std::exchange(news_, {});
        const bool resume = std::exchange(stalled_, false);
        lock.unlock();
        if (resume) runner().post([self = shared_from_this()] { self->on_body(); });
        return taken;
    }
    /// Set before the news of the head, and left alone then.
    int status = 0;
    bool upgraded = false;
    std::vector<std::pair<std::string, std::string>> fields;

private:
    // --- the loop
    void on_head(const ResponseHead& head) override {
        status = head.status;
        upgraded = head.upgraded;
        for (const auto& field : head.fields) fields.emplace_back(field.name, field.value);
        tell([](News& news) { news.head = true; });
    }
    void on_body() override {
        while (call_) {
            {
                std::lock_guard lock(mutex_);
                if (news_.body.size() >= kWindow) {
                    stalled_ = true;
                    return;
                }
            }
            piece_.clear();
            const Pulled pulled = call_->read(piece_);
            if (pulled == Pulled::empty) return;
            tell([&](News& news) {
                if (news.body.empty())
                    news.body.swap(piece_);
                else
                    news.body += piece_;
                news.ended = pulled == Pulled::ended;
                if (pulled == Pulled::failed) news.failed = call_->error();
            });
            if (pulled != Pulled::more) return;
        }
    }
    void on_failed(const Error& error) override {
        tell([&](News& news) { news.failed = error; });
    }
    void on_writable() override { output_free(false); }
    void put(const std::string& bytes) {
        if (!call_) return;
        const bool taken = call_->write(bytes);
        if (!taken || call_->unsent() == 0) output_free(!taken);
    }
    void output_free(bool dead) {
        tell([dead](News& news) {
            news.output_free = true;
            news.output_dead = dead;
        });
    }
    template <typename Change>
    void tell(Change change) {
        {
            std::lock_guard lock(mutex_);
            change(news_);
        }
        changed_.notify_one();
    }

    std::optional<Call> call_;  // loop thread only
    std::string piece_;
    std::mutex mutex_;
    std::condition_variable changed_;
    News news_;
    bool stalled_ = false;
};

tl::unexpected<Error> stopped() {
    return fail(Code::cancelled, "cancelled", "the caller stopped the exchange");
}

Result<void> check_time(const Bounds& bounds) {
    if (bounds.cancelled && bounds.cancelled())
        return fail(Code::cancelled, "cancelled", "the caller cancelled the request");
    if (bounds.limits.deadline_mono_ns != 0 && monotonic_ns() >= bounds.limits.deadline_mono_ns)
        return fail(Code::deadline, "deadline_exceeded", "the deadline passed before the exchange was complete");
    return {};
}

/// The waiting thread's side.
class Waiter {
public:
    Waiter(std::shared_ptr<Session> session, std::string place, const Handlers& handlers, const Bounds& bounds)
        : session_(std::move(session)), place_(std::move(place)), handlers_(handlers), bounds_(bounds) {}

    Result<void> run() {
        for (;;) {
            if (Result<void> go_on = check_time(bounds_); !go_on) return go_on;
            const bool asks_again = pull();
            const Session::News news = session_->wait(slice(asks_again));
            if (news.head)
                if (Result<void> taken = take_head(); !taken) return taken;
            if (news.output_free) busy_ = false;
            if (news.output_dead) pulling_ = false;
            if (Result<void> taken = take_body(news.body); !taken) return taken;
            if (news.failed) return tl::unexpected(*news.failed);
            if (news.ended) return {};
        }
    }

private:
    std::int64_t slice(bool asks_again) const {
        std::int64_t ms = asks_again ? kPullAgainMs : kSliceMs;
        if (bounds_.limits.deadline_mono_ns != 0)
            ms = std::clamp<std::int64_t>((bounds_.limits.deadline_mono_ns - monotonic_ns()) / 1'000'000 + 1, 0, ms);
        return ms;
    }
    Result<void> take_head() {
        std::vector<wire::http1::Field> fields;
        fields.reserve(session_->fields.size());
        for (const auto& [name, value] : session_->fields) fields.push_back({name, value});
        pulling_ = session_->upgraded && handlers_.on_pull;
        if (handlers_.on_head && !handlers_.on_head({session_->status, fields, session_->upgraded})) return stopped();
        return {};
    }
    Result<void> take_body(std::string_view bytes) {
        if (bytes.empty()) return {};
        if (bounds_.max_body_bytes != UINT64_MAX && bytes.size() > bounds_.max_body_bytes - delivered_)
            return fail(Code::exhausted, "body_too_large",
                        "the answer of " + place_ + " is larger than the bound of " +
                            std::to_string(bounds_.max_body_bytes) + " bytes");
        delivered_ += bytes.size();
        if (handlers_.on_body && !handlers_.on_body(bytes)) return stopped();
        return {};
    }
    /// True: there was nothing, and it is to be asked again.
    bool pull() {
        if (!pulling_ || busy_) return false;
        std::string_view out;
        switch (handlers_.on_pull(out)) {
            case Pull::bytes:
                if (out.empty()) return true;
                busy_ = true;
                session_->write(out);
                return false;
            case Pull::half_close:
                pulling_ = false;
                session_->finish();
                return false;
            case Pull::nothing:
                break;
        }
        return true;
    }

    const std::shared_ptr<Session> session_;
    const std::string place_;
    const Handlers& handlers_;
    const Bounds& bounds_;
    std::uint64_t delivered_ = 0;
    bool pulling_ = false;
    bool busy_ = false;
};

}  // namespace

Result<void> exchange(const Origin& origin, Request request, const Handlers& handlers, const Bounds& bounds) {
    if (Result<void> good = check(request); !good) return good;
    if (Result<void> go_on = check_time(bounds); !go_on) return go_on;
    const auto session = std::make_shared<Session>();
    session->begin(origin, std::move(request), bounds.limits);
    // Also when a callback throws.
    const std::shared_ptr<void> end(nullptr, [&](void*) { session->end(); });
    return Waiter(session, origin.place(), handlers, bounds).run();
}

}  // namespace acp::client
