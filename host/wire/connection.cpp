#include "wire/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <Poco/Net/SocketAddress.h>

#include "base/socket_io.h"
#include "wire/handshake.h"

namespace acp::wire {

namespace {

/// While lingering, a peer may send this much before it is cut off.
constexpr std::size_t kDiscardBytes = 1U << 20;
/// A scratch buffer that grew beyond this is not kept.
constexpr std::size_t kScratchBytes = 256 * 1024;

/// Poco's address of a Unix socket reads a name behind its end: most peers have none,
/// and the kernel then writes no more than the family.
std::string peer_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "unknown";
    if (address.ss_family == AF_UNIX) return "unix";
    try {
        return Poco::Net::SocketAddress(reinterpret_cast<const sockaddr*>(&address), size).toString();
    } catch (const Poco::Exception&) {
        return "unknown";
    }
}

}  // namespace

void ConnectionList::add(Connection& connection) noexcept {
    connection.next_ = first_;
    if (first_) first_->previous_ = &connection;
    first_ = &connection;
}

void ConnectionList::remove(Connection& connection) noexcept {
    (connection.previous_ ? connection.previous_->next_ : first_) = connection.next_;
    if (connection.next_) connection.next_->previous_ = connection.previous_;
    connection.previous_ = connection.next_ = nullptr;
}

Connection::Connection(Loop& loop, ConnectionList& list, const Poco::Net::StreamSocket& socket, Side side)
    : loop_(loop), list_(list), socket_(socket), fd_(socket.impl()->sockfd()), side_(side) {
    list_.add(*this);
    counters().accepted.add();
    counters().open.add();
}

Connection::~Connection() {
    list_.remove(*this);
    counters().open.sub();
}

/// Edge-triggered and registered once: the kernel need not look again at a
/// socket that was told of, and no later change of interest costs a call.
void Connection::open(std::unique_ptr<Protocol> protocol) {
    protocol_ = std::move(protocol);
    if (!loop_.watch(fd_, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, *this)) close();
}

void Connection::open_secure(tls::SslPtr ssl, ProtocolFactory factory, HandshakeFailed failed) {
    tls_ = std::make_unique<tls::Channel>(std::move(ssl), fd_);
    open(std::make_unique<Handshake>(*this, *tls_, std::move(factory), std::move(failed)));
}

void Connection::secure(tls::SslPtr ssl, ProtocolFactory factory, HandshakeFailed failed) {
    release_input();
    tls_ = std::make_unique<tls::Channel>(std::move(ssl), fd_);
    become(std::make_unique<Handshake>(*this, *tls_, std::move(factory), std::move(failed)));
    protocol_->on_readable();  // a client speaks first
}

void Connection::become(std::unique_ptr<Protocol> next) {
    loop_.retire(std::make_unique<Outgoing>(std::exchange(protocol_, std::move(next))));
}

void Connection::abort() { close(); }

void Connection::on_events(std::uint32_t events) {
    if (closed_) return;
    if (events & EPOLLERR) {
        if (side_ == Side::server) {
            close();
            return;
        }
        events |= EPOLLIN | EPOLLRDHUP;
        output_failed();
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) readable_ = true;
    if (events & (EPOLLRDHUP | EPOLLHUP)) peer_ended_ = true;
    if (tls_) note_tls(events);
    if ((events & EPOLLOUT) && output_blocked_) {
        output_blocked_ = false;
        flush();
        if (!closed_ && output_pending() == 0 && !closing()) protocol_->on_flushed();
        if (closed_) return;
    }
    // Without events this is a turn that was yielded, with input that has been read already.
    const bool has_input = readable_ || events == 0 || (tls_ && !tls_->established());
    if (lingering_)
        discard_input();
    else if (has_input && !close_after_flush_)
        protocol_->on_readable();
}

void Connection::note_tls(std::uint32_t events) noexcept {
    if (readable_) tls_->readable();
    if (peer_ended_) tls_->peer_ended();
    if (events & EPOLLOUT) tls_->writable();
}

bool Connection::fill_input() {
    if (!readable_ || input_ended_ || closing()) return false;
    if (!buffer_) {
        buffer_ = loop_.borrow_buffer();
        begin_ = end_ = 0;
    }
    const std::size_t room = input_room();
    if (room == 0) return false;
    char* const to = buffer_.get() + end_;
    ssize_t n = tls_ ? tls_->read(to, room) : receive_some(fd_, to, room);
    if (n > 0) {
        end_ += static_cast<std::size_t>(n);
        counters().bytes_in.add(static_cast<std::uint64_t>(n));
        // Less than there was room for: the socket is empty, and tells of more
        // by a new edge. The peer's end that was told already is not told again.
        // (TLS may hold more itself, and tells when it does not.)
        readable_ = static_cast<std::size_t>(n) == room || peer_ended_ || tls_;
        return true;
    }
    if (n == 0) {
        // The socket tells of a reset once. When a send was told, this end is that reset.
        error_ = output_error_;
        input_ended_ = true;
        readable_ = false;
        return true;
    }
    if (errno == EINTR) return fill_input();
    if (errno == EAGAIN) {
        readable_ = false;
        return false;
    }
    if (side_ == Side::client) {
        error_ = errno;
        input_ended_ = true;
        readable_ = false;
        return true;
    }
    close();
    return false;
}

