// identity: who calls, proven by a token. Keys, minting and verification.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace acp::identity {

/// A verified caller. Made by a verifier only, never from a plain header.
struct Principal {
    std::string subject = {};
    std::string actor_kind = "user";  ///< user, service, agent or system
    std::string organization_id = {};
    std::vector<std::string> scopes = {};
    std::string token_id = {};             ///< jti
    std::int64_t expires_unix_s = 0;

    std::string issuer = {};
    std::string client_id = {};
    std::string act_json = {};                ///< who acts for the subject (RFC 8693 section 4.1), nested; empty: nobody
    std::vector<std::string> resources = {};  ///< what somebody who is no admin may see; empty: no filter. A filter without names is one empty text
    std::string acr = {};                     ///< how well the caller was authenticated (RFC 9470); empty: unknown
    std::int64_t auth_time_unix_s = 0;   ///< when; 0: unknown
    std::string key_thumbprint = {};          ///< cnf.jkt: comes with a DPoP proof by this key only (RFC 9449)
    std::string certificate_thumbprint = {};  ///< cnf.x5t#S256 (RFC 8705 section 3.1)
    std::string session_id = {};              ///< of a browser session; empty: a token

    bool holds(std::string_view scope) const {
        return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
    }
    /// Whether the caller may do what needs `scope`; the two cluster-wide
    /// scopes satisfy every other.
    bool may(std::string_view scope) const { return is_admin() || holds(scope); }
    bool is_admin() const { return holds("admin:cluster") || holds("platform:admin"); }
    /// Whether the caller may know of the resource called `name`, whatever its scopes allow to do with it.
    bool may_see(std::string_view name) const {
        return resources.empty() || is_admin() || std::find(resources.begin(), resources.end(), name) != resources.end();
    }
};
using PrincipalPtr = std::shared_ptr<const Principal>;

/// One without a subject and without scopes; the same for everybody.
inline const PrincipalPtr& nobody() {
    static const PrincipalPtr none = std::make_shared<const Principal>();
    return none;
}

}  // namespace acp::identity
