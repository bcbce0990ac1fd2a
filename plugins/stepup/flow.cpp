#include "flow.h"

#include <utility>

#include "oidc/url.h"

namespace acp::stepup {

using flow::Json;
using oidc::Refused;
using sdk::Decision;

namespace {

constexpr const char* kAsk = R"({
  "description": "Asks the session's owner to prove themself again, by something stronger (RFC 9470), and sends the browser to `return_to`.",
  "parameters": [{"name": "return_to", "in": "query", "schema": {"type": "string", "maxLength": 2048, "default": "/"}, "description": "Path of this server."}]
})";

constexpr const char* kCallback = R"({
  "description": "Where an identity provider sends the browser back after a step-up.",
  "parameters": [
    {"name": "state", "in": "query", "required": true, "schema": {"type": "string", "maxLength": 128}},
    {"name": "code", "in": "query", "schema": {"type": "string", "maxLength": 8192}},
    {"name": "iss", "in": "query", "schema": {"type": "string", "maxLength": 1024}},
    {"name": "error", "in": "query", "schema": {"type": "string", "maxLength": 128}}]
})";

/// Who the provider should expect, as far as the session's claims tell.
std::string hint_of(const sdk::AuthSession& session) {
    const Json claims = flow::object_or_null(session.claims_json);
    for (const char* name : {"login_hint", "preferred_username", "email"})
        if (std::string hint = flow::text(claims, name); !hint.empty() && hint.size() <= 255) return hint;
    return {};
}

[[noreturn]] void not_enough(const std::string& reason) {
    throw Refused("insufficient_user_authentication", 403, "the identity provider did not ask for a stronger proof just now: try again", reason);
}

}  // namespace

Flow::Flow(const sdk::Host& host, Settings settings)
    : acr_(settings.acr), max_age_s_(settings.max_age_s), party_(host, std::move(settings.providers), settings.redirect_uri) {}

std::vector<sdk::AuthEndpoint> Flow::endpoints() const {
    // The callback does not need a session by flag: without one the host would send the
    // browser to log in and back to an answer that has been used up.
    return {{"stepup", "GET", "/stepup", ACP_AUTH_INPUT_QUERY, ACP_AUTH_NEEDS_SESSION | ACP_AUTH_HTML, "", "A stronger proof", kAsk},
            {"stepup-callback", "GET", "/stepup/callback", ACP_AUTH_INPUT_QUERY, ACP_AUTH_HTML, "", "Back from a stronger proof", kCallback}};
}

Decision Flow::handle(const sdk::Call& call, const sdk::AuthRequest& request) {
    return oidc::RelyingParty::answered([&] {
        if (request.operation_id == "stepup") return ask(call, request);
        if (request.operation_id == "stepup-callback") return callback(call, request);
        return AuthFlow::handle(call, request);
    });
}

Decision Flow::ask(const sdk::Call& call, const sdk::AuthRequest& request) {
    const std::string return_to = request.has_param("return_to") ? request.param("return_to") : "/";
    if (!oidc::is_local(return_to)) throw Refused("invalid_request", 400, "return_to is no path of this server");
    if (!request.session) throw Refused("access_denied", 403, "there is no session: log in first");
    const oidc::Provider* provider = party_.by_issuer(request.session->issuer);
    if (!provider) throw Refused("invalid_request", 400, "the session's identity provider offers no stronger proof");
    oidc::Login login = oidc::Login::fresh(*provider, return_to);
    login.acr = acr_;
    login.session = request.session->id;
    // max_age makes auth_time a required claim; prompt is for providers that do not know max_age.
    return party_.begin(call, request, *provider, login,
                        {{"max_age", "0"}, {"prompt", "login"}, {"login_hint", hint_of(*request.session)}});
}

Decision Flow::callback(const sdk::Call& call, const sdk::AuthRequest& request) {
    oidc::Arrival arrival = party_.complete(call, request);
    if (!request.session || arrival.login.session.empty() || request.session->id != arrival.login.session)
        throw Refused("access_denied", 403, "the session that the proof was for has ended: log in again");
    const sdk::AuthSession& session = *request.session;
    if (arrival.who.subject != session.subject || arrival.who.issuer != session.issuer)
        throw Refused("access_denied", 403, "the proof is somebody else's: the session stays as it was", "step-up by another subject");
    if (!arrival.provider->reached(arrival.claims, acr_)) not_enough("acr is missing or lower");
    if (arrival.who.auth_time_unix_s == 0) not_enough("auth_time is missing");
    if (party_.now() - arrival.who.auth_time_unix_s > max_age_s_) not_enough("auth_time is too long ago");
    arrival.who.acr = acr_;
    arrival.who.organization_id = session.organization_id;
    return Decision::session(std::move(arrival.who), arrival.login.return_to, session.id)
        .audit(Json{{"provider", arrival.provider->id}}.dump());
}

}  // namespace acp::stepup