bool Connection::is_quiet() const noexcept {
    char byte = 0;
    const ssize_t n = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 ? errno == EAGAIN : n > 0 && tls_;
}

void Connection::compact_input() noexcept {
    if (begin_ == 0) return;
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
}

void Connection::flush() {
    if (closed_ || output_blocked_) return;
    Buffer& out = output();
    if (output_dead_) out.clear();
    std::size_t sent = output_sent_;
    while (sent < out.size()) {
        const char* const from = out.data() + sent;
        ssize_t n = tls_ ? tls_->write(from, out.size() - sent) : send_some(fd_, from, out.size() - sent);
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
            counters().bytes_out.add(static_cast<std::uint64_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) {
            output_failed();
            return;
        }
        hold_back(sent);
        return;
    }
    if (out.capacity() > kScratchBytes)
        out.release();
    else
        out.clear();
    if (output_.capacity() > 0) output_.release();  // an idle connection keeps nothing
    output_sent_ = 0;
    if (armed_in(loop_.write_timeouts)) disarm();
    if (finish_after_flush_) end_output();
    if (close_after_flush_) linger();
}

/// The socket takes no more. A server is done with such a peer; to a client the
/// answer may have come already, so it goes on reading.
void Connection::output_failed() {
    if (side_ == Side::server) {
        close();
        return;
    }
    if (errno != EPIPE) output_error_ = errno;
    output_dead_ = true;
    output().clear();
    output_sent_ = 0;
    output_blocked_ = false;
    if (armed_in(loop_.write_timeouts)) disarm();
    // Its end or what came before it is found by reading.
    readable_ = true;
    if (tls_) tls_->readable();
}

void Connection::finish_output() {
    if (closing()) return;
    finish_after_flush_ = true;
    if (output_pending() == 0)
        end_output();
    else
        flush();
}

void Connection::end_output() noexcept {
    finish_after_flush_ = false;
    if (tls_)
        tls_->finish();
    else
        ::shutdown(fd_, SHUT_WR);
}

/// The socket is full: keeps what it did not take. Progress re-arms the limit;
/// a peer that takes nothing runs into it.
void Connection::hold_back(std::size_t sent) {
    if (output_.empty()) {
        Buffer& scratch = output();
        output_ += scratch.view().substr(sent);
        scratch.clear();
        sent = 0;
    }
    output_sent_ = sent;
    arm(loop_.write_timeouts);
    output_blocked_ = true;  // from here on, no other limit takes its place
}

void Connection::close_after_flush() {
    if (closed_ || lingering_) return;
    close_after_flush_ = true;
    disarm_unless_writing();
    if (output_pending() == 0)
        linger();
    else
        flush();
}

/// Closing with unread input in the socket makes the kernel send a reset, which
/// can destroy the response before the peer reads it. So: send our end, then
/// take and drop what still comes, for a bounded time and amount.
void Connection::linger() {
    if (closed_ || lingering_) return;
    if (input_ended_) {
        close();
        return;
    }
    protocol_->on_closing();
    lingering_ = true;
    begin_ = end_;
    release_input();
    if (tls_) tls_->finish();
    ::shutdown(fd_, SHUT_WR);
    arm(loop_.linger_timeouts);
    discard_input();  // what came before this edge is not told of again
}

void Connection::discard_input() {
    char scratch[4096];
    for (;;) {
        ssize_t n = receive_some(fd_, scratch, sizeof scratch);
        if (n > 0) {
            discarded_ += static_cast<std::size_t>(n);
            if (discarded_ > kDiscardBytes) break;
            continue;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        break;
    }
    close();
}

void Connection::disarm_unless_writing() {
    if (!armed_in(loop_.write_timeouts)) disarm();
}

void Connection::close() {
    if (closed_) return;
    closed_ = true;
    disarm();
    if (!lingering_ && protocol_) protocol_->on_closing();
    if (tls_ && !lingering_) tls_->finish();
    loop_.unwatch(fd_);
    loop_.forget(*this);
    socket_.impl()->close();
    begin_ = end_;
    release_input();
    if (output_.empty()) output().clear();
    loop_.retire(std::unique_ptr<Retired>(this));
}

void Connection::on_timeout(TimeoutList& list) {
    if (&list == &loop_.header_timeouts) counters().timeouts_header.add();
    if (&list == &loop_.idle_timeouts) counters().timeouts_idle.add();
    if (&list == &loop_.body_timeouts) counters().timeouts_body.add();
    if (&list == &loop_.write_timeouts) counters().timeouts_write.add();
    if (lingering_ || close_after_flush_)
        close();
    else
        protocol_->on_limit(list);
}

void Connection::on_evicted() {
    counters().evicted.add();
    close();
}

const std::string& Connection::peer() {
    if (peer_.empty()) peer_ = peer_of(fd_);
    return peer_;
}

const tls::PeerIdentity* Connection::certificate() {
    if (!certificate_known_ && tls_ && tls_->established()) {
        certificate_ = tls::peer_identity(tls_->handle());
        certificate_known_ = true;
    }
    return certificate_ ? &*certificate_ : nullptr;
}

}  // namespace acp::wire
