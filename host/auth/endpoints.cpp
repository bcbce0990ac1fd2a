#include "auth/endpoints.h"

#include <algorithm>
#include <array>
#include <set>

#include "auth/discovery.h"
#include "auth/oauth_error.h"
#include "auth/token_state.h"
#include "log/log.h"

namespace acp::auth {

using dispatch::Body;
using dispatch::ContextPtr;
using plugins::AuthEndpoint;

namespace {

/// Served by the host; no flow may take them.
constexpr auto kOwnPaths = std::to_array<std::string_view>({"/token", "/jwks", "/revoke", "/introspect", "/bootstrap", "/me", "/refresh", "/sessions"});

bool is_path(std::string_view path) noexcept {
    if (path.size() < 2 || path.size() > 128 || path.front() != '/' || path.back() == '/' || path.find("//") != std::string_view::npos) return false;
    return std::all_of(path.begin(), path.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '/' || c == '-' || c == '_'; });
}

Body body_of(const AuthEndpoint& endpoint) noexcept {
    switch (endpoint.input) {
        case ACP_AUTH_INPUT_FORM:
            return Body::form;
        case ACP_AUTH_INPUT_JSON:
            return Body::json;
        default:
            return Body::none;
    }
}

json::Object::Ptr operation_of(const AuthEndpoint& endpoint, const std::string& operation_id) {
    auto operation = json::parse_object(endpoint.operation_json).value_or(json::object());
    operation->set("operationId", operation_id);
    operation->set("summary", endpoint.summary);
    auto tags = json::array();
    tags->add(std::string("auth"));
    if (!operation->has("tags")) operation->set("tags", tags);
    // No scope lets anybody in here: the endpoint judges client, session or code itself.
    operation->set("x-scopes", json::array());
    operation->set("x-required-acr", json::Var());
    operation->set("security", json::array());
    if (!operation->has("responses"))
        operation->set("responses", json::object({{"default", json::object({{"description", "As the auth flow answers"}})}}));
    return operation;
}

}  // namespace

Endpoints::Endpoints(Services services)
    : services_(std::move(services)),
      granting_(services_),
      clients_(services_),
      exchange_(services_, granting_),
      flows_(services_, clients_, granting_) {}

dispatch::BlockingHandler Endpoints::for_clients(Answer answer) {
    return [this, answer](const ContextPtr& context) {
        const auto serve = [&]() -> Result<http::Response> {
            // RFC 6749 section 2.3.1: not in the URI, where it would end up in logs.
            if (!context->raw_query.empty()) return refuse(Code::invalid, "invalid_request", "this endpoint takes its parameters in the body alone");
            auto form = context->form();
            if (!form) return refuse(Code::invalid, "invalid_request", form.error().message);
            auto client = clients_.prove(*context, *form);
            ClientAuthenticator::strip(*form);
            if (!client) return fail(client.error());
            auto response = (this->*answer)(*context, *client, *form);
            for (auto secret : {"token", "subject_token", "actor_token"}) form->forget(secret);
            return response;
        };
        auto response = serve();
        return response ? std::move(*response) : client_problem(services_, *context, response.error());
    };
}

Result<http::Response> Endpoints::token(const dispatch::Context& context, const ProvenClient& client, const http::Query& form) {
    const std::string* grant_type = form.find("grant_type");
    if (!grant_type || grant_type->empty()) return refuse(Code::invalid, "invalid_request", "grant_type is required");
    const auto endpoints = flow_endpoints();
    const bool offered = std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) { return endpoint.grant_type == *grant_type; });
    if (*grant_type != kTokenExchange && !offered)
        return refuse(Code::invalid, "unsupported_grant_type", "this server does not offer the grant type");
    if (!client.client->may_use(*grant_type))
        return refuse(Code::forbidden, "unauthorized_client", "the client is not registered for this grant type");
    if (*grant_type == kTokenExchange) return exchange_.answer(context, client, form);
    return flows_.token(context, client, form, *grant_type);
}

