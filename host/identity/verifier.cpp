#include "identity/verifier.h"

#include <array>
#include <utility>

#include "base/bytes.h"
#include "identity/make_verifier.h"
#include "identity/principal_of.h"
#include "identity/token_cache.h"

namespace acp::identity {

namespace {

/// RFC 9068 section 2.1.
constexpr std::array<std::string_view, 1> kOwnTypes{"at+jwt"};

class TokenVerifier final : public Verifier {
public:
    TokenVerifier(VerifierRules rules, VerifierParts parts)
        : rules_(std::move(rules)), parts_(std::move(parts)), cache_(rules_.cached_tokens) {}

    PrincipalPtr known(const Presented& presented, std::int64_t now) const noexcept override {
        if (presented.dpop_scheme) return nullptr;
        PrincipalPtr who = cache_.find(token_digest(presented.token), now).principal;
        if (who && (!who->key_thumbprint.empty() || !who->certificate_thumbprint.empty())) return nullptr;
        return who;
    }

    Result<PrincipalPtr> verify(const Presented& presented, std::int64_t now) override {
        const Sha256 digest = token_digest(presented.token);
        Verified verified = cache_.find(digest, now);
        if (!verified.principal) {
            const std::uint64_t generation = cache_.generation();
            auto checked = check(presented.token, now);
            if (!checked) return fail(checked.error());
            verified = std::move(*checked);
            if (revoked(verified)) return invalid_token("revoked");
            cache_.keep(digest, verified, generation);
            // A revocation that came since may have swept the cache before this
            // was in it.
            if (revoked(verified)) {
                cache_.drop(digest);
                return invalid_token("revoked");
            }
        }
        if (auto held = check_possession(presented, *verified.principal, now); !held) return fail(held.error());
        return std::move(verified.principal);
    }

    void forget() noexcept override { cache_.clear(); }
    CacheCounts counts() const noexcept override { return cache_.counts(); }
    void drop_revoked() {
        cache_.drop_if([this](const Verified& verified) { return revoked(verified); });
    }

private:
    /// Everything that does not depend on who presents the token.
    Result<Verified> check(std::string_view text, std::int64_t now) const {
        auto token = jose::parse(text);
        if (!token) return invalid_token(token.error().internal);
        // The issuer decides which keys count, so it comes before any of them.
        if (json::text_or(token->claims, "iss") == rules_.issuer) return check_own(*token, now);
        auto believed = parts_.trusted->verify(*token, now);
        if (!believed) return fail(believed.error());
        return verified(std::move(believed->principal), believed->issued_unix_s);
    }

    Result<Verified> check_own(const jose::Compact& token, std::int64_t now) const {
        if (!parts_.keys->signed_here(token)) return invalid_token("signature");
        const std::array<std::string_view, 1> audiences{rules_.audience};
        const auto times = check_claims(token, {rules_.issuer, audiences, kOwnTypes, rules_.leeway_s, true}, now);
        if (!times) return fail(times.error());
        auto principal = principal_of(token.claims, *times);
        if (!principal) return fail(principal.error());
        return verified(std::move(*principal), times->issued_unix_s);
    }

    static Verified verified(Principal who, std::int64_t issued_unix_s) {
        const RevocationKeys keys = revocation_keys(who.issuer, who.subject, who.token_id, issued_unix_s);
        return {std::make_shared<const Principal>(std::move(who)), keys};
    }

    bool revoked(const Verified& verified) const { return parts_.revocations->revoked(verified.revocation); }

    /// A token that is bound to a key or certificate is good in its holder's hands only.
    Result<void> check_possession(const Presented& presented, const Principal& who, std::int64_t now) const {
        if (!who.certificate_thumbprint.empty() &&
            !equal_constant_time(presented.certificate_sha256, who.certificate_thumbprint))
            return invalid_token("cnf.x5t#S256");
        if (who.key_thumbprint.empty()) {
            if (presented.dpop_scheme) return invalid_token("not bound to a key");
            return {};
        }
        if (!presented.dpop_scheme) return invalid_token("bound to a key, sent as Bearer");
        const auto proven = parts_.proofs->check(
            {presented.proof, presented.method, presented.url, presented.token, who.key_thumbprint}, now);
        if (!proven) return fail(proven.error());
        return {};
    }

    const VerifierRules rules_;
    const VerifierParts parts_;
    TokenCache cache_;
};

}  // namespace

std::shared_ptr<Verifier> make_verifier(VerifierRules rules, VerifierParts parts) {
    const auto trusted = parts.trusted;
    const auto revocations = parts.revocations;
    auto made = std::make_shared<TokenVerifier>(std::move(rules), std::move(parts));
    // Weak: the parts live as long as the verifier does, and it must not live for ever.
    const std::weak_ptr<TokenVerifier> weak = made;
    trusted->keys().on_key_gone([weak] {
        if (const auto verifier = weak.lock()) verifier->forget();
    });
    revocations->on_change([weak] {
        if (const auto verifier = weak.lock()) verifier->drop_revoked();
    });
    return made;
}

}  // namespace acp::identity
