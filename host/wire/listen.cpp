#include "wire/listen.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocketImpl.h>
#include <Poco/Net/SocketAddress.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace acp::wire {

namespace {

constexpr int kBacklog = 1024;
/// A peer that has vanished without a word is noticed after about a minute: one
/// that waits for a quiet stream has no other limit.
constexpr int kKeepAliveIdleS = 30;
constexpr int kKeepAliveIntervalS = 10;
constexpr int kKeepAliveProbes = 3;

/// SO_REUSEPORT would let a second server of the same user share the port and
/// take half of the connections unseen; without it, the kernel tells.
void refuse_shared_port(const Poco::Net::SocketAddress& address) {
    if (address.port() == 0) return;
    Poco::Net::ServerSocket probe;
    probe.bind(address, true, false);
}

Poco::Net::ServerSocket listen_tcp(const Poco::Net::SocketAddress& address) {
    Poco::Net::ServerSocket socket;
    socket.bind(address, true, true);
    // Children that plugins start must not inherit a listener.
    ::fcntl(socket.impl()->sockfd(), F_SETFD, FD_CLOEXEC);
    socket.listen(kBacklog);
    socket.setBlocking(false);
    // Accepted sockets inherit these.
    socket.setKeepAlive(true);
    socket.setOption(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleS);
    socket.setOption(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalS);
    socket.setOption(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
    return socket;
}

Result<Listening> tcp(const Listener& listener, unsigned loops) {
    Listening result{listener, {}, false, listener.tls};
    const std::string where = listener.host + ":" + std::to_string(listener.port);
    try {
        Poco::Net::SocketAddress address(listener.host, listener.port);
        refuse_shared_port(address);
        for (unsigned i = 0; i < loops; ++i) {
            Poco::Net::ServerSocket socket = listen_tcp(address);
            // The first one settles the port for the others.
            if (i == 0) address = Poco::Net::SocketAddress(address.host(), socket.address().port());
            result.sockets.push_back(std::move(socket));
        }
        result.options.port = address.port();
    } catch (const Poco::Exception& e) {
        return fail(Code::unavailable, "listen_failed",
                    "cannot listen on " + where + ": " + e.displayText() + " (" + std::strerror(e.code()) +
                        "); choose another address with server.listen or --listen");
    }
    return result;
}

/// Poco's socket over a descriptor that listens already.
class AdoptedImpl final : public Poco::Net::ServerSocketImpl {
public:
    explicit AdoptedImpl(int fd) { reset(fd); }
};
class Adopted final : public Poco::Net::ServerSocket {
public:
    explicit Adopted(int fd) : ServerSocket(new AdoptedImpl(fd), true) {}
};

Result<Listening> shared(const Listener& listener, int fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    Listening result{listener, {}, true, listener.tls};
    result.sockets.push_back(Adopted(fd));
    return result;
}

/// Whether somebody answers there. A socket file that nobody listens on is left
/// over from a process that was killed.
bool is_served(const sockaddr_un& address) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool served = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return served;
}

Result<Listening> unix_socket(const Listener& listener) {
    const auto failed = [&](const std::string& why) {
        return fail(Code::unavailable, "listen_failed",
                    "cannot listen on " + listener.path + ": " + why + "; choose another path with server.unix_socket");
    };
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (listener.path.size() >= sizeof address.sun_path) return failed("the path is too long for a socket");
    std::memcpy(address.sun_path, listener.path.c_str(), listener.path.size() + 1);
    struct stat info {};
    if (::lstat(address.sun_path, &info) == 0) {
        if (!S_ISSOCK(info.st_mode)) return failed("there is a file that is no socket");
        if (is_served(address)) return failed("another process listens there");
        ::unlink(address.sun_path);
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(std::strerror(errno));
    // The mode decides who may connect; nobody may before it is set.
    const mode_t before = ::umask(0117);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int why = errno;
    ::umask(before);
    if (!bound || ::listen(fd, kBacklog) != 0) {
        const int error = bound ? errno : why;
        ::close(fd);
        return failed(std::strerror(error));
    }
    return shared(listener, fd);
}

Result<Listening> inherited(const Listener& listener) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(listener.fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0)
        return fail(
            Code::invalid, "listen_failed",
            "descriptor " + std::to_string(listener.fd) + " from the service manager is no listening stream socket");
    Listener settled = listener;
    sockaddr_storage address{};
    size = sizeof address;
    if (::getsockname(listener.fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.ss_family != AF_UNIX) {
        const Poco::Net::SocketAddress named(reinterpret_cast<const sockaddr*>(&address), size);
        settled.host = named.host().toString();
        settled.port = named.port();
        const auto set = [&](int option, int value) {
            ::setsockopt(listener.fd, IPPROTO_TCP, option, &value, sizeof value);
        };
        const int on = 1;
        ::setsockopt(listener.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        set(TCP_KEEPIDLE, kKeepAliveIdleS);
        set(TCP_KEEPINTVL, kKeepAliveIntervalS);
        set(TCP_KEEPCNT, kKeepAliveProbes);
    }
    return shared(settled, listener.fd);
}

}  // namespace

Result<Listening> listen(const Listener& listener, unsigned loops) {
    switch (listener.kind) {
        case Listener::Kind::tcp:
            return tcp(listener, loops);
        case Listener::Kind::unix_socket:
            return unix_socket(listener);
        case Listener::Kind::inherited:
            return inherited(listener);
    }
    return fail(Code::internal, "listen_failed", "unknown kind of listener");
}

}  // namespace acp::wire
