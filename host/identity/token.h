// identity: access tokens of the control plane's own issuer (RFC 9068).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/keyring.h"

namespace acp::identity {

struct TokenPolicy {
    std::string issuer;
    std::string audience;
    std::int64_t leeway_s = 30;  ///< for exp, nbf and iat; at most 60
};

struct Grant {
    std::string subject;
    std::string actor_kind = "user";
    std::vector<std::string> scopes;
    std::int64_t ttl_s = 3600;
    std::string acr = {};  ///< how well the subject was authenticated just now (RFC 9470); empty: not told
};

/// scope-token of RFC 6749 section 3.3.
bool is_scope(std::string_view text) noexcept;

/// Signs a token for `grant`, valid from now on.
Result<std::string> mint(const Keyring& keys, const TokenPolicy& policy, const Grant& grant, std::int64_t now_unix_s);

}  // namespace acp::identity
