// A wire::Engine on a loopback port with an application that a test scripts.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "unit/wire/peer.h"
#include "wire/engine.h"

namespace acp::wire::test {

inline http::Response text(std::string body, int status = 200) {
    http::Response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
}

/// A streamed body that a test feeds. Shared, so that the test can look at it
/// after the connection has let go of its part.
class Feed : public std::enable_shared_from_this<Feed> {
public:
    void write(std::string bytes) {
        change([&] { pieces_.push_back(std::move(bytes)); });
    }
    void end(bool failed = false) {
        change([&] { end_ = failed ? http::BodySource::Pulled::failed : http::BodySource::Pulled::ended; });
    }
    std::size_t pulled_bytes() const {
        std::lock_guard lock(mutex_);
        return pulled_;
    }
    /// ACP_CLOSE_* of `cancel`, nothing before.
    std::optional<int> cancelled() const {
        std::lock_guard lock(mutex_);
        return cancelled_;
    }
    int cancels() const {
        std::lock_guard lock(mutex_);
        return cancels_;
    }
    /// Whether the connection has dropped its part.
    bool dropped() const {
        std::lock_guard lock(mutex_);
        return dropped_;
    }
    std::int64_t heartbeat_ms = 0;

    http::Response response() {
        http::Response r;
        r.content_type = "text/plain";
        r.source = std::make_unique<Source>(shared_from_this());
        return r;
    }

private:
    class Source final : public http::BodySource {
    public:
        explicit Source(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
        ~Source() override {
            std::lock_guard lock(feed_->mutex_);
            feed_->wake_ = nullptr;
            feed_->dropped_ = true;
        }
        void attach(std::function<void()> wake) override {
            feed_->change([&] { feed_->wake_ = std::move(wake); });
        }
        Pulled pull(std::string& out) override {
            std::lock_guard lock(feed_->mutex_);
            if (feed_->pieces_.empty()) return feed_->end_;
            feed_->pulled_ += feed_->pieces_.front().size();
            out += feed_->pieces_.front();
            feed_->pieces_.pop_front();
            return Pulled::more;
        }
        void heartbeat(std::string& out) override { out += ":beat\n"; }
        std::int64_t heartbeat_ms() const override { return feed_->heartbeat_ms; }
        void cancel(int reason) override {
            std::lock_guard lock(feed_->mutex_);
            feed_->cancelled_ = reason;
            ++feed_->cancels_;
        }

    private:
        std::shared_ptr<Feed> feed_;
    };

    template <typename Change>
    void change(Change apply) {
        std::function<void()> wake;
        {
            std::lock_guard lock(mutex_);
            apply();
            wake = wake_;
        }
        if (wake) wake();
    }
    mutable std::mutex mutex_;
    std::deque<std::string> pieces_;
    http::BodySource::Pulled end_ = http::BodySource::Pulled::empty;
    std::function<void()> wake_;
    std::size_t pulled_ = 0;
    std::optional<int> cancelled_;
    int cancels_ = 0;
    bool dropped_ = false;
};

class Script final : public Application {
public:
    std::function<void(Exchange&)> answer = [](Exchange& e) { e.respond(text(std::string(e.request().target))); };
    std::atomic<int> requests{0};

    void on_request(Exchange& exchange) override {
        ++requests;
        answer(exchange);
    }
    http::Response on_refusal(int status, std::string_view slug, std::string_view) override {
        return text(std::string(slug), status);
    }

    /// For `answer`: defers, and keeps the responder for `take_deferred`.
    void defer(Exchange& exchange) {
        std::lock_guard lock(mutex_);
        deferred_.push_back(exchange.defer());
        arrived_.notify_all();
    }
    Responder take_deferred() {
        std::unique_lock lock(mutex_);
        if (!arrived_.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [this] { return !deferred_.empty(); }))
            throw std::runtime_error("no request was deferred in time");
        Responder first = deferred_.front();
        deferred_.pop_front();
        return first;
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Responder> deferred_;
};

struct Server {
    Script app;
    std::unique_ptr<Engine> engine;

    explicit Server(Limits limits = {}, unsigned loops = 1) {
        Options options;
        options.listeners.front().port = 0;
        options.loops = loops;
        options.limits = limits;
        auto bound = Engine::bind(options, app);
        if (!bound) throw std::runtime_error(bound.error().message);
        engine = std::move(*bound);
    }
    /// After the test has set `app.answer`: the loops read it without a lock.
    Server& start() {
        engine->start();
        return *this;
    }
    std::uint16_t port() const { return engine->port(); }
    std::uint64_t sum(Counter Counters::*which) const {
        std::uint64_t total = 0;
        for (const auto* c : engine->counters()) total += (c->*which).get();
        return total;
    }
    bool all_closed() const {
        return eventually([this] { return sum(&Counters::accepted) > 0 && sum(&Counters::open) == 0; });
    }
};

inline std::string get(std::string_view target, std::string_view more = {}) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}
inline std::string post(std::string_view target, std::string_view framing, std::string_view body = {}) {
    return "POST " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(framing) + "\r\n\r\n" +
           std::string(body);
}
inline std::string length(std::size_t n) {
    return "Content-Length: " + std::to_string(n);
}

}  // namespace acp::wire::test
