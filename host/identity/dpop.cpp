#include "identity/dpop.h"

#include "base/bytes.h"
#include "identity/claims.h"
#include "identity/htu.h"
#include "state/hmac.h"

namespace acp::identity {

namespace {

constexpr std::string_view kSpace = "dpop";
constexpr std::string_view kNonceKey = "nonce-key";
constexpr std::int64_t kNonceKeyTtlMs = std::int64_t{30} * 86'400'000;
constexpr std::int64_t kNonceKeyReadAgainS = 3600;
constexpr std::int64_t kNoncePeriodS = 120;
constexpr std::size_t kMaxProofBytes = 4096;
constexpr std::size_t kMaxIdBytes = 256;

tl::unexpected<Error> refuse(std::string slug, std::string message, std::string check) {
    Error e;
    e.code = Code::unauthenticated;
    e.slug = std::move(slug);
    e.message = std::move(message);
    e.internal = std::move(check);
    return fail(std::move(e));
}

tl::unexpected<Error> invalid_proof(std::string check) {
    return refuse("invalid_dpop_proof", "the DPoP proof is invalid", "proof " + std::move(check));
}

std::string digest(std::string_view text) {
    const Sha256 bytes = sha256(text);
    return base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Result<std::string> DpopProofs::check(const ProofUse& use, std::int64_t now) {
    if (use.proof.empty()) return invalid_proof("missing");
    if (use.proof.size() > kMaxProofBytes) return invalid_proof("size");
    auto proof = jose::parse(use.proof, jose::OwnKey::expected);
    if (!proof) return invalid_proof(proof.error().internal);
    if (proof->typ != "dpop+jwt") return invalid_proof("typ");
    const auto key = jose::PublicKey::from_jwk(proof->header->getObject("jwk"));
    if (!key) return invalid_proof("jwk " + key.error().internal);
    if (!proof->signed_by(*key)) return invalid_proof("signature");
    if (auto sound = check_claims(*proof, use, now); !sound) return fail(sound.error());
    std::string thumbprint = key->thumbprint();
    if (!use.thumbprint.empty() && !equal_constant_time(thumbprint, use.thumbprint)) return invalid_token("cnf.jkt");
    // Last, so that only what is sound in itself takes room in the store.
    if (auto fresh = use_up(*proof, thumbprint); !fresh) return fail(fresh.error());
    return thumbprint;
}

/// RFC 9449 section 4.3, checks 8 to 12.
Result<void> DpopProofs::check_claims(const jose::Compact& proof, const ProofUse& use, std::int64_t now) {
    const auto& claims = proof.claims;
    const std::string id = json::text_or(claims, "jti");
    if (id.empty() || id.size() > kMaxIdBytes) return invalid_proof("jti");
    if (json::text_or(claims, "htm") != use.method) return invalid_proof("htm");
    const auto here = normal_htu(use.url);
    const auto there = normal_htu(json::text_or(claims, "htu"));
    if (!here || !there || *here != *there) return invalid_proof("htu");
    const auto iat = seconds_of(claims, "iat");
    if (!iat) return invalid_proof("iat missing");
    if (*iat > now + rules_.leeway_s) return invalid_proof("iat in the future");
    if (*iat < now - rules_.window_s - rules_.leeway_s) return invalid_proof("iat too old");
    if (!use.token.empty() && !equal_constant_time(json::text_or(claims, "ath"), digest(use.token)))
        return invalid_proof("ath");
    return check_nonce(proof, now);
}

Result<void> DpopProofs::check_nonce(const jose::Compact& proof, std::int64_t now) {
    if (!rules_.needs_nonce) return {};
    const std::string given = json::text_or(proof.claims, "nonce");
    for (const std::int64_t period : {now / kNoncePeriodS, now / kNoncePeriodS - 1}) {
        const auto ours = nonce_of(period);
        if (!ours) return fail(ours.error());
        if (equal_constant_time(given, *ours)) return {};
    }
    return refuse("use_dpop_nonce", "the DPoP proof must have the nonce that this answer gives", "proof nonce");
}

/// A proof is dead once its iat has left the window, so its jti need not be
/// remembered for longer.
Result<void> DpopProofs::use_up(const jose::Compact& proof, const std::string& thumbprint) {
    const std::int64_t lives_s = rules_.window_s + 2 * rules_.leeway_s + 1;
    const std::string key = thumbprint + digest(json::text_or(proof.claims, "jti"));
    auto kept = store_.put({kSpace, key, "1", lives_s * 1000, state::If::absent, 0});
    if (kept) return {};
    if (kept.error().code == Code::conflict) return invalid_proof("jti used before");
    return fail(kept.error());
}

Result<std::string> DpopProofs::nonce(std::int64_t now) {
    return nonce_of(now / kNoncePeriodS);
}

/// No list of nonces is kept: one is the period's code under a key of all replicas.
Result<std::string> DpopProofs::nonce_of(std::int64_t period) {
    const auto key = nonce_key(period * kNoncePeriodS);
    if (!key) return key;
    const Sha256 code = state::Hmac(*key).of({std::to_string(period)});
    return base64url({reinterpret_cast<const char*>(code.data()), 16});
}

/// The first replica that needs it makes it; it changes when its time in the
/// store is over, which the others find out within the hour.
Result<std::string> DpopProofs::nonce_key(std::int64_t now) {
    const std::lock_guard lock(mutex_);
    if (!nonce_key_.empty() && now - nonce_key_read_unix_s_ < kNonceKeyReadAgainS) return nonce_key_;
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto known = store_.get(kSpace, kNonceKey);
        if (!known) return fail(known.error());
        std::string fresh = random_token(32);
        if (*known) {
            fresh = (*known)->value;
        } else if (auto made = store_.put({kSpace, kNonceKey, fresh, kNonceKeyTtlMs, state::If::absent, 0}); !made) {
            if (made.error().code != Code::conflict) return fail(made.error());
            continue;  // another replica was first
        }
        wipe(nonce_key_);
        nonce_key_ = std::move(fresh);
        nonce_key_read_unix_s_ = now;
        return nonce_key_;
    }
    return fail(Code::unavailable, "state_unavailable", "the key of DPoP nonces comes and goes");
}

DpopProofs::~DpopProofs() {
    wipe(nonce_key_);
}

}  // namespace acp::identity
