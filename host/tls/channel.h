// tls: between whoever drives a connection and its socket. OpenSSL works on
// the socket through a BIO that knows when it is empty or full, so that no call
// is made which would only tell that.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "tls/handle.h"

namespace acp::tls {

/// One connection's TLS. One thread at a time.
class Channel {
public:
    /// `ssl` is new, in accept or connect state; `fd` is the caller's.
    Channel(SslPtr ssl, int fd);

    enum class Progress { done, wait, failed };
    Progress handshake() noexcept;
    bool established() const noexcept { return established_; }
    /// The protocol that ALPN settled on, empty for none.
    std::string_view alpn() const noexcept;

    /// Whether the peer said that nothing follows (close_notify). An end without it
    /// may be somebody else's doing.
    bool ended_cleanly() const noexcept { return !broken_ && (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }
    /// Whether the last call that had to wait waits for room in the socket.
    bool wants_write() const noexcept { return SSL_want_write(ssl_.get()); }
    /// As recv and send of a socket that does not block: -1 with EAGAIN to wait.
    ssize_t read(char* to, std::size_t room) noexcept;
    ssize_t write(const char* from, std::size_t size) noexcept;
    /// Tells the peer that nothing follows (close_notify), if the socket takes it.
    void finish() noexcept;

    /// The socket has something, or has room, again.
    void readable() noexcept { socket_empty_ = false; }
    /// The peer has closed its side: its end is read even without a new edge.
    void peer_ended() noexcept { peer_ended_ = true; }
    void writable() noexcept { socket_full_ = false; }
    SSL* handle() noexcept { return ssl_.get(); }
    /// Why it failed, in OpenSSL's words; empty while it has not.
    const std::string& failure() const noexcept { return failure_; }
    /// The alert (RFC 8446 section 6) that the peer ended the connection with, 0 for none.
    int alert() const noexcept { return alert_; }

private:
    friend struct SocketBio;
    ssize_t outcome(int result, std::size_t count) noexcept;
    void fail() noexcept;
    const int fd_;
    bool socket_empty_ = false;
    bool socket_full_ = false;
    bool peer_ended_ = false;
    bool established_ = false;
    bool broken_ = false;  ///< after a fatal error OpenSSL must not be called again
    bool write_broken_ = false;
    int alert_ = 0;
    std::string failure_;
    SslPtr ssl_;
};

}  // namespace acp::tls
