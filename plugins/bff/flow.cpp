#include "flow.h"

#include <utility>

#include "oidc/logout_token.h"
#include "oidc/url.h"

namespace acp::bff {

using flow::Json;
using oidc::Refused;
using sdk::Decision;

namespace {

constexpr const char* kLogin = R"({
  "description": "Sends the browser to an identity provider and, once it is back, to `return_to`.",
  "parameters": [
    {"name": "return_to", "in": "query", "schema": {"type": "string", "maxLength": 2048, "default": "/"}, "description": "Path of this server."},
    {"name": "idp", "in": "query", "schema": {"type": "string", "maxLength": 64}, "description": "Id of the identity provider."}]
})";

constexpr const char* kCallback = R"({
  "description": "Where an identity provider sends the browser back (OpenID Connect Core 3.1.2.5, RFC 9207).",
  "parameters": [
    {"name": "state", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 128}},
    {"name": "code", "in": "query", "schema": {"type": "string", "maxLength": 8192}},
    {"name": "iss", "in": "query", "schema": {"type": "string", "maxLength": 1024}},
    {"name": "error", "in": "query", "schema": {"type": "string", "maxLength": 128}}]
})";

constexpr const char* kLogout = R"({"description": "Ends the session here and gives the address where it ends at the identity provider (RP-Initiated Logout 1.0)."})";

constexpr const char* kLogoutToken = R"({
  "description": "Ends sessions as the identity provider says (Back-Channel Logout 1.0).",
  "requestBody": {"required": true, "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "required": ["logout_token"], "properties": {
    "logout_token": {"type": "string", "maxLength": 16384}}}}}}
})";

}  // namespace

Flow::Flow(const sdk::Host& host, Settings settings)
    : default_provider_(settings.default_provider), post_logout_redirect_uri_(settings.post_logout_redirect_uri),
      party_(host, std::move(settings.providers), settings.redirect_uri) {}

std::vector<sdk::AuthEndpoint> Flow::endpoints() const {
    return {{"bff-login", "GET", "/login", ACP_AUTH_INPUT_QUERY, ACP_AUTH_HTML, "", "Log in", kLogin},
            {"bff-callback", "GET", "/callback", ACP_AUTH_INPUT_QUERY, ACP_AUTH_HTML, "", "Back from the identity provider", kCallback},
            {"bff-logout", "POST", "/logout", ACP_AUTH_INPUT_FORM, ACP_AUTH_NEEDS_SESSION | ACP_AUTH_NEEDS_CSRF, "", "Log out", kLogout},
            {"bff-logout-done", "GET", "/logout/done", ACP_AUTH_INPUT_QUERY, ACP_AUTH_HTML, "", "After a logout", ""},
            {"bff-backchannel-logout", "POST", "/backchannel-logout", ACP_AUTH_INPUT_FORM, 0, "", "Logout by the identity provider", kLogoutToken}};
}

Decision Flow::handle(const sdk::Call& call, const sdk::AuthRequest& request) {
    return oidc::RelyingParty::answered([&] {
        if (request.operation_id == "bff-login") return login(call, request);
        if (request.operation_id == "bff-callback") return callback(call, request);
        if (request.operation_id == "bff-logout") return logout(call, request);
        if (request.operation_id == "bff-backchannel-logout") return backchannel_logout(call, request);
        if (request.operation_id == "bff-logout-done")
            return Decision::page(ACP_AUTH_PAGE_MESSAGE, R"({"title":"Logged out","text":"Your session has ended."})");
        return AuthFlow::handle(call, request);
    });
}

Decision Flow::login(const sdk::Call& call, const sdk::AuthRequest& request) {
    const std::string return_to = request.has_param("return_to") ? request.param("return_to") : "/";
    if (!oidc::is_local(return_to)) throw Refused("invalid_request", 400, "return_to is no path of this server");
    const oidc::Provider* provider = party_.by_id(request.has_param("idp") ? request.param("idp") : default_provider_);
    if (!provider) throw Refused("invalid_request", 400, "idp is no identity provider of this server");
    return party_.begin(call, request, *provider, oidc::Login::fresh(*provider, return_to));
}

Decision Flow::callback(const sdk::Call& call, const sdk::AuthRequest& request) {
    oidc::Arrival arrival = party_.complete(call, request);
    return Decision::session(std::move(arrival.who), arrival.login.return_to).audit(Json{{"provider", arrival.provider->id}}.dump());
}

Decision Flow::logout(const sdk::Call& call, const sdk::AuthRequest& request) {
    if (!request.session) throw sdk::Failure(ACP_E_INVALID, "there is no session to end");
    return Decision::end(request.session->id, party_.end_session_url(call, *request.session, post_logout_redirect_uri_));
}

Decision Flow::backchannel_logout(const sdk::Call& call, const sdk::AuthRequest& request) {
    const std::string token = request.param("logout_token");
    const std::string issuer = oidc::unproven_issuer(token);
    const oidc::Provider* provider = issuer.empty() ? nullptr : party_.by_issuer(issuer);
    if (!provider) throw Refused("invalid_request", 400, "the logout token is missing, malformed or of no identity provider of this server");
    const oidc::MetadataPtr metadata = party_.metadata(call, *provider);
    const oidc::Ended who = oidc::believed_logout(party_.identity(), call, party_.now(), *provider, *metadata, token);
    return Decision::end_upstream(provider->issuer, who.session, who.session.empty() ? who.subject : std::string())
        .audit(Json{{"provider", provider->id}}.dump());
}

}  // namespace acp::bff
