#include "auth/callers.h"

#include <algorithm>

#include "auth/failures.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "json/json.h"

namespace acp::auth {

namespace {

using dispatch::Evidence;
using identity::PrincipalPtr;

/// An assertion is believed this long at most before its flow is asked again.
constexpr std::int64_t kAsserted_s = 300;

/// A front adds its assertion to whatever the browser sends, a foreign page's form too.
bool is_forged(const Evidence& evidence) noexcept { return evidence.is_unsafe() && evidence.is_foreign; }

identity::Presented presented(const Evidence& evidence) {
    return {evidence.value, evidence.kind == Evidence::Kind::dpop, evidence.proof, evidence.method, evidence.url, evidence.certificate_sha256};
}

}  // namespace

PrincipalPtr Callers::known(const Evidence& evidence) const noexcept {
    switch (evidence.kind) {
        case Evidence::Kind::bearer:
        case Evidence::Kind::dpop: return parts_.verifier.known(presented(evidence), parts_.now_unix_s());
        case Evidence::Kind::asserted: return is_forged(evidence) ? nullptr : asserted_.find(identity::token_digest(evidence.value), parts_.now_unix_s()).principal;
        case Evidence::Kind::session: break;  // only the store knows whether it has ended
    }
    return nullptr;
}

Result<PrincipalPtr> Callers::prove(const Evidence& evidence) {
    switch (evidence.kind) {
        case Evidence::Kind::session: return by_session(evidence);
        case Evidence::Kind::asserted: return by_assertion(evidence);
        default: return parts_.verifier.verify(presented(evidence), parts_.now_unix_s());
    }
}

std::string Callers::dpop_nonce() {
    return parts_.trust.nonce(parts_.now_unix_s()).value_or(std::string());
}

Result<PrincipalPtr> Callers::by_session(const Evidence& evidence) {
    auto session = parts_.sessions.find(evidence.value);
    if (!session) return fail(session.error());
    if (!*session) return fail(Code::unauthenticated, "no_session", "the session has ended; log in again");
    if (evidence.is_unsafe() && !(evidence.is_same_origin && equal_constant_time(evidence.csrf_token, (*session)->csrf_token)))
        return fail(Code::forbidden, "csrf", "a change by a session's cookie needs X-CSRF-Token as /auth/me gives it, and a page of this server that sends it");
    auto renewed = parts_.renewals.when_due(std::move(**session), {});
    if (!renewed) return fail(renewed.error());
    return renewed->principal();
}

Result<PrincipalPtr> Callers::by_assertion(const Evidence& evidence) {
    if (is_forged(evidence)) return fail(Code::forbidden, "csrf", "a page of another origin may change nothing here");
    plugins::AuthRequest request;
    request.method = evidence.method;
    request.peer = address_of(evidence.peer);
    request.fields.emplace_back(evidence.field, evidence.value);
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + std::chrono::nanoseconds(plugins::kAuthPatience).count();
    for (const auto& flow : parts_.flows()) {
        if (!flow.authenticate || std::find(flow.credential_fields.begin(), flow.credential_fields.end(), evidence.field) == flow.credential_fields.end()) continue;
        auto decision = flow.authenticate(call, request);
        if (!decision) return fail(decision.error());
        if (decision->kind == plugins::AuthDecision::Kind::pass) continue;
        if (decision->kind != plugins::AuthDecision::Kind::grant) break;
        const auto& said = decision->identity;
        const std::int64_t now = parts_.now_unix_s();
        identity::Principal who;
        who.subject = said.subject;
        who.actor_kind = said.actor_kind.empty() ? "user" : said.actor_kind;
        who.organization_id = said.organization_id;
        who.issuer = said.issuer;
        who.acr = said.acr;
        who.auth_time_unix_s = said.auth_time_unix_s;
        who.expires_unix_s = said.expires_unix_s > 0 ? std::min(said.expires_unix_s, now + kAsserted_s) : now + kAsserted_s;
        if (auto claims = json::parse_object(said.claims_json)) {
            auto entitlement = parts_.trust.entitle(said.issuer, *claims);
            who.scopes = std::move(entitlement.scopes);
            who.resources = std::move(entitlement.resources);
        }
        auto principal = std::make_shared<const identity::Principal>(std::move(who));
        asserted_.keep(identity::token_digest(evidence.value), {principal, {}}, asserted_.generation());
        return principal;
    }
    Error e;
    e.code = Code::unauthenticated;
    e.slug = "invalid_token";
    e.message = "the assertion of the front is invalid";
    return fail(std::move(e));
}

}  // namespace acp::auth
