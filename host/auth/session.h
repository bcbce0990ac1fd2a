// auth: a browser's session, as it is kept in the state store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/principal.h"
#include "plugins/auth_step.h"

namespace acp::auth {

struct Session {
    std::string handle;         ///< names it to its owner and in the ledger; opens nothing
    std::string secret_digest;  ///< base64url of SHA-256 over the cookie's secret
    std::string flow;           ///< alias of the auth flow that made it
    std::string csrf_token;     ///< a secret of the pages of this session
    std::string subject, issuer, actor_kind, organization_id, upstream_session, acr;
    std::vector<std::string> roles, scopes, resources;
    std::string claims_json = "{}";
    std::string upstream_tokens_json;        ///< a secret
    std::string address;                     ///< where it was begun from
    std::int64_t auth_time_unix_s = 0;
    std::int64_t created_unix_s = 0;
    std::int64_t seen_unix_s = 0;            ///< last use, not exact: written now and then
    std::int64_t ends_unix_s = 0;            ///< whatever happens
    std::int64_t tried_unix_ms = 0;          ///< when the last attempt to renew the upstream's tokens ended; 0: none
    std::int64_t renewed_unix_ms = 0;        ///< when the last that succeeded did
    std::int64_t renew_at_unix_s = 0;        ///< when the upstream's tokens want renewal; 0: never
    std::uint64_t version = 0;               ///< of the store's entry

    /// Wipes what is secret.
    ~Session();
    Session() = default;
    Session(const Session&) = default;
    Session(Session&&) = default;
    Session& operator=(const Session&) = default;
    Session& operator=(Session&&) = default;

    identity::PrincipalPtr principal() const;
    plugins::AuthSession for_flow() const;
};

std::string to_json(const Session& session);
/// Code::internal for what this server has not written.
Result<Session> session_from_json(std::string_view text);

}  // namespace acp::auth
