// client: what the connections of one pool have in common: where they go and
// as whom. Two requests share a connection only if all of this is equal.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>

#include "client/url.h"
#include "tls/client_context.h"

namespace acp::client {

/// Whom https trusts, and as whom it comes.
struct Tls {
    std::shared_ptr<const tls::ClientContext> context;  ///< null: the system's trust store, no certificate
    std::string spiffe_id;  ///< when set, the server's X.509-SVID must have this ID, and its name does not count
    auto operator<=>(const Tls&) const = default;
};

/// What is spoken. `negotiate` leaves it to ALPN; without TLS it is HTTP/1.1, and
/// `http2` is HTTP/2 by prior knowledge (RFC 9113 section 3.3).
enum class Versions : std::uint8_t { http1, http2, negotiate };

/// A proxy that is asked for a tunnel (RFC 9110 section 9.3.6), whatever the scheme.
struct Proxy {
    std::string host;  ///< empty: none
    std::uint16_t port = 0;
    std::string authorization;  ///< value of Proxy-Authorization, or empty
    auto operator<=>(const Proxy&) const = default;
};

struct Origin {
    Scheme scheme = Scheme::http;
    std::string host;        ///< name or address without brackets; the socket's path for unix_socket
    std::uint16_t port = 0;  ///< 0 for unix_socket
    Versions versions = Versions::http1;
    Tls tls;
    Proxy proxy;

    /// What may be shown of it: "host:port" or the socket's path.
    std::string place() const;
    auto operator<=>(const Origin&) const = default;
};

Origin origin_of(const Url& url);
/// "host:port", an IPv6 address in brackets.
std::string host_and_port(const std::string& host, std::uint16_t port);

}  // namespace acp::client