Result<http::Response> Endpoints::introspect(const dispatch::Context&, const ProvenClient& client, const http::Query& form) {
    // RFC 7662 section 2.1: who may ask must be known.
    if (client.method == identity::ClientAuth::none)
        return refuse(Code::unauthenticated, "invalid_client", "a public client may not introspect tokens");
    return auth::introspect(services_, client, form);
}

Result<http::Response> Endpoints::revoke(const dispatch::Context& context, const ProvenClient& client, const http::Query& form) {
    return auth::revoke(services_, context, client, form);
}

std::vector<AuthEndpoint> Endpoints::flow_endpoints() const {
    std::vector<AuthEndpoint> out;
    for (auto& flow : services_.flows()) std::move(flow.endpoints.begin(), flow.endpoints.end(), std::back_inserter(out));
    return out;
}

std::vector<Mounted> Endpoints::routes() {
    std::vector<Mounted> out;
    add_metadata(out);
    const auto add = [&](const char* path, const char* operation_id, Answer answer) {
        dispatch::Route route{"POST", path, operation_id, {}, Body::form, {}, for_clients(answer), {}};
        route.wants_credentials = true;
        out.push_back({std::move(route), {}});
    };
    add("/auth/token", "postToken", &Endpoints::token);
    add("/auth/introspect", "introspectToken", &Endpoints::introspect);
    add("/auth/revoke", "revokeToken", &Endpoints::revoke);
    add_flows(out);
    return out;
}

void Endpoints::add_metadata(std::vector<Mounted>& out) {
    // OpenID Connect Discovery appends to the issuer; RFC 8414 section 3.1 puts the issuer's path behind.
    constexpr std::array<std::pair<const char*, const char*>, 5> places{{
        {"/auth/.well-known/openid-configuration", "getOidcDiscovery"},
        {"/.well-known/openid-configuration", "getOidcDiscoveryAtRoot"},
        {"/.well-known/openid-configuration/auth", "getOidcDiscoveryInserted"},
        {"/.well-known/oauth-authorization-server", "getOauthMetadataAtRoot"},
        {"/.well-known/oauth-authorization-server/auth", "getOauthMetadata"},
    }};
    for (const auto& [path, operation_id] : places)
        out.push_back({{"GET",
                        path,
                        operation_id,
                        {},
                        Body::none,
                        [this](const wire::RequestView& request) { return metadata_response(services_, flow_endpoints(), request); },
                        {},
                        {}},
                       {}});
    out.push_back(
        {{"GET", "/auth/jwks", "getJwks", {}, Body::none, [this](const wire::RequestView&) { return keys_response(services_); }, {}, {}}, {}});
}

void Endpoints::add_flows(std::vector<Mounted>& out) {
    std::set<std::string> taken;
    for (const auto& flow : services_.flows()) {
        for (const auto& endpoint : flow.endpoints) {
            const char* why = nullptr;
            if (endpoint.method != "GET" && endpoint.method != "POST")
                why = "the method is neither GET nor POST";
            else if (!is_path(endpoint.path))
                why = "the path is not of the form /name/name";
            else if (std::find(kOwnPaths.begin(), kOwnPaths.end(), endpoint.path) != kOwnPaths.end())
                why = "the path is the host's";
            else if (!taken.insert(endpoint.method + " " + endpoint.path).second)
                why = "another flow has this method and path";
            if (why) {
                log::error("auth", "an auth flow's endpoint is left out",
                           {{"flow", flow.alias}, {"method", endpoint.method}, {"path", endpoint.path}, {"cause", why}});
                continue;
            }
            const std::string operation_id = flow.alias + "." + endpoint.operation_id;
            dispatch::Route route{
                endpoint.method,
                "/auth" + endpoint.path,
                operation_id,
                {},
                body_of(endpoint),
                {},
                [this, alias = flow.alias, id = endpoint.operation_id](const ContextPtr& context) { return flows_.serve(*context, alias, id); },
                {}};
            route.wants_credentials = true;
            out.push_back({std::move(route), operation_of(endpoint, operation_id)});
        }
    }
}

}  // namespace acp::auth
