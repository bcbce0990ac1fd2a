#include "auth/trust_parts.h"

#include "base/clock.h"
#include "identity/claim_values.h"
#include "identity/claims.h"

namespace acp::auth {

Result<identity::Believed> TrustParts::foreign(std::string_view text, std::int64_t now) {
    auto token = jose::parse(text);
    if (!token) return fail(token.error());
    auto believed = parts_.trusted->verify(*token, now);
    if (!believed) return believed;
    const auto& principal = believed->principal;
    if (parts_.revocations->revoked(identity::revocation_keys(principal.issuer, principal.subject, principal.token_id, believed->issued_unix_s)))
        return identity::invalid_token("revoked");
    return believed;
}

Result<void> TrustParts::vouched(std::string_view text, std::string_view audience, std::int64_t now) {
    auto token = jose::parse(text);
    if (!token) return fail(token.error());
    // Who vouches for people says nothing of workloads, whatever subject it writes.
    const auto* issuer = parts_.trusted->find(json::text_or(token->claims, "iss"));
    if (!issuer || issuer->actor_kind == "user") return identity::invalid_token("iss is not trusted for services");
    auto believed = parts_.trusted->verify(*token, now, audience);
    if (!believed) return fail(believed.error());
    return {};
}

Result<std::string> TrustParts::proof(std::string_view proof, const std::string& url, std::int64_t now) {
    identity::ProofUse use;
    use.proof = proof;
    use.method = "POST";
    use.url = url;
    return parts_.proofs->check(use, now);
}

Result<std::string> TrustParts::nonce(std::int64_t now) {
    return parts_.proofs->nonce(now);
}

bool TrustParts::revoked(const identity::Principal& principal, std::int64_t issued) const {
    return parts_.revocations->revoked(identity::revocation_keys(issuer_, principal.subject, principal.token_id, issued));
}

Result<void> TrustParts::revoke(const std::string& token_id, std::int64_t expires) {
    return parts_.revocations->revoke_token(issuer_, token_id, expires, unix_ns() / 1'000'000'000);
}

Entitlement TrustParts::entitle(const std::string& issuer, const json::Object::Ptr& claims) const {
    auto granted = parts_.trusted->roles().granted(issuer, claims);
    const auto* entry = parts_.trusted->find(issuer);
    Entitlement out{std::move(granted.roles), std::move(granted.scopes), {}};
    if (const auto value = identity::claim_at(claims, entry ? entry->claims.resources : "resources")) {
        // As in principal_of: a filter that is empty lets nothing through.
        out.resources = identity::words_of(*value).value_or(std::vector<std::string>{});
        if (out.resources.empty()) out.resources.emplace_back();
    }
    return out;
}

}  // namespace acp::auth
