#include "wire/engine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocketImpl.h>

#include "base/clock.h"
#include "wire/http1/server.h"

namespace acp::wire {

namespace {

constexpr std::int64_t kAcceptPauseMs = 100;
/// A peer that has vanished without a word is noticed after about a minute: one
/// that waits for a quiet stream has no other limit.
constexpr int kKeepAliveIdleS = 30;
constexpr int kKeepAliveIntervalS = 10;
constexpr int kKeepAliveProbes = 3;

}  // namespace

class Shard final : private FdHandler {
public:
    Shard(unsigned index, Poco::Net::ServerSocket socket, const Options& options, Application& application)
        : limits_(options.limits),
          connection_limit_(std::max<std::size_t>(1, options.limits.connections / options.loops)),
          application_(application),
          socket_(std::move(socket)),
          loop_(index, limits_) {
        loop_.watch(socket_.impl()->sockfd(), EPOLLIN, *this);
    }
    ~Shard() { stop(); }

    void start() {
        thread_ = std::thread([this] {
            loop_.run();
            connections_.each([](Connection& c) { c.abort(); });
        });
    }
    void begin_drain() {
        loop_.post([this] {
            draining_ = true;
            loop_.unwatch(socket_.impl()->sockfd());
            socket_.impl()->close();
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
    /// New connections are taken in bounded handfuls, so that a burst of them
    /// does not keep the present ones waiting.
    void on_events(std::uint32_t) override {
        for (int i = 0; i < 64; ++i) {
            int fd = ::accept4(socket_.impl()->sockfd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting();
                return;
            }
            if (loop_.counters.open.get() >= connection_limit_) {
                loop_.counters.over_limit.add();
                ::close(fd);
                continue;
            }
            Poco::Net::StreamSocket socket(new Poco::Net::StreamSocketImpl(fd));
            int on = 1;
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            auto* connection = new Connection(loop_, connections_, socket);
            connection->open(std::make_unique<http1::Server>(*connection, application_, limits_));
        }
    }
    /// Out of descriptors: the listener would be reported again at once, over and over.
    void pause_accepting() {
        loop_.unwatch(socket_.impl()->sockfd());
        loop_.after(kAcceptPauseMs, [this] {
            if (!draining_) loop_.watch(socket_.impl()->sockfd(), EPOLLIN, *this);
        });
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
    Poco::Net::ServerSocket socket_;
    ConnectionList connections_;
    Loop loop_;
    bool draining_ = false;  // loop thread only
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable drained_signal_;
    bool drained_ = false;
};

namespace {

/// SO_REUSEPORT would let a second server of the same user share the port and
/// take half of the connections unseen; without it, the kernel tells.
void refuse_shared_port(const Poco::Net::SocketAddress& address) {
    if (address.port() == 0) return;
    Poco::Net::ServerSocket probe;
    probe.bind(address, true, false);
}

Poco::Net::ServerSocket listen_on(const Poco::Net::SocketAddress& address) {
    Poco::Net::ServerSocket socket;
    socket.bind(address, true, true);
    // Children that plugins start must not inherit a listener.
    ::fcntl(socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    socket.listen(1024);
    socket.setBlocking(false);
    // Accepted sockets inherit these.
    socket.setKeepAlive(true);
    socket.setOption(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
    socket.setOption(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalS);
    socket.setOption(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
    return socket;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::bind(const Options& options, Application& application) {
    auto engine = std::unique_ptr<Engine>(new Engine);
    const std::string where = options.host + ":" + std::to_string(options.port);
    try {
        Poco::Net::SocketAddress address(options.host, options.port);
        refuse_shared_port(address);
        for (unsigned i = 0; i < options.loops; ++i) {
            Poco::Net::ServerSocket socket = listen_on(address);
            // The first shard settles the port for the others.
            if (i == 0) address = Poco::Net::SocketAddress(address.host(), socket.address().port());
            engine->shards_.push_back(std::make_unique<Shard>(i, std::move(socket), options, application));
        }
        engine->port_ = address.port();
    } catch (const Poco::Exception& e) {
        return fail(Code::unavailable, "listen_failed",
                    "cannot listen on " + where + ": " + e.displayText() + " (" + std::strerror(e.code()) +
                        "); choose another address with server.listen or --listen");
    } catch (const std::exception& e) {
        return fail(Code::unavailable, "listen_failed", "cannot listen on " + where + ": " + e.what());
    }
    return engine;
}

Engine::~Engine() { stop(); }

void Engine::start() {
    for (auto& shard : shards_) shard->start();
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
