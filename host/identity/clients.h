// identity: OAuth clients that the configuration registers, and how each proves
// itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jose/key_set.h"

namespace acp::identity {

/// How a client authenticates (RFC 8414 names, with two of our own).
enum class ClientAuth : std::uint8_t {
    none,                  ///< public client: device flow
    client_secret_basic,
    client_secret_post,
    private_key_jwt,       ///< RFC 7523
    tls_client_auth,       ///< RFC 8705, or an X.509-SVID by its SPIFFE ID
    jwt_svid,              ///< SPIFFE JWT-SVID as client assertion
    kubernetes,            ///< a service account's token as client assertion
};

struct Client {
    std::string id;
    std::string name;                     ///< for people; empty: the id
    std::vector<ClientAuth> methods;
    std::vector<std::string> grants;      ///< grant_type values it may use
    std::vector<std::string> scopes;      ///< it may never get others
    std::vector<std::string> audiences;   ///< beside the server's own
    /// Lower-case hex of SHA-256 over the secret: secrets are 256 random bits.
    std::vector<std::string> secret_sha256;
    jose::KeySet keys;                    ///< for private_key_jwt
    std::string spiffe_id;                ///< for tls_client_auth and jwt_svid
    std::string certificate_subject;      ///< for tls_client_auth: exact RFC 4514 DN
    std::string service_account;          ///< for kubernetes: namespace/name
    std::string actor_kind = "service";
    std::string organization_id;
    bool dpop_required = false;
    std::int64_t token_ttl_s = 0;         ///< 0: the server's

    bool uses(ClientAuth method) const noexcept;
    bool may_use(std::string_view grant_type) const noexcept;
};

class Clients {
public:
    explicit Clients(std::vector<Client> clients = {}) : clients_(std::move(clients)) {}
    const Client* find(std::string_view id) const noexcept;
    const std::vector<Client>& all() const noexcept { return clients_; }

private:
    std::vector<Client> clients_;
};

}  // namespace acp::identity
