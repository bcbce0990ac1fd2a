// auth: keeps a session's upstream tokens fresh: one flight for each session on all
// replicas, and nobody else waits for it without need.
#pragma once

#include <functional>
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

    enum class When : std::uint8_t {
        due,  ///< when the tokens are about to expire
        now,  ///< because the client asks for it
    };
    /// The session, renewed by this call or another, or as it was when the upstream cannot be
    /// reached. Code::unauthenticated `no_session`: the upstream has ended it (`invalid_grant`).
    /// [may-block]
    Result<Session> renewed(Session session, When when, const std::string& request_id);

private:
    bool due(const Session& session) const;
    bool wanted(const Session& session, When when) const;
    Result<Session> await(const Session& session) const;
    Result<Session> renew(Session session, const std::string& request_id);
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
