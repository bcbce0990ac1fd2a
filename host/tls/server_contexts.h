// tls: the server's side: which certificate a client sees, what it may speak
// and whether it must show a certificate of its own. No sockets: the caller
// gives an SSL its BIOs and drives it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/certificate.h"
#include "tls/handle.h"
#include "tls/key_pair.h"
#include "tls/profile.h"
#include "tls/ticket_keys.h"

namespace acp::tls {

/// optional: a client may come without a certificate, but one that it shows
/// must be good.
enum class ClientAuth : std::uint8_t { none, optional, required };

struct ServerOptions {
    /// At least one. For a name that a client asks for (SNI): the first with
    /// that very name, else with the wildcard one label up, else the first of
    /// all. Several for one name with keys of different kinds (RSA, ECDSA)
    /// serve it together: the client's abilities decide.
    std::vector<KeyPair> certificates;
    std::string client_ca_file;  ///< needed unless client_auth is none
    ClientAuth client_auth = ClientAuth::none;
    Version min_version = Version::tls1_2;
    /// For ALPN, the most wanted first. A client that offers only others is
    /// refused; one that takes no part gets HTTP/1.1.
    std::vector<std::string> alpn{"h2", "http/1.1"};
};

/// What was loaded, immutable. A reload loads anew and swaps the pointer for
/// connections to come; a running connection keeps alive what it uses. [any-thread]
class ServerContexts {
public:
    /// Blocking: reads files. The error has a Violation for each wrong file
    /// with the pointer of the option, e.g. "/certificates/0/key", and a
    /// detail that says what is wrong and how to mend it. `tickets` outlives
    /// reloads: pass the same each time.
    static Result<std::shared_ptr<const ServerContexts>> load(const ServerOptions& options,
                                                              std::shared_ptr<TicketKeys> tickets);

    /// A connection in accept state without BIOs, independent of this object's life.
    Result<SslPtr> accept() const;
    /// The context that every connection starts with.
    SSL_CTX* initial() const noexcept { return initial_.get(); }

    /// The servers' own certificates, in the order of the options.
    const std::vector<CertificateInfo>& certificates() const noexcept { return certificates_; }
    /// What the operator should mend though TLS works, e.g. an expired certificate.
    const std::vector<std::string>& warnings() const noexcept { return warnings_; }
    /// Equal when two loads have the same certificates, CAs and settings.
    const std::string& fingerprint() const noexcept { return fingerprint_; }

private:
    ServerContexts() = default;

    ContextPtr initial_;
    std::vector<CertificateInfo> certificates_;
    std::vector<std::string> warnings_;
    std::string fingerprint_;
};

}  // namespace acp::tls
