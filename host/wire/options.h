// wire: bytes of the network to requests and back. Event loops, listeners,
// connections and protocols; it knows nothing of routes or users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace acp::wire {

struct Limits {
    std::size_t header_bytes = 16384;   ///< whole request head
    std::size_t header_fields = 100;
    std::size_t target_bytes = 8192;
    std::int64_t header_timeout_ms = 10'000;  ///< from the first byte of a head to its last
    std::int64_t idle_timeout_ms = 60'000;    ///< between requests
    std::int64_t body_timeout_ms = 30'000;    ///< longest silence while a body is read
    std::int64_t write_timeout_ms = 30'000;   ///< longest time a peer may refuse to take bytes
    std::size_t connections = 10'000;         ///< all loops together
    std::uint64_t requests_per_connection = 0;  ///< 0: no bound
    std::uint64_t message_bytes = 1U << 20;   ///< of a WebSocket message
    std::int64_t ping_ms = 30'000;            ///< between pings of a silent WebSocket
    std::size_t streams = 100;                ///< open at a time on an HTTP/2 connection
    /// Resets, pings, settings and other control frames that an HTTP/2 peer may
    /// send in one go and in each second.
    std::int64_t control_frames_per_second = 200;
};

/// Where connections come from.
struct Listener {
    enum class Kind : std::uint8_t {
        tcp,
        unix_socket,
        inherited,  ///< a listening socket that the service manager opened
    };
    Kind kind = Kind::tcp;
    std::string host = "127.0.0.1";
    std::uint16_t port = 9000;  ///< 0: the system chooses
    std::string path;           ///< of a Unix socket
    int fd = -1;                ///< inherited
    bool tls = false;
};

struct Options {
    std::vector<Listener> listeners{Listener{}};
    unsigned loops = 1;
    Limits limits;
};

}  // namespace acp::wire
