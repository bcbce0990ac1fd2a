#include "unit/wire/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include "base/clock.h"

namespace acp::wire::test {

namespace {

bool wait_for(int fd, short events, int ms) {
    pollfd one{fd, events, 0};
    return ::poll(&one, 1, ms) > 0;
}

}  // namespace

void pause_ms(int ms) {
    ::poll(nullptr, 0, ms);
}

std::int64_t now_ms() {
    return monotonic_ns() / 1'000'000;
}

Peer::Peer(std::uint16_t port, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
    // Small pieces leave at once, each in a segment of its own.
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool Peer::send(std::string_view bytes) {
    const std::int64_t until = now_ms() + kPatienceMs;
    while (!bytes.empty() && now_ms() < until) {
        const std::size_t sent = send_some(bytes);
        bytes.remove_prefix(sent);
        if (sent == 0) {
            if (errno != EAGAIN) return false;
            wait_for(fd_.get(), POLLOUT, 100);
        }
    }
    return bytes.empty();
}

std::size_t Peer::send_some(std::string_view bytes) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
}

void Peer::half_close() {
    ::shutdown(fd_.get(), SHUT_WR);
}

void Peer::reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
}

bool Peer::read_more(int ms) {
    if (ended_ || !wait_for(fd_.get(), POLLIN, ms)) return false;
    std::array<char, 65536> buffer{};
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) ended_ = true;
    if (n > 0) unread_.append(buffer.data(), static_cast<std::size_t>(n));
    return n > 0;
}

bool Peer::hears_within(int ms) {
    return !unread_.empty() || ended_ || wait_for(fd_.get(), POLLIN, ms);
}

bool Peer::read_until(std::string_view text) {
    while (unread_.find(text) == std::string::npos)
        if (!read_more()) return false;
    return true;
}

bool Peer::read_to_end() {
    while (read_more()) {
    }
    return ended_;
}

bool Peer::read_line(std::string& line) {
    if (!read_until("\r\n")) return false;
    const auto end = unread_.find("\r\n");
    line = unread_.substr(0, end);
    unread_.erase(0, end + 2);
    return true;
}

bool Peer::read_exactly(std::size_t count, std::string& into) {
    while (unread_.size() < count)
        if (!read_more()) return false;
    into.append(unread_, 0, count);
    unread_.erase(0, count);
    return true;
}

void Peer::read_chunks(Reply& reply) {
    for (std::string line; read_line(line);) {
        const std::size_t size = std::stoul(line, nullptr, 16);
        std::string end;
        if (!read_exactly(size, reply.body) || !read_exactly(2, end)) return;
        if (size == 0) {
            reply.complete = true;
            return;
        }
    }
}

Reply Peer::read(bool head_only) {
    Reply reply;
    std::string line;
    if (!read_line(line)) return reply;
    reply.status = std::stoi(line.substr(line.find(' ') + 1));
    for (bool more = read_line(line); more && !line.empty(); more = read_line(line)) {
        const auto colon = line.find(": ");
        std::string name = line.substr(0, colon);
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        reply.fields[name] = line.substr(colon + 2);
    }
    if (reply.status == 100) return read(head_only);
    if (head_only || reply.status == 204 || reply.status == 304) {
        reply.complete = true;
    } else if (reply.fields.contains("content-length")) {
        reply.complete = read_exactly(std::stoul(reply.fields["content-length"]), reply.body);
    } else if (reply.fields.contains("transfer-encoding")) {
        read_chunks(reply);
    } else {
        reply.complete = read_to_end();
        reply.body = std::exchange(unread_, {});
    }
    return reply;
}

std::uint16_t Peer::local_port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

}  // namespace acp::wire::test
