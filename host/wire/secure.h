// wire: TLS between a connection and its socket. OpenSSL works on the socket
// through a BIO that knows when the socket is empty or full, so that no call
// is made which would only tell that.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <cstddef>
#include <string_view>

#include "tls/handle.h"

namespace acp::wire {

using tls::SslPtr;

/// One connection's TLS. Loop thread only.
class Secure {
public:
    /// `ssl` is new, in accept or connect state; `fd` is the caller's.
    Secure(SslPtr ssl, int fd);

    enum class Handshake { done, wait, failed };
    Handshake handshake() noexcept;
    bool established() const noexcept { return established_; }
    /// The protocol that ALPN settled on, empty for none.
    std::string_view alpn() const noexcept;

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

private:
    friend struct SocketBio;
    ssize_t outcome(int result, std::size_t count) noexcept;
    const int fd_;
    bool socket_empty_ = false;
    bool socket_full_ = false;
    bool peer_ended_ = false;
    bool established_ = false;
    bool broken_ = false;  ///< after a fatal error OpenSSL must not be called again
    SslPtr ssl_;
};

}  // namespace acp::wire
