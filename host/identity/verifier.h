// identity: from a presented token to a principal. Own tokens and those of
// trusted issuers; what has been verified is remembered by digest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "identity/principal.h"
#include "identity/token_cache.h"

namespace acp::identity {

/// What came with a request. Views are borrowed for the call.
struct Presented {
    std::string_view token = {};
    bool dpop_scheme = false;                  ///< Authorization: DPoP, else Bearer
    std::string_view proof = {};               ///< the DPoP field; empty: none
    std::string_view method = {};
    std::string_view url = {};                 ///< scheme://authority/path, for the proof's htu
    std::string_view certificate_sha256 = {};  ///< of the verified client certificate, base64url; empty: none
};

class Verifier {
public:
    virtual ~Verifier() = default;

    /// The principal of a token that was verified before and still holds; null when it
    /// must be verified. No allocation, no system call, one short lock. Tokens
    /// that are bound to a key are never answered here. [any-thread]
    virtual PrincipalPtr known(const Presented& presented, std::int64_t now_unix_s) const noexcept = 0;

    /// Checks everything (RFC 9068 section 4). Code::unauthenticated with slug
    /// `invalid_token` (message: "expired" or "invalid", `internal`: which check) or
    /// `invalid_dpop_proof`; Code::unavailable when a key cannot be had. [any-thread]
    /// [may-block]
    virtual Result<PrincipalPtr> verify(const Presented& presented, std::int64_t now_unix_s) = 0;

    /// Forgets what was verified, after a revocation. [any-thread]
    virtual void forget() noexcept = 0;

    /// Of the tokens that are remembered. A token's first request misses twice: where it
    /// must not wait, and where it may. [any-thread]
    virtual CacheCounts counts() const noexcept = 0;
};

}  // namespace acp::identity
