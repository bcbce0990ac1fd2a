#include "client/connection.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "base/clock.h"
#include "client/trust.h"

namespace acp::client {

namespace {

constexpr int kSliceMs = 100;

std::string reason(int error) {
    return std::generic_category().message(error);
}

tl::unexpected<Error> unreachable(const std::string& place, const std::string& why) {
    Error error;
    error.code = Code::unavailable;
    error.slug = "upstream_unreachable";
    error.message = "cannot connect to " + place + ": " + why;
    error.retryable = true;
    return tl::unexpected(std::move(error));
}

tl::unexpected<Error> broken(const std::string& place, int error) {
    return fail(Code::unavailable, "upstream_reset", "the connection to " + place + " broke: " + reason(error));
}

/// Waits for `events` until `until_ns` (0: for ever). 0 means the time is up.
Result<short> wait_until(int fd, short events, std::int64_t until_ns, const Bounds& bounds) {
    for (;;) {
        if (Result<void> go_on = bounds.check(); !go_on) return tl::unexpected(go_on.error());
        int slice = kSliceMs;
        if (until_ns != 0) {
            const std::int64_t left_ms = (until_ns - monotonic_ns() + 999'999) / 1'000'000;
            if (left_ms <= 0) return static_cast<short>(0);
            slice = static_cast<int>(std::min<std::int64_t>(slice, left_ms));
        }
        if (bounds.deadline_mono_ns != 0) {
            const std::int64_t left_ms = (bounds.deadline_mono_ns - monotonic_ns() + 999'999) / 1'000'000;
            slice = static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, slice));
        }
        pollfd p{fd, events, 0};
        const int n = ::poll(&p, 1, slice);
        if (n < 0 && errno != EINTR) return fail(Code::internal, "poll", "poll failed: " + reason(errno));
        if (n > 0) return p.revents;
    }
}

std::int64_t idle_end(const Bounds& bounds) {
    return bounds.idle_timeout_ms < 0 ? 0 : monotonic_ns() + bounds.idle_timeout_ms * 1'000'000;
}

tl::unexpected<Error> silent(const std::string& place, const Bounds& bounds) {
    return fail(Code::deadline, "upstream_silent",
                place + " was silent for " + std::to_string(bounds.idle_timeout_ms) + " ms");
}

Result<UniqueFd> connect_to(const sockaddr* address, socklen_t size, const std::string& place, std::int64_t until_ns,
                            const Bounds& bounds) {
    UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return unreachable(place, reason(errno));
    if (::connect(fd.get(), address, size) == 0) return fd;
    // A Unix socket with a full backlog answers EAGAIN and cannot be polled for.
    if (errno != EINPROGRESS) return unreachable(place, reason(errno));
    Result<short> ready = wait_until(fd.get(), POLLOUT, until_ns, bounds);
    if (!ready) return tl::unexpected(ready.error());
    if (*ready == 0) return unreachable(place, "no answer in " + std::to_string(bounds.connect_timeout_ms) + " ms");
    int error = 0;
    socklen_t error_size = sizeof error;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error != 0) return unreachable(place, reason(error));
    return fd;
}

Result<UniqueFd> connect_unix(const Url& url, std::int64_t until_ns, const Bounds& bounds) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(static_cast<void*>(address.sun_path), url.host.data(), url.host.size());
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, url.place(), until_ns, bounds);
}

Result<UniqueFd> connect_tcp(const Url& url, std::int64_t until_ns, const Bounds& bounds) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* raw = nullptr;
    const int status = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &raw);
    if (status != 0) return unreachable(url.place(), ::gai_strerror(status));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(raw, &::freeaddrinfo);
    Result<UniqueFd> last = unreachable(url.place(), "the name has no address");
    for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
        last = connect_to(a->ai_addr, a->ai_addrlen, url.place(), until_ns, bounds);
        if (last) {
            const int on = 1;
            ::setsockopt(last->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return last;
        }
        if (last.error().code != Code::unavailable) break;
    }
    return last;
}

}  // namespace

Result<void> Bounds::check() const {
    if (cancelled && cancelled()) return fail(Code::cancelled, "cancelled", "the caller cancelled the request");
    if (deadline_mono_ns != 0 && monotonic_ns() >= deadline_mono_ns)
        return fail(Code::deadline, "deadline_exceeded", "the deadline passed before the exchange was complete");
    return {};
}

