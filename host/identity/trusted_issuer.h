// identity: another issuer whose access tokens are accepted here, and on what
// terms. Whatever an entry does not allow is refused.
#pragma once

#include <string>
#include <vector>

#include "jose/algorithm.h"

namespace acp::identity {

/// Where an issuer puts what we want to know: a member's name, or a JSON pointer
/// (RFC 6901) when it begins with "/".
struct ClaimNames {
    std::string subject = "sub";
    std::string client = "client_id";
    std::string organization = "organization_id";
    std::string scopes = "scope";
    std::string resources = "resources";
    bool operator==(const ClaimNames&) const = default;
};

struct TrustedIssuer {
    std::string issuer;                  ///< `iss`, byte for byte
    std::string jwks_url;                ///< empty: by discovery
    std::string ca_file;                 ///< PEM file that https is checked by; empty: the system's store
    std::vector<std::string> audiences;  ///< one of them must be in `aud`
    std::vector<jose::Algorithm> algorithms{jose::Algorithm::RS256, jose::Algorithm::PS256, jose::Algorithm::ES256,
                                            jose::Algorithm::EdDSA};
    std::vector<std::string> types{"at+jwt"};  ///< of `typ`, lower case without "application/"; "" is a token without
    std::string actor_kind = "user";           ///< user, service or agent
    std::string subject_prefix;                ///< keeps its subjects apart from those of others
    bool trust_scopes = false;                 ///< its own scopes count, not only mapped roles
    ClaimNames claims;
};

}  // namespace acp::identity
