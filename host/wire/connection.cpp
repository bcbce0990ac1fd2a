#include "wire/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace acp::wire {

namespace {

/// While lingering, a peer may send this much before it is cut off.
constexpr std::size_t kDiscardBytes = 1U << 20;

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

Connection::Connection(Loop& loop, ConnectionList& list, const Poco::Net::StreamSocket& socket)
    : loop_(loop), list_(list), socket_(socket), fd_(socket.impl()->sockfd()) {
    list_.add(*this);
    counters().accepted.add();
    counters().open.add();
}

Connection::~Connection() {
    list_.remove(*this);
    counters().open.sub();
}

void Connection::open() {
    interest_ = EPOLLIN | EPOLLRDHUP;
    if (!loop_.watch(fd_, interest_, *this)) {
        close();
        return;
    }
    arm(loop_.header_timeouts);
}

void Connection::abort() { close(); }

void Connection::on_events(std::uint32_t events) {
    if (closed_) return;
    if (events & EPOLLERR) {
        close();
        return;
    }
    if (events & EPOLLOUT) {
        output_blocked_ = false;
        flush();
        if (closed_) return;
        if (output_pending() == 0 && !closing()) on_flushed();
        if (closed_) return;
    }
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) {
        if (lingering_)
            discard_input();
        else
            read();
    }
}

void Connection::read() {
    if (input_ended_ || close_after_flush_) {
        update_interest();
        return;
    }
    if (!buffer_) {
        buffer_ = loop_.borrow_buffer();
        begin_ = end_ = 0;
    }
    const std::size_t room = loop_.buffer_bytes() - end_;
    if (room == 0) {
        pause_input();
        return;
    }
    ssize_t n = ::recv(fd_, buffer_.get() + end_, room, 0);
    if (n > 0) {
        end_ += static_cast<std::size_t>(n);
        counters().bytes_in.add(static_cast<std::uint64_t>(n));
    } else if (n == 0) {
        input_ended_ = true;
        update_interest();
    } else if (errno == EAGAIN || errno == EINTR) {
        if (begin_ == end_) release_input();
        return;
    } else {
        close();
        return;
    }
    on_input();
}

void Connection::release_input() {
    if (!buffer_ || begin_ != end_) return;
    loop_.give_back(std::move(buffer_));
    buffer_ = nullptr;
    begin_ = end_ = 0;
}

void Connection::compact_input() noexcept {
    if (begin_ == 0) return;
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
}

void Connection::pause_input() {
    input_paused_ = true;
    update_interest();
}

void Connection::resume_input() {
    if (!input_paused_) return;
    input_paused_ = false;
    update_interest();
}

std::string& Connection::output() {
    if (output_.empty() && output_.capacity() < 64) output_ = loop_.borrow_output();
    return output_;
}

void Connection::flush() {
    if (closed_ || output_blocked_) return;
    while (output_sent_ < output_.size()) {
        ssize_t n = ::send(fd_, output_.data() + output_sent_, output_.size() - output_sent_, MSG_NOSIGNAL);
        if (n > 0) {
            output_sent_ += static_cast<std::size_t>(n);
            counters().bytes_out.add(static_cast<std::uint64_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            // Progress re-arms the limit; a peer that takes nothing runs into it.
            output_blocked_ = true;
            arm(loop_.write_timeouts);
            update_interest();
            return;
        }
        close();
        return;
    }
    if (output_.capacity() > 0) {
        output_.clear();
        loop_.give_back(std::move(output_));
        output_ = std::string();
    }
    output_sent_ = 0;
    if (armed_in(loop_.write_timeouts)) disarm();
    update_interest();
    if (close_after_flush_) linger();
}

void Connection::close_after_flush() {
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
    on_closing();
    lingering_ = true;
    begin_ = end_;
    release_input();
    ::shutdown(fd_, SHUT_WR);
    input_paused_ = false;
    update_interest();
    arm(loop_.linger_timeouts);
}

void Connection::discard_input() {
    char scratch[4096];
    for (;;) {
        ssize_t n = ::recv(fd_, scratch, sizeof scratch, 0);
        if (n > 0) {
            discarded_ += static_cast<std::size_t>(n);
            if (discarded_ > kDiscardBytes) break;
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
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
    if (!lingering_) on_closing();
    loop_.unwatch(fd_);
    socket_.impl()->close();
    begin_ = end_;
    release_input();
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
        on_limit(list);
}

void Connection::on_limit(TimeoutList&) { close(); }

void Connection::update_interest() {
    if (closed_) return;
    std::uint32_t wanted = output_blocked_ ? static_cast<std::uint32_t>(EPOLLOUT) : 0U;
    // Level-triggered: an end of input that is not taken out would fire for ever.
    if (!input_ended_ && !input_paused_ && (!close_after_flush_ || lingering_)) wanted |= EPOLLIN | EPOLLRDHUP;
    if (wanted == interest_) return;
    interest_ = wanted;
    loop_.rewatch(fd_, wanted, *this);
}

const std::string& Connection::peer() {
    if (peer_.empty()) {
        try {
            peer_ = socket_.peerAddress().toString();
        } catch (const Poco::Exception&) {
            peer_ = "unknown";
        }
    }
    return peer_;
}

}  // namespace acp::wire
