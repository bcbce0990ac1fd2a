// tls: the settings that every connection has, as server and as client.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/handle.h"

namespace acp::tls {

enum class Version : std::uint8_t { tls1_2, tls1_3 };

/// An SSL_CTX with the house's versions, ciphers, groups and modes, whatever
/// the system's openssl.cnf says: TLS 1.2 with forward secrecy and AEAD, which
/// is also what HTTP/2 wants (RFC 9113 section 9.2), and TLS 1.3; no
/// compression and no renegotiation.
Result<ContextPtr> new_context(const SSL_METHOD* method, Version least);

/// Protocol names as ALPN sends them (RFC 7301 section 3.1): each after its length.
Result<std::string> alpn_list(const std::vector<std::string>& names);

}  // namespace acp::tls
