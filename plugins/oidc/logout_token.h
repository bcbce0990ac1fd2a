// oidc: logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6).
#pragma once

#include <cstdint>
#include <string>

#include "oidc/metadata.h"
#include "oidc/provider.h"

namespace acp::oidc {

/// Whose sessions end: the one that `session` names, or without it all of `subject`.
struct Ended {
    std::string session, subject;
};

/// The issuer that a token says it is of, unproven; empty: none.
std::string unproven_issuer(const std::string& token);

/// Throws Refused for a token that is none or was used before, on whatever replica;
/// sdk::Failure when that cannot be told. [may-block]
Ended believed_logout(const sdk::HostIdentity& identity, const sdk::Call& call, std::int64_t now_unix_s,
                      const Provider& provider, const Metadata& metadata, const std::string& token);

}  // namespace acp::oidc
