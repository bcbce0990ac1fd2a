// auth: keeps a session's upstream tokens fresh: one flight for each session on all
// replicas, and nobody else waits for it without need.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "auth/flow.h"
#include "auth/security_log.h"
#include "auth/sessions.h"
#include "auth/trust.h"
#include "base/result.h"
#include "state/store.h"

namespace acp::auth {

/// When the tokens of an upstream want renewal, by their "expires_at"; 0: never.
std::int64_t renew_at(const std::string& tokens_json, std::int64_t now_unix_s);

/// Takes over who the identity is and what it may; for a new session and a renewed one.
void describe(Session& session, const plugins::AuthIdentity& identity, const Trust& trust);

/// [any-thread]
class Renewals {
public:
    Renewals(Sessions& sessions, state::Store& store, const Trust& trust, SecurityLog& security, std::function<std::vector<Flow>()> flows)
        : sessions_(sessions), store_(store), trust_(trust), security_(security), flows_(std::move(flows)) {}

    /// The session, with its tokens renewed by this call or another when they are about to
    /// expire; as it was when that fails, or while another is at it. Code::unauthenticated
    /// `no_session`: the upstream has ended it (`invalid_grant`). [may-block]
    Result<Session> when_due(Session session, const std::string& request_id);
    /// Because a client asks for it. An attempt that ended after the request arrived is
    /// its answer too, so of many that ask at once one asks the upstream, whether they meet or
    /// queue. Code::unavailable `renewal_failed`: the session stays as it was. [may-block]
    Result<Session> on_demand(Session session, const std::string& request_id, std::int64_t arrived_unix_ms);

private:
    bool due(const Session& session) const;
    /// `wanted` is asked again once nobody else is at it. nullopt: somebody is.
    Result<std::optional<Session>> alone(const Session& session, const std::function<bool(const Session&)>& wanted, const std::string& request_id);
    Result<Session> renew(Session session, const std::string& request_id);
    Result<Session> stays(Session session);
    Result<Session> keep(Session session, plugins::AuthDecision decision, const std::string& request_id);
    Result<Session> refused(const Session& session, const plugins::AuthDecision& decision, const std::string& request_id);
    void note(const Session& session, const std::string& outcome, const std::string& request_id);

    Sessions& sessions_;
    state::Store& store_;
    const Trust& trust_;
    SecurityLog& security_;
    const std::function<std::vector<Flow>()> flows_;
};

}  // namespace acp::auth
