// auth: what the endpoints need of token verification beside the gate's: the
// identity room does it, and tests stand in for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/trusted_issuers.h"
#include "json/json.h"

namespace acp::auth {

/// What the role mapping gives somebody.
struct Entitlement {
    std::vector<std::string> roles, scopes, resources;
};

/// [any-thread]
class Trust {
public:
    virtual ~Trust() = default;

    /// Checks an access token of a trusted issuer, by the terms of its entry in the configuration.
    /// Code::unauthenticated, or Code::unavailable when a key cannot be had. [may-block]
    virtual Result<identity::Believed> foreign(std::string_view token, std::int64_t now_unix_s) = 0;

    /// Checks a token by which a trusted issuer of services vouches for a workload
    /// towards `audience`: an SVID, a service account's. Errors as above. [may-block]
    virtual Result<void> vouched(std::string_view token, std::string_view audience, std::int64_t now_unix_s) = 0;

    /// Checks a DPoP proof for a POST of `url` (RFC 9449 section 4.3), which is good once;
    /// the thumbprint of its key. Code::unauthenticated `invalid_dpop_proof`. [may-block]
    virtual Result<std::string> proof(std::string_view proof, const std::string& url, std::int64_t now_unix_s) = 0;

    /// For the field DPoP-Nonce of an answer with `use_dpop_nonce`. [may-block]
    virtual Result<std::string> nonce(std::int64_t now_unix_s) = 0;

    /// Whether a token of this server was revoked, by itself or with its subject. [must-not-block]
    virtual bool revoked(const identity::Principal& principal, std::int64_t issued_unix_s) const = 0;
    /// From now on the token is invalid, here at once and on every replica soon. [may-block]
    virtual Result<void> revoke(const std::string& token_id, std::int64_t expires_unix_s) = 0;

    /// What the role mapping makes of verified claims. [must-not-block]
    virtual Entitlement entitle(const std::string& issuer, const json::Object::Ptr& claims) const = 0;
};

}  // namespace acp::auth
