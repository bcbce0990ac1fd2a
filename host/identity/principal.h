// identity: who calls, proven by a token. Keys, minting and verification.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace acp::identity {

/// A verified caller. Made by a verifier only, never from a plain header.
struct Principal {
    std::string subject;
    std::string actor_kind = "user";  ///< user, service, agent or system
    std::string organization_id;
    std::vector<std::string> scopes;
    std::string token_id;             ///< jti
    std::int64_t expires_unix_s = 0;

    bool holds(std::string_view scope) const {
        return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
    }
    /// Whether the caller may do what needs `scope`; the two cluster-wide
    /// scopes satisfy every other.
    bool may(std::string_view scope) const { return holds("admin:cluster") || holds("platform:admin") || holds(scope); }
};

}  // namespace acp::identity
