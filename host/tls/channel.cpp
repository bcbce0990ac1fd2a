#include "tls/channel.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

#include "base/socket_io.h"
#include "tls/error.h"

namespace acp::tls {

/// BIO methods over the connection's descriptor.
struct SocketBio {
    static Channel& of(BIO* bio) noexcept { return *static_cast<Channel*>(BIO_get_data(bio)); }
    static int read(BIO* bio, char* to, std::size_t room, std::size_t* count) noexcept {
        BIO_clear_retry_flags(bio);
        Channel& channel = of(bio);
        if (!channel.socket_empty_) {
            ssize_t n = 0;
            do n = receive_some(channel.fd_, to, room);
            while (n < 0 && errno == EINTR);
            if (n >= 0) {
                // Less than asked for: the rest is told of by a new edge. (An end is an end.)
                channel.socket_empty_ = n > 0 && static_cast<std::size_t>(n) < room && !channel.peer_ended_;
                *count = static_cast<std::size_t>(n);
                return n > 0 ? 1 : 0;
            }
            if (errno != EAGAIN) return 0;
            channel.socket_empty_ = true;
        }
        BIO_set_retry_read(bio);
        return 0;
    }
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count) noexcept {
        BIO_clear_retry_flags(bio);
        Channel& channel = of(bio);
        if (!channel.socket_full_) {
            ssize_t n = 0;
            do n = send_some(channel.fd_, from, size);
            while (n < 0 && errno == EINTR);
            if (n >= 0) {
                *count = static_cast<std::size_t>(n);
                return 1;
            }
            if (errno != EAGAIN) return 0;
            channel.socket_full_ = true;
        }
        BIO_set_retry_write(bio);
        return 0;
    }
    static long control(BIO*, int command, long, void*) noexcept { return command == BIO_CTRL_FLUSH ? 1 : 0; }
    static const BIO_METHOD* method() {
        static BIO_METHOD* const method = [] {
            BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");
            if (!m) throw std::bad_alloc();
            BIO_meth_set_read_ex(m, read);
            BIO_meth_set_write_ex(m, write);
            BIO_meth_set_ctrl(m, control);
            return m;
        }();
        return method;
    }
};

Channel::Channel(SslPtr ssl, int fd) : fd_(fd), ssl_(std::move(ssl)) {
    BIO* bio = BIO_new(SocketBio::method());
    if (!bio) throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    // One recv takes what is there, not a record's header and then its rest.
    SSL_set_read_ahead(ssl_.get(), 1);
}

Channel::Progress Channel::handshake() noexcept {
    if (broken_) return Progress::failed;
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
        established_ = true;
        return Progress::done;
    }
    const int why = SSL_get_error(ssl_.get(), result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return Progress::wait;
    fail();
    return Progress::failed;
}

void Channel::fail() noexcept {
    broken_ = true;
    const int reason = ERR_GET_REASON(ERR_peek_last_error());
    alert_ = reason > SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET : 0;
    try {
        failure_ = connection_error(ssl_.get());
    } catch (const std::bad_alloc&) {
        ERR_clear_error();
    }
}

std::string_view Channel::alpn() const noexcept {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

ssize_t Channel::read(char* to, std::size_t room) noexcept {
    if (broken_) return 0;
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), to, room, &count);
    return outcome(result, count);
}

ssize_t Channel::write(const char* from, std::size_t size) noexcept {
    if (broken_ || write_broken_) {
        errno = EPIPE;
        return -1;
    }
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), from, size, &count);
    if (result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_SYSCALL) {
        // The socket takes no more. What the peer has sent before, an alert that says
        // why perhaps, can still be read.
        write_broken_ = true;
        ERR_clear_error();
        errno = EPIPE;
        return -1;
    }
    const ssize_t sent = outcome(result, count);
    if (sent != 0 || size == 0) return sent;
    errno = EPIPE;
    return -1;
}

ssize_t Channel::outcome(int result, std::size_t count) noexcept {
    if (result == 1) return static_cast<ssize_t>(count);
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            errno = EAGAIN;
            return -1;
        case SSL_ERROR_ZERO_RETURN:
            return 0;
        default:
            // Also an end without close_notify: what framing makes of the bytes so
            // far is the protocol's business.
            fail();
            return 0;
    }
}

void Channel::finish() noexcept {
    if (broken_ || write_broken_ || !SSL_is_init_finished(ssl_.get())) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

}  // namespace acp::tls
