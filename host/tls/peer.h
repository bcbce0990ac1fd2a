// tls: who is at the other end of a connection, and what was agreed with it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tls/certificate.h"

namespace acp::tls {

struct PeerIdentity {
    CertificateInfo certificate;
    std::optional<std::string> spiffe_id;  ///< the exact one, see certificate.h
    std::string der;
};

/// The peer's certificate, once the handshake is done and the certificate was
/// verified; nothing when it showed none. On a resumed connection it is the
/// one of the first handshake. On the thread that owns `ssl`.
std::optional<PeerIdentity> peer_identity(const SSL* ssl);

enum class Protocol : std::uint8_t { http1, http2 };

/// What ALPN chose; HTTP/1.1 when the peer did not take part (RFC 9112 section 9.7 needs no ALPN).
Protocol negotiated_protocol(const SSL* ssl) noexcept;

}  // namespace acp::tls
