// auth: trust as the identity room has it.
#pragma once

#include <string>

#include "auth/trust.h"
#include "identity/make_verifier.h"

namespace acp::auth {

/// [any-thread]
class TrustParts final : public Trust {
public:
    TrustParts(std::string issuer, identity::VerifierParts parts) : issuer_(std::move(issuer)), parts_(std::move(parts)) {}

    Result<identity::Believed> foreign(std::string_view token, std::int64_t now_unix_s) override;
    Result<void> vouched(std::string_view token, std::string_view audience, std::int64_t now_unix_s) override;
    Result<std::string> proof(std::string_view proof, const std::string& url, std::int64_t now_unix_s) override;
    Result<std::string> nonce(std::int64_t now_unix_s) override;
    bool revoked(const identity::Principal& principal, std::int64_t issued_unix_s) const override;
    Result<void> revoke(const std::string& token_id, std::int64_t expires_unix_s) override;
    Entitlement entitle(const std::string& issuer, const json::Object::Ptr& claims) const override;

private:
    const std::string issuer_;
    const identity::VerifierParts parts_;
};

}  // namespace acp::auth
