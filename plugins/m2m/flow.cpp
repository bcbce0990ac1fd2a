#include "flow.h"

#include <algorithm>

namespace acp::m2m {

using flow::Json;
using sdk::Decision;

namespace {

constexpr std::int64_t kLeastLeftSeconds = 60;
constexpr const char* kPath = "/auth/m2m/token";

constexpr const char* kOperation = R"({
  "description": "Client credentials (RFC 6749 section 4.4). `audience` or `resource` (RFC 8707) names whom the token is for; where an upstream issues that audience's tokens, its token is the answer.",
  "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["grant_type"], "properties": {
    "grant_type": {"type": "string", "enum": ["client_credentials"]},
    "scope": {"type": "string", "maxLength": 4096},
    "audience": {"type": "string", "maxLength": 512},
    "resource": {"type": "string", "maxLength": 512}}}}}}
})";

/// Nothing of an upstream's token is let through that the client did not ask for or may not have.
void check_granted(const Json& token, const std::vector<std::string>& asked) {
    const std::string granted = flow::text(token, "scope");
    if (granted.empty() || asked.empty()) return;
    const auto scopes = flow::scopes_of(granted);
    if (!scopes || !flow::within(*scopes, asked))
        throw sdk::Failure(ACP_E_PROVIDER, "the upstream identity provider granted more than it was asked for");
}

}  // namespace

Flow::Flow(const sdk::Host& host, const sdk::InstanceConfig& config)
    : host_(host), identity_(host), upstreams_(read_upstreams(config.config_json)) {}

std::vector<sdk::AuthEndpoint> Flow::endpoints() const {
    return {{"m2m-token", "POST", "/m2m/token", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_CLIENT, "client_credentials",
             "A token for a machine", kOperation}};
}

Decision Flow::handle(const sdk::Call& call, const sdk::AuthRequest& request) {
    if (request.operation_id != "m2m-token") return AuthFlow::handle(call, request);
    // At the endpoint of all grants, a token for an agent is another flow's.
    if (request.has_param("agent_id"))
        return request.path == kPath ? Decision::refuse("invalid_request", "agent_id has no meaning here") : Decision::pass();
    if (request.param("grant_type") != "client_credentials")
        return request.has_param("grant_type")
                   ? Decision::refuse("unsupported_grant_type", "grant_type is client_credentials here")
                   : Decision::refuse("invalid_request", "grant_type is missing");
    if (request.client_id.empty()) return Decision::refuse("invalid_client", "the client is not authenticated");
    auto scopes = flow::scopes_of(request.param("scope"));
    if (!scopes) return Decision::refuse("invalid_scope", "scope is malformed");
    const std::string audience = request.param("audience"), resource = request.param("resource");
    if (!audience.empty() && !resource.empty() && audience != resource)
        return Decision::refuse("invalid_target", "audience and resource name different servers");
    const std::string& target = audience.empty() ? resource : audience;
    const Json client = flow::object_or_null(request.client_json);
    const auto upstream = upstreams_.find(target);
    if (upstream == upstreams_.end()) return own(request, client, target, std::move(*scopes));
    return brokered(call, client, upstream->second, std::move(*scopes));
}

/// The host cuts scopes and audiences to what the client may have.
Decision Flow::own(const sdk::AuthRequest& request, const Json& client, const std::string& audience,
                   std::vector<std::string> scopes) const {
    sdk::AuthIdentity who{request.client_id, ""};
    const std::string kind = flow::text(client, "actor_kind");
    who.actor_kind = kind.empty() ? "service" : kind;
    who.organization_id = flow::text(client, "organization_id");
    who.confirmation_json = request.confirmation_json;
    who.scopes = std::move(scopes);
    if (!audience.empty()) who.audiences = {audience};
    return Decision::grant(std::move(who));
}

Decision Flow::brokered(const sdk::Call& call, const Json& client, const Upstream& upstream,
                        std::vector<std::string> scopes) const {
    if (!flow::within({upstream.audience}, flow::texts(client, "audiences")))
        return Decision::refuse("invalid_target", "the client may not have tokens for this audience");
    const std::vector<std::string> may = flow::texts(client, "scopes");
    if (!flow::within(scopes, may) || !flow::within(scopes, upstream.scopes))
        return Decision::refuse("invalid_scope", "the client may not have a scope that it asks for at this audience");
    if (scopes.empty()) {
        // All that both sides allow, by name: an upstream's default could be more.
        for (const auto& scope : upstream.scopes)
            if (flow::within({scope}, may)) scopes.push_back(scope);
        if (scopes.empty() && !upstream.scopes.empty())
            return Decision::refuse("invalid_scope", "the client may have none of this audience's scopes");
    }
    const std::string audit = Json{{"mode", "brokered"}, {"audience", upstream.audience}, {"scopes", scopes}}.dump();
    // What is cached is bound to whom it was issued to; the host keeps the key as a digest.
    const std::string key =
        Json{upstream.audience, upstream.endpoint.url, upstream.endpoint.credentials.client_id, scopes}.dump();
    try {
        return Decision::forward(identity_.token_once(call, key, kLeastLeftSeconds, [&](const sdk::Call& mine) {
                   return fetch(mine, upstream, scopes);
               }))
            .audit(audit);
    } catch (const sdk::Failure& failure) {
        return flow::refusal_of(failure);
    }
}

std::string Flow::fetch(const sdk::Call& call, const Upstream& upstream, const std::vector<std::string>& scopes) const {
    flow::Pairs params = {{"grant_type", "client_credentials"}};
    switch (upstream.kind) {
        case Kind::entra:
            // Entra knows no single scopes here: all app roles of the audience, by this name.
            params.emplace_back("scope", upstream.audience + "/.default");
            break;
        case Kind::auth0:
            params.emplace_back("audience", upstream.audience);
            params.emplace_back("scope", flow::joined(scopes));
            break;
        case Kind::oidc:
            params.emplace_back("resource", upstream.audience);
            params.emplace_back("scope", flow::joined(scopes));
            break;
    }
    const Json token = flow::ask_for_token(host_, identity_, call, upstream.endpoint, std::move(params));
    if (upstream.kind != Kind::entra) check_granted(token, scopes);
    return token.dump();
}

}  // namespace acp::m2m
