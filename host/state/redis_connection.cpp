#include "state/redis_connection.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/bytes.h"
#include "base/socket_io.h"
#include "state/backend.h"
#include "state/names.h"

namespace acp::state {

namespace {

constexpr std::size_t kMostReply = 64U << 20;

std::string reason(int error) {
    return std::generic_category().message(error);
}

}  // namespace

tl::unexpected<Error> RedisConnection::broken(const std::string& cause) {
    usable_ = false;
    return unavailable("redis", place_ + ": " + cause);
}

Result<std::unique_ptr<RedisConnection>> RedisConnection::open(const RedisUrl& url, const std::shared_ptr<const tls::ClientContext>& context,
                                                               std::int64_t deadline_ns) {
    std::unique_ptr<RedisConnection> connection(new RedisConnection(url.place()));
    if (auto done = connection->connect(url, deadline_ns); !done) return fail(done.error());
    if (url.is_tls)
        if (auto done = connection->handshake(url, *context, deadline_ns); !done) return fail(done.error());
    if (auto done = connection->log_in(url, deadline_ns); !done) return fail(done.error());
    return connection;
}

Result<void> RedisConnection::wait(short events, std::int64_t deadline_ns) {
    for (;;) {
        const std::int64_t left_ms = (deadline_ns - monotonic_ns() + 999'999) / 1'000'000;
        pollfd one{fd_.get(), events, 0};
        const int ready = left_ms <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left_ms));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) return broken(reason(errno));
        if (ready == 0) return broken("no answer in time");
        if (channel_) {
            channel_->readable();
            channel_->writable();
            if ((one.revents & (POLLHUP | POLLERR)) != 0) channel_->peer_ended();
        }
        return {};
    }
}

Result<void> RedisConnection::connect(const RedisUrl& url, std::int64_t deadline_ns) {
    const auto try_one = [&](int family, const sockaddr* address, socklen_t size) -> Result<void> {
        fd_.reset(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!fd_) return broken(reason(errno));
        if (::connect(fd_.get(), address, size) != 0) {
            // A Unix socket whose backlog is full says EAGAIN, and there is nothing to wait for.
            if (errno != EINPROGRESS) return broken(reason(errno));
            if (auto ready = wait(POLLOUT, deadline_ns); !ready) return ready;
            int error = 0;
            socklen_t length = sizeof error;
            if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) return broken(reason(error));
        }
        return {};
    };
    if (!url.socket.empty()) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        url.socket.copy(address.sun_path, sizeof address.sun_path - 1);
        return try_one(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    auto addresses = addresses_of(url.host, url.port, deadline_ns);
    if (!addresses) return broken(addresses.error().message);
    Result<void> last = broken("no address");
    for (const addrinfo* one = addresses->get(); one; one = one->ai_next) {
        last = try_one(one->ai_family, one->ai_addr, one->ai_addrlen);
        if (!last) continue;
        const int on = 1;
        ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        usable_ = true;
        return {};
    }
    return last;
}

Result<void> RedisConnection::handshake(const RedisUrl& url, const tls::ClientContext& context, std::int64_t deadline_ns) {
    auto ssl = context.to_host(url.host);
    if (!ssl) return broken(ssl.error().message);
    channel_.emplace(std::move(*ssl), fd_.get());
    for (;;) {
        switch (channel_->handshake()) {
            case tls::Channel::Progress::done:
                return {};
            case tls::Channel::Progress::failed:
                return broken("TLS: " + channel_->failure());
            case tls::Channel::Progress::wait:
                break;
        }
        if (auto ready = wait(channel_->wants_write() ? POLLOUT : POLLIN, deadline_ns); !ready) return ready;
    }
}

Result<void> RedisConnection::log_in(const RedisUrl& url, std::int64_t deadline_ns) {
    const auto must = [&](const char* what, std::string command) -> Result<void> {
        auto reply = ask(command, deadline_ns);
        wipe(command);
        if (!reply) return fail(reply.error());
        if (reply->kind == resp::Reply::Kind::error) return broken(std::string(what) + ": " + reply->text);
        return {};
    };
    if (!url.password.empty()) {
        auto done = must("AUTH", url.user.empty() ? resp::command({"AUTH", url.password}) : resp::command({"AUTH", url.user, url.password}));
        if (!done) return done;
    }
    // Also proves that the server takes commands.
    return must("SELECT", resp::command({"SELECT", std::to_string(url.database)}));
}

Result<void> RedisConnection::send(std::string_view bytes, std::int64_t deadline_ns) {
    while (!bytes.empty()) {
        const ssize_t count = channel_ ? channel_->write(bytes.data(), bytes.size()) : send_some(fd_.get(), bytes.data(), bytes.size());
        if (count > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
            continue;
        }
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) return broken(reason(errno));
        if (auto ready = wait(channel_ && !channel_->wants_write() ? POLLIN : POLLOUT, deadline_ns); !ready) return ready;
    }
    return {};
}

Result<void> RedisConnection::receive(std::int64_t deadline_ns) {
    std::array<char, 16384> some;
    for (;;) {
        const ssize_t count = channel_ ? channel_->read(some.data(), some.size()) : receive_some(fd_.get(), some.data(), some.size());
        if (count > 0) {
            received_.append(some.data(), static_cast<std::size_t>(count));
            return {};
        }
        if (count == 0) return broken(channel_ && !channel_->failure().empty() ? "TLS: " + channel_->failure() : "the connection was closed");
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return broken(reason(errno));
        if (auto ready = wait(channel_ && channel_->wants_write() ? POLLOUT : POLLIN, deadline_ns); !ready) return ready;
    }
}

Result<resp::Reply> RedisConnection::ask(std::string_view command, std::int64_t deadline_ns) {
    if (auto sent = send(command, deadline_ns); !sent) return fail(sent.error());
    received_.clear();
    for (;;) {
        if (auto more = receive(deadline_ns); !more) return fail(more.error());
        if (received_.size() > kMostReply) return broken("a reply is too long");
        // Every reply ends like this; a long one is not looked at with each piece of it.
        if (!received_.ends_with("\r\n")) continue;
        resp::Reply reply;
        std::size_t used = 0;
        const auto progress = resp::parse(received_, reply, used);
        if (progress == resp::Progress::complete && used == received_.size()) return reply;
        if (progress != resp::Progress::incomplete) return broken("the server does not speak the protocol of Redis");
    }
}

bool RedisConnection::quiet() const noexcept {
    pollfd one{fd_.get(), POLLIN, 0};
    return ::poll(&one, 1, 0) == 0;
}

}  // namespace acp::state
