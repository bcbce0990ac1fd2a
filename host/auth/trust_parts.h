// auth: trust as the identity room has it.
#pragma once

#include <vector>

#include "auth/trust.h"
#include "identity/claims.h"
#include "identity/make_verifier.h"
#include "jose/compact.h"

namespace acp::auth {

/// [any-thread]
class TrustParts final : public Trust {
public:
    TrustParts(std::string issuer, std::int64_t leeway_s, std::vector<identity::TrustedIssuer> trusted, identity::Roles roles, identity::VerifierParts parts)
        : issuer_(std::move(issuer)), leeway_s_(leeway_s), trusted_(std::move(trusted)), roles_(std::move(roles)), parts_(std::move(parts)) {}

    Result<Believed> foreign(std::string_view token, std::int64_t now_unix_s) override;
    Result<void> vouched(std::string_view token, std::string_view audience, std::int64_t now_unix_s) override;
    Result<std::string> proof(std::string_view proof, const std::string& url, std::int64_t now_unix_s) override;
    bool revoked(const identity::Principal& principal, std::int64_t issued_unix_s) const override;
    Result<void> revoke(const std::string& token_id, std::int64_t expires_unix_s) override;
    Entitlement entitle(const std::string& issuer, const json::Object::Ptr& claims) const override;

private:
    const identity::TrustedIssuer* issuer_of(const std::string& issuer) const noexcept;
    Result<identity::Times> check(const jose::Compact& token, const identity::TrustedIssuer& entry, const std::vector<std::string_view>& audiences,
                                  const std::vector<std::string_view>& types, std::int64_t now_unix_s);

    const std::string issuer_;
    const std::int64_t leeway_s_;
    const std::vector<identity::TrustedIssuer> trusted_;
    const identity::Roles roles_;
    const identity::VerifierParts parts_;
};

}  // namespace acp::auth
