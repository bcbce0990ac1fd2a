// identity: puts a verifier together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "identity/dpop.h"
#include "identity/keyring.h"
#include "identity/revocations.h"
#include "identity/trusted_issuers.h"
#include "identity/verifier.h"

namespace acp::identity {

struct VerifierRules {
    std::string issuer;    ///< this server's own
    std::string audience;  ///< in `aud` of its own tokens
    std::int64_t leeway_s = 30;
    std::size_t cached_tokens = 16384;
};

/// What the verifier shares with the token endpoint; none is null.
struct VerifierParts {
    std::shared_ptr<Keyring> keys;
    std::shared_ptr<TrustedIssuers> trusted;
    std::shared_ptr<Revocations> revocations;
    std::shared_ptr<DpopProofs> proofs;
};

/// Before threads start: it listens to what the parts have to tell.
std::shared_ptr<Verifier> make_verifier(VerifierRules rules, VerifierParts parts);

}  // namespace acp::identity
