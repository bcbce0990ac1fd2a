#include "flow.h"

namespace acp::agent_identity {

using flow::Json;
using sdk::Decision;

namespace {

constexpr std::int64_t kLeastLeftSeconds = 60;
constexpr const char* kPath = "/auth/agent-identity/token";

constexpr const char* kOperation = R"({
  "description": "A token for an agent, for a client that may act as it. An agent of this server's own gets a token with `act` (RFC 8693 section 4.1) that names the client; an agent identity of Entra gets Entra's token for the resource.",
  "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["grant_type", "agent_id"], "properties": {
    "grant_type": {"type": "string", "enum": ["client_credentials"]},
    "agent_id": {"type": "string", "maxLength": 256},
    "scope": {"type": "string", "maxLength": 4096},
    "audience": {"type": "string", "maxLength": 512},
    "resource": {"type": "string", "maxLength": 512}}}}}}
})";

}  // namespace

Flow::Flow(const sdk::Host& host, const sdk::InstanceConfig& config)
    : host_(host), identity_(host), settings_(read_settings(config.config_json)) {}

std::vector<sdk::AuthEndpoint> Flow::endpoints() const {
    return {{"agent-token", "POST", "/agent-identity/token", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_CLIENT, "client_credentials",
             "A token for an agent", kOperation}};
}

Decision Flow::handle(const sdk::Call& call, const sdk::AuthRequest& request) {
    if (request.operation_id != "agent-token") return AuthFlow::handle(call, request);
    // At the endpoint of all grants, client_credentials without an agent is another flow's.
    if (!request.has_param("agent_id"))
        return request.path == kPath ? Decision::refuse("invalid_request", "agent_id is missing") : Decision::pass();
    if (request.param("grant_type") != "client_credentials")
        return request.has_param("grant_type")
                   ? Decision::refuse("unsupported_grant_type", "grant_type is client_credentials here")
                   : Decision::refuse("invalid_request", "grant_type is missing");
    if (request.client_id.empty()) return Decision::refuse("invalid_client", "the client is not authenticated");
    // One answer for an agent that is not there and for one that is another's.
    const auto agent = settings_.agents.find(request.param("agent_id"));
    if (agent == settings_.agents.end() || !flow::within({request.client_id}, agent->second.clients))
        return Decision::refuse("unauthorized_client", "the client may not act as this agent");
    auto scopes = flow::scopes_of(request.param("scope"));
    if (!scopes) return Decision::refuse("invalid_scope", "scope is malformed");
    const std::string audience = request.param("audience"), resource = request.param("resource");
    if (!audience.empty() && !resource.empty() && audience != resource)
        return Decision::refuse("invalid_target", "audience and resource name different servers");
    const std::string& target = audience.empty() ? resource : audience;
    if (!agent->second.blueprint) return own(request, agent->second, target, std::move(*scopes));
    if (!scopes->empty()) return Decision::refuse("invalid_scope", "an agent identity of Entra has what its resource granted it; name no scope");
    return from_blueprint(call, request, agent->second, target);
}

/// The host knows the agent as a registered client, and cuts scopes to what both may have.
Decision Flow::own(const sdk::AuthRequest& request, const Agent& agent, const std::string& target,
                   std::vector<std::string> scopes) const {
    sdk::AuthIdentity who{agent.id, ""};
    who.actor_kind = "agent";
    who.act_json = Json{{"sub", request.client_id}}.dump();
    who.confirmation_json = request.confirmation_json;
    who.scopes = std::move(scopes);
    if (!target.empty()) who.audiences = {target};
    return Decision::grant(std::move(who)).audit(Json{{"agent", agent.id}}.dump());
}

Decision Flow::from_blueprint(const sdk::Call& call, const sdk::AuthRequest& request, const Agent& agent,
                              const std::string& target) const {
    const Json client = flow::object_or_null(request.client_json);
    if (target.empty()) return Decision::refuse("invalid_target", "audience or resource has to name whom the token is for");
    if (!flow::within({target}, agent.resources) || !flow::within({target}, flow::texts(client, "audiences")))
        return Decision::refuse("invalid_target", "the agent or the client may not have tokens for this audience");
    const auto& endpoint = agent.blueprint->endpoint;
    const std::string audit =
        Json{{"agent", agent.id}, {"act", {{"sub", request.client_id}}}, {"blueprint", endpoint.credentials.client_id}, {"audience", target}}.dump();
    const std::string key = Json{endpoint.url, endpoint.credentials.client_id, agent.id, target}.dump();
    try {
        return Decision::forward(identity_.token_once(call, key, kLeastLeftSeconds, [&](const sdk::Call& mine) {
                   return exchange(mine, agent, target);
               }))
            .audit(audit);
    } catch (const sdk::Failure& failure) {
        return flow::refusal_of(failure);
    }
}

/// The blueprint's credential is worth a token for one agent (`fmi_path`); that token is the
/// agent's own client assertion.
std::string Flow::exchange(const sdk::Call& call, const Agent& agent, const std::string& resource) const {
    const Json parent = flow::ask_for_token(host_, identity_, call, agent.blueprint->endpoint,
                                            {{"grant_type", "client_credentials"},
                                             {"scope", "api://AzureADTokenExchange/.default"},
                                             {"fmi_path", agent.id}});
    flow::TokenEndpoint as_agent = agent.blueprint->endpoint;
    as_agent.credentials = {flow::Credentials::By::held_assertion, agent.id, flow::text(parent, "access_token"), {}, {}};
    return flow::ask_for_token(host_, identity_, call, as_agent,
                               {{"grant_type", "client_credentials"}, {"scope", resource + "/.default"}})
        .dump();
}

}  // namespace acp::agent_identity
