// identity: the other issuers that the configuration trusts.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "identity/key_source.h"
#include "identity/principal.h"
#include "identity/roles.h"
#include "identity/trusted_issuer.h"
#include "jose/compact.h"
#include "json/json.h"

namespace acp::identity {

/// A token of a trusted issuer that holds.
struct Believed {
    Principal principal;  ///< with what the role mapping gives
    json::Object::Ptr claims;
    std::int64_t issued_unix_s = 0;  ///< `iat`; 0: not told
};

/// Immutable. [any-thread]
class TrustedIssuers {
public:
    TrustedIssuers(std::vector<TrustedIssuer> issuers, Roles roles, std::shared_ptr<KeySources> keys,
                   std::int64_t leeway_s)
        : issuers_(std::move(issuers)), roles_(std::move(roles)), keys_(std::move(keys)), leeway_s_(leeway_s) {}

    /// By `iss`, byte for byte. Null: not trusted.
    const TrustedIssuer* find(std::string_view issuer) const noexcept;
    /// Picks the entry by the token's `iss` and checks everything but who presents
    /// it and revocation. `audience`, if any, is wanted in place of the entry's: for
    /// what clients prove themselves with. Errors as check_foreign. [may-block]
    Result<Believed> verify(const jose::Compact& token, std::int64_t now_unix_s, std::string_view audience = {}) const;

    const Roles& roles() const noexcept { return roles_; }
    KeySources& keys() const noexcept { return *keys_; }

private:
    const std::vector<TrustedIssuer> issuers_;
    const Roles roles_;
    const std::shared_ptr<KeySources> keys_;
    const std::int64_t leeway_s_;
};

}  // namespace acp::identity
