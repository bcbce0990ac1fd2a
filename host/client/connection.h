// client: one socket to a server, waited on in slices so that a deadline or a
// cancellation is seen within 100 ms. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "client/url.h"
#include "tls/channel.h"
#include "tls/client_context.h"

namespace acp::client {

/// How long an exchange may take.
struct Bounds {
    std::int64_t deadline_mono_ns = 0;  ///< CLOCK_MONOTONIC, 0: none
    std::int64_t connect_timeout_ms = 5000;
    std::int64_t idle_timeout_ms = 60000;  ///< longest silence of the peer, -1: none
    std::function<bool()> cancelled;       ///< empty: never

    /// Fails once the deadline passed or the caller cancelled.
    Result<void> check() const;
};

/// Whom https trusts, and as whom it comes.
struct Tls {
    std::shared_ptr<const tls::ClientContext> context;  ///< null: the system's trust store, no certificate
    std::string spiffe_id;  ///< when set, the server's X.509-SVID must have this ID, and its name does not count
};

class Connection {
public:
    /// Resolves and connects. Failing to is Code::unavailable, retryable: no
    /// byte was sent. The lookup of a name is the resolver's and takes its time.
    /// With https the handshake is done, with a server whose certificate is good
    /// for the URL's host; failing to is upstream_untrusted.
    static Result<Connection> open(const Url& url, const Tls& tls, const Bounds& bounds);

    struct Read {
        std::size_t count = 0;  ///< 0: the peer closed in an orderly way
    };
    /// Waits for bytes, at most for the idle timeout.
    Result<Read> read(char* into, std::size_t size, const Bounds& bounds);
    /// Writes all of it. False when the peer closed its side, which may still
    /// have sent an answer.
    Result<bool> write_all(std::string_view bytes, const Bounds& bounds);

    /// For the raw pipe. Waits up to `timeout_ms` (at most 100) for `events` of poll(2).
    Result<short> wait(short events, int timeout_ms, const Bounds& bounds);
    /// Without waiting; 0 when the socket is full, -1 when the peer closed.
    std::ptrdiff_t write_some(std::string_view bytes) noexcept;
    void half_close() noexcept;

    const std::string& place() const noexcept { return place_; }

private:
    Connection(UniqueFd fd, std::string place) : fd_(std::move(fd)), place_(std::move(place)) {}
    Result<void> secure(const Url& url, const Tls& tls, const Bounds& bounds);
    Result<short> wait_for_tls(std::int64_t until_ns, const Bounds& bounds);
    ssize_t receive(char* into, std::size_t size) noexcept;
    UniqueFd fd_;
    std::string place_;
    std::unique_ptr<tls::Channel> tls_;
};

}  // namespace acp::client
