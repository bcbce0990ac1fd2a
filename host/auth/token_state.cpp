#include "auth/token_state.h"

#include <algorithm>
#include <array>

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "auth/own_tokens.h"

namespace acp::auth {

namespace {

/// RFC 7662 section 2.2, and what RFC 9068 has beside it.
constexpr std::array<const char*, 18> kShown{"iss",   "sub",      "aud", "client_id",  "exp", "iat",       "nbf", "jti",
                                             "scope", "act",      "cnf", "actor_kind", "acr", "auth_time", "amr", "organization_id",
                                             "roles", "resources"};

tl::unexpected<Error> no_token() {
    return refuse(Code::invalid, "invalid_request", "the parameter token is required");
}

bool may_see(const identity::Client& client, const OwnToken& token) {
    if (token.principal.client_id == client.id || holds(token.audiences, client.id) || holds(client.scopes, kIntrospectScope)) return true;
    return std::any_of(client.audiences.begin(), client.audiences.end(), [&](const auto& audience) { return holds(token.audiences, audience); });
}

}  // namespace

Result<http::Response> introspect(const Services& services, const ProvenClient& client, const http::Query& form) {
    const std::string* text = form.find("token");
    if (!text || text->empty()) return no_token();
    services.counters.introspections.fetch_add(1, std::memory_order_relaxed);
    auto token = read_own(services, *text);
    if (!token || !may_see(*client.client, *token)) return uncached_json(200, R"({"active":false})");
    auto body = json::object({{"active", true}});
    body->set("token_type", std::string(token->principal.key_thumbprint.empty() ? "Bearer" : "DPoP"));
    for (const char* name : kShown)
        if (token->claims->has(name)) body->set(name, token->claims->get(name));
    return uncached_json(200, json::dump(body));
}

Result<http::Response> revoke(const Services& services, const dispatch::Context& context, const ProvenClient& client, const http::Query& form) {
    const std::string* text = form.find("token");
    if (!text || text->empty()) return no_token();
    http::Response done = uncached_json(200, "{}");
    auto token = read_own(services, *text);
    if (!token) return done;
    const auto& principal = token->principal;
    if (principal.client_id != client.client->id) return refuse(Code::forbidden, "unauthorized_client", "the token was issued to another client");
    ledger::SecurityEvent event;
    event.kind = "token.revoke";
    event.actor = client.client->id;
    event.target = principal.subject;
    event.outcome = "revoked";
    event.request_id = context.request_id;
    event.details = json::object({{"jti", principal.token_id}, {"expires_at", principal.expires_unix_s}});
    if (auto kept = services.security.require(std::move(event)); !kept) return fail(kept.error());
    if (auto ok = services.trust.revoke(principal.token_id, principal.expires_unix_s + services.settings.leeway_s); !ok) return fail(ok.error());
    services.counters.revocations.fetch_add(1, std::memory_order_relaxed);
    return done;
}

}  // namespace acp::auth
