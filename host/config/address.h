// config: addresses as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace acp::config {

/// Where to listen. `host` is an IPv4 or IPv6 address without brackets, or a
/// host name.
struct Endpoint {
    std::string host;
    std::uint16_t port = 0;

    /// HOST:PORT, or [HOST]:PORT for IPv6.
    std::string text() const;
    /// 127.0.0.0/8, ::1 or localhost.
    bool is_loopback() const;
    bool operator==(const Endpoint&) const = default;
};

/// Reads HOST:PORT or [IPV6]:PORT.
std::optional<Endpoint> parse_endpoint(std::string_view text);

}  // namespace acp::config
