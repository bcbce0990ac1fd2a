#include "wire/engine.h"

#include <Poco/Net/StreamSocketImpl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "wire/http1/server.h"
#include "wire/http2/server.h"
#include "wire/listen.h"

namespace acp::wire {

namespace {

constexpr std::int64_t kAcceptPauseMs = 100;

}  // namespace

/// One loop with its share of the listeners and connections.
class Shard final {
public:
    Shard(unsigned index, const Options& options, Application& application)
        : limits_(options.limits),
          connection_limit_(std::max<std::size_t>(1, options.limits.connections / options.loops)),
          application_(application),
          connections_(loop_.counters),
          loop_(index, limits_) {}
    ~Shard() { stop(); }

    void listen(const Poco::Net::ServerSocket& socket, bool shared, bool tls) {
        acceptors_.push_back(std::make_unique<Acceptor>(*this, socket, shared, tls));
        acceptors_.back()->watch();
    }
    void set_tls(std::shared_ptr<const MakeTls> make) {
        loop_.post([this, make = std::move(make)]() mutable { make_tls_ = std::move(make); });
    }
    /// Before `start`.
    void set_first_tls(std::shared_ptr<const MakeTls> make) { make_tls_ = std::move(make); }

    void start() {
        thread_ = std::thread([this] {
            loop_.run();
            connections_.each([](Connection& c) { c.abort(); });
        });
    }
    void begin_drain() {
        loop_.post([this] {
            draining_ = true;
            // What the kernel has completed was promised to be served.
            for (auto& acceptor : acceptors_) acceptor->close();
            connections_.each([](Connection& c) { c.drain(); });
            watch_for_end();
        });
    }
    bool wait_drained(std::int64_t deadline_ms) {
        std::unique_lock lock(mutex_);
        return drained_signal_.wait_for(lock, std::chrono::milliseconds(deadline_ms), [this] { return drained_; });
    }
    void stop() {
        if (!thread_.joinable()) return;
        loop_.stop();
        thread_.join();
    }
    const Counters& counters() const noexcept { return loop_.counters; }

private:
    class Acceptor final : private FdHandler {
    public:
        Acceptor(Shard& shard, const Poco::Net::ServerSocket& socket, bool shared, bool tls)
            : shard_(shard), socket_(socket), fd_(socket.impl()->sockfd()), shared_(shared), tls_(tls) {}
        void watch() { shard_.loop_.watch(fd_, shared_ ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN, *this); }
        void close() {
            if (!shared_)
                while (accept_one()) {
                }
            shard_.loop_.unwatch(fd_);
            // A shared one may be the service manager's, for the process that comes next.
            if (!shared_) socket_.impl()->close();
        }

    private:
        /// New connections are taken in bounded handfuls, so that a burst of them
        /// does not keep the present ones waiting.
        void on_events(std::uint32_t) override {
            for (int i = 0; i < 64 && accept_one(); ++i) {
            }
        }
        bool accept_one() {
            const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0) {
                shard_.take(fd, tls_);
                return true;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
            return errno == ECONNABORTED || errno == EINTR;
        }
        /// Out of descriptors: the listener would be reported again at once, over and over.
        void pause() {
            shard_.loop_.unwatch(fd_);
            shard_.loop_.after(kAcceptPauseMs, [this] {
                if (!shard_.draining_) watch();
            });
        }
        Shard& shard_;
        Poco::Net::ServerSocket socket_;
        const int fd_;
        const bool shared_;
        const bool tls_;
    };

    void take(int fd, bool tls) {
        // Slow or idle clients must not keep out a probe or an operator.
        if (loop_.counters.open.get() >= connection_limit_ + loop_.leaving() && !loop_.make_room()) {
            loop_.counters.over_limit.add();
            ::close(fd);
            return;
        }
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused by Unix sockets, which have no delay
        auto* connection =
            new Connection(loop_, connections_, Poco::Net::StreamSocket(new Poco::Net::StreamSocketImpl(fd)));
        connection->arm(loop_.header_timeouts);
        if (!tls) {
            connection->open(protocol(*connection, {}));
        } else if (tls::SslPtr ssl = (*make_tls_)()) {
            connection->open_secure(std::move(ssl),
                                    [this](Connection& c, std::string_view alpn) { return protocol(c, alpn); });
        } else {
            connection->abort();
        }
    }
    std::unique_ptr<Protocol> protocol(Connection& connection, std::string_view alpn) {
        if (alpn == "h2") return std::make_unique<http2::Server>(connection, application_, limits_);
        return std::make_unique<http1::Server>(connection, application_, limits_);
    }
    void watch_for_end() {
        if (connections_.empty()) {
            std::lock_guard lock(mutex_);
            drained_ = true;
            drained_signal_.notify_all();
            return;
        }
        loop_.after(20, [this] { watch_for_end(); });
    }

    const Limits limits_;
    const std::size_t connection_limit_;
    Application& application_;
    ConnectionList connections_;
    Loop loop_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    std::shared_ptr<const MakeTls> make_tls_;  // loop thread only
    bool draining_ = false;                    // loop thread only
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable drained_signal_;
    bool drained_ = false;
};

Result<std::unique_ptr<Engine>> Engine::bind(const Options& options, Application& application, MakeTls make_tls) {
    auto engine = std::unique_ptr<Engine>(new Engine);
    const auto shared_make = std::make_shared<const MakeTls>(std::move(make_tls));
    for (unsigned i = 0; i < options.loops; ++i) {
        engine->shards_.push_back(std::make_unique<Shard>(i, options, application));
        engine->shards_.back()->set_first_tls(shared_make);
    }
    for (const Listener& listener : options.listeners) {
        auto listening = listen(listener, options.loops);
        if (!listening) return fail(listening.error());
        for (unsigned i = 0; i < options.loops; ++i)
            engine->shards_[i]->listen(listening->sockets[listening->shared ? 0 : i], listening->shared,
                                       listening->tls);
        engine->listeners_.push_back(listening->options);
    }
    return engine;
}

Engine::~Engine() {
    stop();
}

void Engine::start() {
    for (auto& shard : shards_) shard->start();
}

void Engine::set_tls(MakeTls make) {
    const auto shared = std::make_shared<const MakeTls>(std::move(make));
    for (auto& shard : shards_) shard->set_tls(shared);
}

void Engine::drain(std::int64_t grace_ms) {
    for (auto& shard : shards_) shard->begin_drain();
    const std::int64_t until = monotonic_ns() / 1'000'000 + grace_ms;
    for (auto& shard : shards_) shard->wait_drained(std::max<std::int64_t>(0, until - monotonic_ns() / 1'000'000));
}

void Engine::stop() {
    for (auto& shard : shards_) shard->stop();
}

std::vector<const Counters*> Engine::counters() const {
    std::vector<const Counters*> all;
    for (const auto& shard : shards_) all.push_back(&shard->counters());
    return all;
}

}  // namespace acp::wire