Result<Connection> Connection::open(const Url& url, const Tls& tls, const Bounds& bounds) {
    if (Result<void> go_on = bounds.check(); !go_on) return tl::unexpected(go_on.error());
    const std::int64_t until_ns = monotonic_ns() + bounds.connect_timeout_ms * 1'000'000;
    Result<UniqueFd> fd =
        url.scheme == Scheme::unix_socket ? connect_unix(url, until_ns, bounds) : connect_tcp(url, until_ns, bounds);
    if (!fd) return tl::unexpected(fd.error());
    Connection connection(std::move(*fd), url.place());
    if (url.scheme == Scheme::https)
        if (Result<void> done = connection.secure(url, tls, bounds); !done) return tl::unexpected(done.error());
    return connection;
}

Result<void> Connection::secure(const Url& url, const Tls& tls, const Bounds& bounds) {
    auto context = tls.context;
    if (!context) {
        auto loaded = trust_of({});
        if (!loaded) return tl::unexpected(loaded.error());
        context = *loaded;
    }
    auto ssl = tls.spiffe_id.empty() ? context->to_host(url.host) : context->to_workload(tls.spiffe_id, url.host);
    if (!ssl) return tl::unexpected(ssl.error());
    tls_ = std::make_unique<tls::Channel>(std::move(*ssl), fd_.get());
    const std::int64_t until_ns = monotonic_ns() + bounds.connect_timeout_ms * 1'000'000;
    for (;;) {
        switch (tls_->handshake()) {
            case tls::Channel::Progress::done:
                return {};
            case tls::Channel::Progress::failed:
                return fail(Code::unavailable, "upstream_untrusted",
                            "no TLS with " + place_ + ": " + (tls_->failure().empty() ? "it closed the connection" : tls_->failure()));
            case tls::Channel::Progress::wait:
                break;
        }
        Result<short> ready = wait_for_tls(until_ns, bounds);
        if (!ready) return tl::unexpected(ready.error());
        if (*ready == 0) return silent(place_, bounds);
    }
}

/// What TLS waits for is not always what its caller does.
Result<short> Connection::wait_for_tls(std::int64_t until_ns, const Bounds& bounds) {
    Result<short> ready = wait_until(fd_.get(), tls_->wants_write() ? POLLOUT : POLLIN, until_ns, bounds);
    tls_->readable();
    tls_->writable();
    return ready;
}

/// As recv: -1 with EAGAIN to wait.
ssize_t Connection::receive(char* into, std::size_t size) noexcept {
    return tls_ ? tls_->read(into, size) : ::recv(fd_.get(), into, size, 0);
}

Result<Connection::Read> Connection::read(char* into, std::size_t size, const Bounds& bounds) {
    const std::int64_t until_ns = idle_end(bounds);
    for (;;) {
        const ssize_t n = receive(into, size);
        // Anybody on the way can end a connection; only the server can say that it has.
        if (n == 0 && tls_ && !tls_->ended_cleanly())
            return fail(Code::unavailable, "upstream_reset", "the connection to " + place_ + " ended without TLS's close: " + tls_->failure());
        if (n >= 0) return Read{static_cast<std::size_t>(n)};
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return broken(place_, errno);
        Result<short> ready = tls_ ? wait_for_tls(until_ns, bounds) : wait_until(fd_.get(), POLLIN, until_ns, bounds);
        if (!ready) return tl::unexpected(ready.error());
        if (*ready == 0) return silent(place_, bounds);
    }
}

Result<bool> Connection::write_all(std::string_view bytes, const Bounds& bounds) {
    while (!bytes.empty()) {
        const std::ptrdiff_t n = write_some(bytes);
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
        if (n > 0) continue;
        Result<short> ready = tls_ ? wait_for_tls(idle_end(bounds), bounds)
                                   : wait_until(fd_.get(), POLLOUT, idle_end(bounds), bounds);
        if (!ready) return tl::unexpected(ready.error());
        if (*ready == 0) return silent(place_, bounds);
    }
    return true;
}

Result<short> Connection::wait(short events, int timeout_ms, const Bounds& bounds) {
    if (tls_) {
        if (SSL_has_pending(tls_->handle())) return static_cast<short>(POLLIN);  // poll does not see it
        tls_->readable();
        tls_->writable();
    }
    return wait_until(fd_.get(), events, monotonic_ns() + std::min(timeout_ms, kSliceMs) * std::int64_t{1'000'000},
                      bounds);
}

std::ptrdiff_t Connection::write_some(std::string_view bytes) noexcept {
    for (;;) {
        const ssize_t n = tls_ ? tls_->write(bytes.data(), bytes.size())
                               : ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n >= 0) return n;
        if (errno == EINTR) continue;
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
    }
}

void Connection::half_close() noexcept {
    if (tls_) return tls_->finish();
    ::shutdown(fd_.get(), SHUT_WR);
}

}  // namespace acp::client
