// tls: what OpenSSL says went wrong, in one line.
#pragma once

#include <openssl/ssl.h>

#include <string>

namespace acp::tls {

/// The reasons in the calling thread's error queue, the first cause first, and
/// empties the queue. "" when it holds none. Names no secret.
std::string drain_errors();

/// Why the handshake or a read or write on `ssl` failed, right after it did on
/// the same thread: the verdict on the peer's certificate, when that is it,
/// then the queue. For the log.
std::string connection_error(const SSL* ssl);

}  // namespace acp::tls
