// oidc: what a token endpoint gives (OpenID Connect Core 3.1.3.3, 12.2).
#pragma once

#include <cstdint>
#include <string>

#include "oidc/metadata.h"

namespace acp::oidc {

/// Secrets.
struct Tokens {
    std::string access_token;         ///< never empty
    std::string id_token;             ///< empty: none came
    std::string refresh_token;        ///< empty: none came
    std::int64_t expires_in = 0;      ///< of the access token in seconds; 0: not said
};

/// Asks by the grant in `params`. Throws sdk::Failure: one of which is_invalid_grant is true,
/// ACP_E_DENIED for other errors of OAuth, ACP_E_UNAVAILABLE, ACP_E_PROVIDER. [may-block]
Tokens ask_for_tokens(const sdk::Call& call, const BackChannel& back_channel, const Provider& provider,
                      const Metadata& metadata, flow::Pairs params);

}  // namespace acp::oidc
