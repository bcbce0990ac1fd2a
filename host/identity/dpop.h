// identity: proofs that a caller holds the key that a token is bound to (DPoP,
// RFC 9449). For protected resources and for the token endpoint.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "jose/compact.h"
#include "state/store.h"

namespace acp::identity {

struct DpopRules {
    std::int64_t window_s = 60;  ///< how old a proof may be
    std::int64_t leeway_s = 30;  ///< beyond both ends of the window
    bool needs_nonce = false;    ///< a proof must repeat a nonce of ours (RFC 9449 sections 8 and 9)
};

struct ProofUse {
    std::string_view proof;  ///< the DPoP field's value
    std::string_view method;
    std::string_view url;         ///< scheme://authority/path as the client sees it
    std::string_view token;       ///< the access token it comes with; empty: none, at the token endpoint
    std::string_view thumbprint;  ///< of the key that the token is bound to; empty: any key
};

/// [any-thread]
class DpopProofs {
public:
    DpopProofs(state::Store& store, DpopRules rules) : store_(store), rules_(rules) {}
    ~DpopProofs();
    DpopProofs(const DpopProofs&) = delete;
    DpopProofs& operator=(const DpopProofs&) = delete;

    /// The RFC 7638 thumbprint of the key that made the proof, which is good for
    /// this one request and used up now. Code::unauthenticated with the slug
    /// `invalid_dpop_proof` (`internal`: which check), `use_dpop_nonce` or, for
    /// another key than the token's, `invalid_token`: the error codes of RFC 9449;
    /// Code::unavailable when it cannot be
    /// told whether the proof was used before. [may-block]
    Result<std::string> check(const ProofUse& use, std::int64_t now_unix_s);

    /// A value for the field DPoP-Nonce, the same on all replicas for two
    /// minutes and accepted for two more. [may-block]
    Result<std::string> nonce(std::int64_t now_unix_s);

private:
    Result<void> check_claims(const jose::Compact& proof, const ProofUse& use, std::int64_t now_unix_s);
    Result<void> check_nonce(const jose::Compact& proof, std::int64_t now_unix_s);
    Result<void> use_up(const jose::Compact& proof, const std::string& thumbprint);
    Result<std::string> nonce_of(std::int64_t period);
    Result<std::string> nonce_key(std::int64_t now_unix_s);

    state::Store& store_;
    const DpopRules rules_;
    std::mutex mutex_;
    std::string nonce_key_;  ///< a secret; empty until the first use
    std::int64_t nonce_key_read_unix_s_ = 0;
};

}  // namespace acp::identity
