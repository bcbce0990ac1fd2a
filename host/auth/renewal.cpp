#include "auth/renewal.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "json/json.h"
#include "log/log.h"

namespace acp::auth {

namespace {

/// Tokens are renewed when less than this is left of them.
constexpr std::int64_t kEarly_s = 60;
/// After a failure: not again before.
constexpr std::int64_t kAgain_s = 10;
constexpr std::int64_t kFlight_ms = 20'000;
constexpr std::chrono::milliseconds kPoll{25};

plugins::CallContext call_of(const std::string& request_id) {
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + (kFlight_ms - 2'000) * 1'000'000;
    call.request_id = request_id;
    return call;
}

tl::unexpected<Error> no_session(std::string why) {
    Error e;
    e.code = Code::unauthenticated;
    e.slug = "no_session";
    e.message = "the session has ended; log in again";
    e.internal = std::move(why);
    return fail(std::move(e));
}

}  // namespace

std::int64_t renew_at(const std::string& tokens_json, std::int64_t now) {
    auto tokens = json::parse_object(tokens_json);
    if (!tokens) return 0;
    const auto expires = (*tokens)->optValue<std::int64_t>("expires_at", 0);
    if (expires <= 0) return 0;
    // Of short-lived tokens half of their life, not all of it, is early.
    return std::max(now + 1, expires - std::min(kEarly_s, (expires - now) / 2));
}

void describe(Session& session, const plugins::AuthIdentity& identity, const Trust& trust) {
    session.subject = identity.subject;
    session.issuer = identity.issuer;
    session.actor_kind = identity.actor_kind.empty() ? "user" : identity.actor_kind;
    session.organization_id = identity.organization_id;
    if (!identity.acr.empty()) session.acr = identity.acr;
    if (identity.auth_time_unix_s > 0) session.auth_time_unix_s = identity.auth_time_unix_s;
    if (!identity.upstream_session.empty()) session.upstream_session = identity.upstream_session;
    if (!identity.upstream_tokens_json.empty()) session.upstream_tokens_json = identity.upstream_tokens_json;
    auto claims = json::parse_object(identity.claims_json);
    if (!claims || (*claims)->size() == 0) return;  // a renewal without new claims
    session.claims_json = identity.claims_json;
    auto entitlement = trust.entitle(identity.issuer, *claims);
    session.roles = std::move(entitlement.roles);
    session.scopes = std::move(entitlement.scopes);
    session.resources = std::move(entitlement.resources);
}

bool Renewals::due(const Session& session) const { return session.renew_at_unix_s > 0 && sessions_.now() >= session.renew_at_unix_s; }

Result<Session> Renewals::when_due(Session session, const std::string& request_id) {
    if (!due(session)) return session;
    auto renewed = alone(session, [this](const Session& present) { return due(present); }, request_id);
    if (!renewed) return fail(renewed.error());
    return *renewed ? std::move(**renewed) : std::move(session);
}

Result<Session> Renewals::on_demand(Session session, const std::string& request_id, std::int64_t arrived_unix_ms) {
    const std::int64_t until = monotonic_ns() + kFlight_ms * 1'000'000;
    while (monotonic_ns() < until) {
        auto tried = alone(session, [&](const Session& present) { return present.tried_unix_ms < arrived_unix_ms; }, request_id);
        if (!tried) return fail(tried.error());
        if (*tried) {
            if ((*tried)->renewed_unix_ms == (*tried)->tried_unix_ms) return std::move(**tried);
            return fail(Code::unavailable, "renewal_failed", "the upstream does not renew the session now; it stays as it is");
        }
        std::this_thread::sleep_for(kPoll);
    }
    return fail(Code::unavailable, "renewal_pending", "the session is being renewed; try again in a moment");
}

Result<std::optional<Session>> Renewals::alone(const Session& session, const std::function<bool(const Session&)>& wanted, const std::string& request_id) {
    const std::string name = "session-renewal:" + session.handle;
    auto fence = store_.lock(name, kFlight_ms);
    if (!fence && fence.error().code != Code::conflict) return fail(fence.error());
    if (!fence) return std::optional<Session>();
    Result<std::optional<Session>> out = std::optional<Session>();
    auto present = sessions_.by_handle(session.handle);
    if (!present) {
        out = fail(present.error());
    } else if (!*present) {
        out = no_session("gone");
    } else if (!wanted(**present)) {
        out = std::move(*present);
    } else {
        auto renewed = renew(std::move(**present), request_id);
        out = renewed ? Result<std::optional<Session>>(std::move(*renewed)) : fail(renewed.error());
    }
    (void)store_.unlock(name, *fence);
    return out;
}

Result<Session> Renewals::renew(Session session, const std::string& request_id) {
    for (const auto& flow : flows_()) {
        if (flow.alias != session.flow || !flow.renew) continue;
        auto decision = flow.renew(call_of(request_id), session.for_flow());
        if (decision && decision->kind == plugins::AuthDecision::Kind::session) return keep(std::move(session), std::move(*decision), request_id);
        if (decision && decision->kind == plugins::AuthDecision::Kind::refuse) return refused(session, *decision, request_id);
        if (!decision) log::warn("auth", "a session's tokens could not be renewed; it stays as it is", {{"flow", flow.alias}, {"session", session.handle}, {"cause", decision.error().message}});
        break;
    }
    return stays(std::move(session));
}

/// Nothing to renew, or nobody to ask now: not again at once.
Result<Session> Renewals::stays(Session session) {
    session.tried_unix_ms = unix_ms();
    session.renew_at_unix_s = sessions_.now() + kAgain_s;
    if (auto kept = sessions_.replace(session); !kept && kept.error().code != Code::conflict) return fail(kept.error());
    return session;
}

Result<Session> Renewals::keep(Session session, plugins::AuthDecision decision, const std::string& request_id) {
    const auto& identity = decision.identity;
    if (identity.subject != session.subject || identity.issuer != session.issuer) {
        log::error("auth", "a flow renewed a session for somebody else; the session ends", {{"flow", session.flow}, {"session", session.handle}});
        (void)sessions_.end(session.handle);
        note(session, "ended: another subject", request_id);
        return no_session("the renewal is for another subject");
    }
    // Only a login proves anew how well and when: a renewal cannot raise either.
    decision.identity.acr.clear();
    decision.identity.auth_time_unix_s = 0;
    for (int tries = 0; tries < 4; ++tries) {
        describe(session, identity, trust_);
        session.renewed_unix_ms = session.tried_unix_ms = unix_ms();
        session.renew_at_unix_s = renew_at(session.upstream_tokens_json, sessions_.now());
        auto kept = sessions_.replace(session);
        if (kept) {
            note(session, "renewed", request_id);
            return session;
        }
        if (kept.error().code != Code::conflict) return fail(kept.error());
        // A use was written down meanwhile. The upstream's new tokens must not be lost.
        auto present = sessions_.by_handle(session.handle);
        if (!present) return fail(present.error());
        if (!*present) return no_session("ended while it was renewed");
        session = std::move(**present);
    }
    return fail(Code::conflict, "session_busy", "the session changes too fast; try again");
}

Result<Session> Renewals::refused(const Session& session, const plugins::AuthDecision& decision, const std::string& request_id) {
    if (decision.error_code != "invalid_grant") {
        log::warn("auth", "the upstream refuses to renew a session's tokens; it stays as it is", {{"flow", session.flow}, {"session", session.handle}, {"cause", decision.error_code}});
        return stays(session);
    }
    if (auto ended = sessions_.end(session.handle); !ended) return fail(ended.error());
    note(session, "ended: invalid_grant", request_id);
    return no_session("invalid_grant");
}

void Renewals::note(const Session& session, const std::string& outcome, const std::string& request_id) {
    ledger::SecurityEvent event;
    event.kind = "session.renew";
    event.actor = session.subject;
    event.target = session.handle;
    event.outcome = outcome;
    event.request_id = request_id;
    event.details = json::object({{"flow", session.flow}, {"issuer", session.issuer}});
    security_.note(std::move(event));
}

}  // namespace acp::auth
