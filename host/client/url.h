// client: where a request goes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace acp::client {

enum class Scheme : std::uint8_t { http, https, unix_socket };

struct Url {
    Scheme scheme = Scheme::http;
    std::string host;        ///< name or address without brackets; the socket's path for unix_socket
    std::uint16_t port = 0;  ///< 0 for unix_socket
    std::string target;      ///< origin-form, "/" at least
    std::string host_field;  ///< value of the Host field
};

/// Reads `http://host[:port][/path][?query]`, the same with https, and
/// `unix:///socket/path[:/path[?query]]`. Refused: user information, a
/// fragment, white space, controls and bytes beyond ASCII.
Result<Url> parse_url(std::string_view text);

/// Whether a host never leaves this machine: localhost, 127.0.0.0/8 and ::1.
bool is_loopback(const std::string& host) noexcept;

}  // namespace acp::client
