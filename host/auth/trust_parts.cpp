#include "auth/trust_parts.h"

#include <algorithm>

#include "base/clock.h"
#include "identity/claim_values.h"
#include "identity/foreign.h"
#include "identity/principal_of.h"

namespace acp::auth {

namespace {

std::vector<std::string_view> views(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

const identity::TrustedIssuer* TrustParts::issuer_of(const std::string& issuer) const noexcept {
    const auto at = std::find_if(trusted_.begin(), trusted_.end(), [&](const auto& entry) { return entry.issuer == issuer; });
    return at == trusted_.end() ? nullptr : &*at;
}

Result<identity::Times> TrustParts::check(const jose::Compact& token, const identity::TrustedIssuer& entry, const std::vector<std::string_view>& audiences,
                                          const std::vector<std::string_view>& types, std::int64_t now) {
    const identity::ForeignRules rules{{entry.issuer, entry.jwks_url, entry.ca_file}, entry.algorithms, {entry.issuer, audiences, types, leeway_s_}};
    return identity::check_foreign(token, rules, *parts_.foreign_keys, now);
}

Result<Believed> TrustParts::foreign(std::string_view text, std::int64_t now) {
    auto token = jose::parse(text);
    if (!token) return fail(token.error());
    const auto* entry = issuer_of(json::text_or(token->claims, "iss"));
    if (!entry) return identity::invalid_token("iss is not trusted");
    const auto times = check(*token, *entry, views(entry->audiences), views(entry->types), now);
    if (!times) return fail(times.error());
    auto principal = identity::principal_of(token->claims, *times, *entry, roles_);
    if (!principal) return fail(principal.error());
    if (parts_.revocations->revoked({entry->issuer, principal->subject, principal->token_id, times->issued_unix_s})) return identity::invalid_token("revoked");
    return Believed{std::move(*principal), token->claims};
}

Result<void> TrustParts::vouched(std::string_view text, std::string_view audience, std::int64_t now) {
    auto token = jose::parse(text);
    if (!token) return fail(token.error());
    const auto* entry = issuer_of(json::text_or(token->claims, "iss"));
    // Who vouches for people says nothing of workloads, whatever subject it writes.
    if (!entry || entry->actor_kind == "user") return identity::invalid_token("iss is not trusted for services");
    const auto times = check(*token, *entry, {audience}, {"", "jwt"}, now);
    if (!times) return fail(times.error());
    return {};
}

Result<std::string> TrustParts::proof(std::string_view proof, const std::string& url, std::int64_t now) {
    identity::ProofUse use;
    use.proof = proof;
    use.method = "POST";
    use.url = url;
    return parts_.proofs->check(use, now);
}

bool TrustParts::revoked(const identity::Principal& principal, std::int64_t issued) const {
    return parts_.revocations->revoked({issuer_, principal.subject, principal.token_id, issued});
}

Result<void> TrustParts::revoke(const std::string& token_id, std::int64_t expires) {
    return parts_.revocations->revoke_token(issuer_, token_id, expires, unix_ns() / 1'000'000'000);
}

Entitlement TrustParts::entitle(const std::string& issuer, const json::Object::Ptr& claims) const {
    auto granted = roles_.granted(issuer, claims);
    const auto* entry = issuer_of(issuer);
    Entitlement out{std::move(granted.roles), std::move(granted.scopes), {}};
    if (const auto value = identity::claim_at(claims, entry ? entry->claims.resources : "resources")) {
        // As in principal_of: a filter that is empty lets nothing through.
        out.resources = identity::words_of(*value).value_or(std::vector<std::string>{});
        if (out.resources.empty()) out.resources.emplace_back();
    }
    return out;
}

}  // namespace acp::auth
