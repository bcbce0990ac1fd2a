// A client and a server that shake hands in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tls/client_context.h"
#include "tls/handle.h"
#include "tls/server_contexts.h"
#include "unit/tls/authority.h"

namespace acp::tls::test {

struct SessionFree {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionFree>;

class Talk {
public:
    /// Joins both and shakes hands as far as it goes.
    Talk(SslPtr client, SslPtr server);
    /// Ends in an orderly way: OpenSSL forgets the session of a connection
    /// that was cut.
    ~Talk();
    Talk(Talk&&) = default;
    Talk& operator=(Talk&&) = default;

    /// Both sides are done, and bytes went both ways.
    bool done() const { return done_; }
    const std::string& client_error() const { return client_error_; }
    const std::string& server_error() const { return server_error_; }
    /// The last alert that the client got (RFC 8446 section 6), -1: none.
    int alert() const { return *alert_; }

    SSL* client() const { return client_.get(); }
    SSL* server() const { return server_.get(); }
    bool resumed() const { return SSL_session_reused(server_.get()) == 1; }
    /// The name of the certificate that the client sees.
    std::string seen() const;
    std::string cipher() const { return SSL_get_cipher_name(client_.get()); }
    /// What the client would resume with; tickets of TLS 1.3 have arrived by then.
    SessionPtr session() const { return SessionPtr(SSL_get1_session(client_.get())); }

private:
    SslPtr client_;
    SslPtr server_;
    std::unique_ptr<int> alert_ = std::make_unique<int>(-1);
    std::string client_error_;
    std::string server_error_;
    bool done_ = false;
};

/// A client that is laxer than the house's own.
struct Visitor {
    X509* trusts = nullptr;
    int version = 0;      ///< the only one that it speaks; 0: 1.2 and 1.3
    std::string ciphers;  ///< of TLS 1.2, "" for OpenSSL's default
    std::string groups;
    std::string server_name;  ///< SNI
    std::vector<std::string> alpn;
    const Issued* certificate = nullptr;
    SSL_SESSION* session = nullptr;
    std::string signatures;  ///< the kinds that it accepts, e.g. "RSA-PSS+SHA256"

    SslPtr ssl() const;
};

std::shared_ptr<const ServerContexts> must_load(const ServerOptions& options,
                                                std::shared_ptr<TicketKeys> tickets = std::make_shared<TicketKeys>());

}  // namespace acp::tls::test
