// What auth flows decide, carried out.
#include "auth/claims.h"
#include "auth/flow_endpoints.h"
#include "auth/oauth_error.h"
#include "auth/pages.h"
#include "base/bytes.h"

namespace acp::auth {

using plugins::AuthDecision;
using Kind = plugins::AuthDecision::Kind;

namespace {

tl::unexpected<Error> defect(const Flow& flow, const std::string& what) {
    return fail(Code::internal, "plugin_defect", "the auth flow " + flow.alias + " " + what);
}

/// Polls that go on are no news.
bool is_worth_a_row(const std::string& code) noexcept {
    return code != "authorization_pending" && code != "slow_down";
}

}  // namespace

Result<http::Response> FlowEndpoints::carry_out(const Step& step, AuthDecision decision) const {
    switch (decision.kind) {
        case Kind::grant:
            return grant(step, decision);
        case Kind::forward:
            return forward(step, std::move(decision));
        case Kind::respond:
            return uncached_json(decision.http_status > 0 ? decision.http_status : 200, decision.body_json.empty() ? "{}" : decision.body_json);
        case Kind::page: {
            auto fill = json::parse_object(decision.body_json);
            if (!fill) return defect(step.flow, "filled a page with something else than an object");
            return page(decision.http_status > 0 ? decision.http_status : 200, decision.page, *fill,
                        step.session ? step.session->csrf_token : std::string());
        }
        case Kind::refuse:
            return refused(step, decision);
        case Kind::pass:
            return defect(step.flow, "decided nothing about a request of its own endpoint");
        case Kind::session:
        case Kind::redirect:
        case Kind::end:
            break;
    }
    Browser* browser = services_.browser;
    if (!browser) return fail(Code::unsupported, "feature_unavailable", "browser sessions are part of the interface, but not of this version");
    if (decision.kind == Kind::session) return browser->begin_session(step.context, step.flow.alias, std::move(decision));
    if (decision.kind == Kind::redirect) return browser->redirect(step.context, step.flow.alias, step.next_state, std::move(decision));
    return browser->end_session(step.context, step.flow.alias, std::move(decision));
}

/// Without an issuer the identity is one of this server's own: a registered client, never a person who is called like one.
/// Anybody else has what the role mapping makes of the claims of who vouched for it.
Subject FlowEndpoints::subject_of(const plugins::AuthIdentity& identity, const identity::Client& asking) const {
    Subject out;
    out.id = identity.subject;
    out.actor_kind = identity.actor_kind;
    out.organization_id = identity.organization_id;
    out.act_json = identity.act_json;
    out.acr = identity.acr;
    out.amr = identity.amr;
    out.auth_time_unix_s = identity.auth_time_unix_s;
    out.expires_unix_s = identity.expires_unix_s;
    if (identity.issuer.empty() || identity.issuer == services_.settings.issuer) {
        const identity::Client* client = services_.clients.find(identity.subject);
        if (!client || (client != &asking && identity.actor_kind == "user")) return out;
        out.scopes = client->scopes;
        out.actor_kind = client->actor_kind;
        out.organization_id = client->organization_id;
        return out;
    }
    auto claims = json::parse_object(identity.claims_json);
    if (!claims) return out;
    auto entitlement = services_.trust.entitle(identity.issuer, *claims);
    out.scopes = std::move(entitlement.scopes);
    out.roles = std::move(entitlement.roles);
    out.resources = std::move(entitlement.resources);
    return out;
}

Result<http::Response> FlowEndpoints::grant(const Step& step, const AuthDecision& decision) const {
    if (!step.client) return defect(step.flow, "grants a token at an endpoint without a client");
    const auto& identity = decision.identity;
    Wish wish;
    wish.scopes = identity.scopes;
    wish.audiences = identity.audiences;
    wish.grant_type = step.endpoint.grant_type;
    wish.key_thumbprint = step.key_thumbprint;
    wish.audit_json = decision.audit_json;
    if (auto cnf = json::parse_object(identity.confirmation_json)) {
        // A flow may bind a token to a key, not away from the one that was proven.
        const std::string key = json::text_or(*cnf, "jkt");
        if (!key.empty() && !wish.key_thumbprint.empty() && !equal_constant_time(key, wish.key_thumbprint))
            return defect(step.flow, "binds a token to another key than the proven one");
        if (!key.empty()) wish.key_thumbprint = key;
    }
    auto issued = granting_.issue(step.context, *step.client, subject_of(identity, *step.client->client), wish);
    if (!issued) {
        services_.counters.refused.fetch_add(1, std::memory_order_relaxed);
        return fail(issued.error());
    }
    return token_response(std::move(*issued));
}

/// An upstream's token. It is handed on with the members of RFC 6749 section 5.1 and
/// nothing else: a refresh token, or what an upstream adds, stays here.
Result<http::Response> FlowEndpoints::forward(const Step& step, AuthDecision decision) const {
    if (!step.client) return defect(step.flow, "forwards a token at an endpoint without a client");
    if (step.client->client->dpop_required)
        return refuse(Code::invalid, "invalid_dpop_proof", "an upstream's token cannot be bound to this client's key");
    auto token = json::parse_object(decision.token_json);
    wipe(decision.token_json);
    if (!token) return defect(step.flow, "forwards something else than an object");
    auto body = json::object();
    for (const char* name : {"access_token", "token_type", "expires_in", "scope"})
        if ((*token)->has(name)) body->set(name, (*token)->get(name));
    ledger::SecurityEvent event;
    event.kind = "token.forward";
    event.actor = step.client->client->id;
    event.target = step.client->client->id;
    event.outcome = "granted";
    event.request_id = step.context.request_id;
    auto details = json::object({{"client_id", step.client->client->id},
                                  {"client_auth_method", std::string(name_of(step.client->method))},
                                  {"grant_type", step.endpoint.grant_type},
                                  {"flow", step.flow.alias},
                                  {"scopes", json::text_or(*token, "scope")},
                                  {"audience", step.params.get("audience").value_or(step.params.get("resource").value_or(""))},
                                  {"address", std::string(address_of(step.context.peer))}});
    if (auto more = json::parse_object(decision.audit_json)) details->set("flow_details", *more);
    event.details = details;
    if (auto kept = services_.security.require(std::move(event)); !kept) return fail(kept.error());
    services_.counters.forwarded.fetch_add(1, std::memory_order_relaxed);
    return uncached_json(200, json::dump(body));
}

http::Response FlowEndpoints::refused(const Step& step, const AuthDecision& decision) const {
    if (step.client && is_worth_a_row(decision.error_code)) {
        services_.counters.refused.fetch_add(1, std::memory_order_relaxed);
        ledger::SecurityEvent event;
        event.kind = "token.refuse";
        event.actor = step.client->client->id;
        event.target = step.context.path;
        event.outcome = decision.error_code;
        event.request_id = step.context.request_id;
        auto details = json::object(
            {{"grant_type", step.endpoint.grant_type}, {"flow", step.flow.alias}, {"address", std::string(address_of(step.context.peer))}});
        if (auto more = json::parse_object(decision.audit_json)) details->set("flow_details", *more);
        event.details = details;
        services_.security.note(std::move(event));
    }
    const int status = decision.http_status > 0 ? decision.http_status : status_of(decision.error_code);
    const std::string& text = decision.error_description.empty() ? decision.error_code : decision.error_description;
    if (step.endpoint.has(ACP_AUTH_HTML) && step.endpoint.grant_type.empty()) return message_page(status, "This did not work", text);
    return oauth_refusal(step.context, status, decision.error_code, text, std::int64_t{decision.retry_after_s} * 1000);
}

}  // namespace acp::auth
