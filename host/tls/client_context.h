// tls: the client's side, for upstreams and plugins. No sockets: the caller
// gives an SSL its BIOs and drives it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/handle.h"
#include "tls/key_pair.h"
#include "tls/profile.h"

namespace acp::tls {

struct ClientOptions {
    std::vector<std::string> ca_files;   ///< trusted instead of the system's store; empty: the system's
    std::optional<KeyPair> certificate;  ///< shown to a server that asks for one
    std::vector<std::string> alpn;       ///< offered, the most wanted first; empty: no ALPN
    Version min_version = Version::tls1_2;
};

/// Immutable; a reload loads anew. Connections do not resume sessions: a
/// resumed one would not look at the server's certificate again. [any-thread]
class ClientContext {
public:
    /// Blocking: reads files. Errors as of ServerContexts::load, with the
    /// pointers "/ca_files/0", "/certificate/certificate", "/certificate/key".
    static Result<std::shared_ptr<const ClientContext>> load(const ClientOptions& options);

    /// A connection in connect state without BIOs, to a server whose
    /// certificate must be good and have `host` in its subjectAltName: a name
    /// (RFC 6125, a wildcard is a whole label) or an IP address, [IPV6] too.
    /// A handshake with another server fails.
    Result<SslPtr> to_host(const std::string& host) const;

    /// The same to a workload that is known by its SPIFFE ID and not by a
    /// name: the certificate must be good and an X.509-SVID of exactly that ID.
    /// `server_name`, if any, is sent as SNI and not checked.
    Result<SslPtr> to_workload(const std::string& id, const std::string& server_name = {}) const;

    const std::vector<std::string>& warnings() const noexcept { return warnings_; }

private:
    ClientContext() = default;
    Result<SslPtr> connection(const std::string& server_name) const;

    ContextPtr context_;
    std::vector<std::string> warnings_;
};

}  // namespace acp::tls
