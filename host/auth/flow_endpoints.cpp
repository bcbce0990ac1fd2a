#include "auth/flow_endpoints.h"

#include <algorithm>

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "auth/pages.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "http/problem.h"
#include "log/log.h"

namespace acp::auth {

using plugins::AuthEndpoint;

namespace {

constexpr std::int64_t kGuessWindowMs = 60'000;
constexpr std::uint64_t kGuesses = 30;
constexpr std::size_t kStateBytes = 32;

tl::unexpected<Error> no_browser() {
    return fail(Code::unsupported, "feature_unavailable", "browser sessions are part of the interface, but not of this version");
}

json::Array::Ptr list(const std::vector<std::string>& texts) {
    auto out = json::array();
    for (const auto& text : texts) out->add(text);
    return out;
}

/// The registered client as a flow may know it: nothing that proves it.
std::string client_json(const identity::Client& client) {
    return json::dump(json::object({{"client_id", client.id},
                                    {"name", client.name.empty() ? client.id : client.name},
                                    {"scopes", list(client.scopes)},
                                    {"audiences", list(client.audiences)},
                                    {"grant_types", list(client.grants)},
                                    {"actor_kind", client.actor_kind},
                                    {"organization_id", client.organization_id}}));
}

std::string confirmation_json(const std::string& key, const std::string& certificate) {
    auto cnf = json::object();
    if (!key.empty()) cnf->set("jkt", key);
    if (!certificate.empty()) cnf->set("x5t#S256", certificate);
    return cnf->size() > 0 ? json::dump(cnf) : std::string();
}

plugins::CallContext call_of(const dispatch::Context& context) {
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + std::chrono::nanoseconds(plugins::kAuthPatience).count();
    call.request_id = context.request_id;
    call.traceparent = context.traceparent;
    call.cancelled = [responder = context.responder] { return responder.gone(); };
    return call;
}

/// How a failure is shown: to a person, to a client of OAuth, or to one of the interface.
http::Response shown(const Services& services, const dispatch::Context& context, const AuthEndpoint& endpoint, const Error& error) {
    if (!endpoint.has(ACP_AUTH_HTML)) {
        const bool is_oauth = endpoint.input == ACP_AUTH_INPUT_FORM || !endpoint.grant_type.empty();
        // What concerns the browser is no matter of OAuth's.
        const bool is_interface = error.slug == "feature_unavailable" || endpoint.has(ACP_AUTH_NEEDS_SESSION | ACP_AUTH_NEEDS_CSRF);
        return is_oauth && !is_interface ? client_problem(services, context, error) : context.problem(error);
    }
    const int status = http::status_of(error.code);
    if (!error.internal.empty() || status >= 500)
        log::warn("auth", "a page could not be served",
                  {{"request_id", context.request_id}, {"path", context.path}, {"cause", error.internal.empty() ? error.message : error.internal}});
    return message_page(status, "This did not work", error.code == Code::internal ? "The request could not be served." : error.message);
}

}  // namespace

http::Response FlowEndpoints::serve(const dispatch::Context& context, const std::string& alias, const std::string& operation_id) {
    for (const auto& flow : services_.flows()) {
        if (flow.alias != alias) continue;
        for (const auto& endpoint : flow.endpoints) {
            if (endpoint.operation_id != operation_id) continue;
            auto response = try_serve(context, flow, endpoint);
            return response ? std::move(*response) : shown(services_, context, endpoint, response.error());
        }
    }
    Error gone;
    gone.code = Code::unavailable;
    gone.slug = "flow_unavailable";
    gone.message = "the auth flow " + alias + " is not available";
    return context.problem(gone);
}

Result<http::Response> FlowEndpoints::try_serve(const dispatch::Context& context, const Flow& flow, const AuthEndpoint& endpoint) {
    Step step{context, flow, endpoint, {}, {}, {}, {}, {}, {}, {}};
    if (endpoint.has(ACP_AUTH_GUESSABLE) && endpoint.method != "GET")
        if (auto ok = limit_guesses(context); !ok) return fail(ok.error());
    if (auto ok = read(step); !ok) return fail(ok.error());
    auto sent_away = admit_browser(step);
    if (!sent_away) return fail(sent_away.error());
    if (*sent_away) return std::move(**sent_away);
    if (endpoint.has(ACP_AUTH_NEEDS_CLIENT) || !endpoint.grant_type.empty()) {
        if (auto ok = prove_client(step); !ok) return fail(ok.error());
        if (auto ok = admit_grant(step); !ok) return fail(ok.error());
    }
    auto decision = ask(step);
    if (!decision) return fail(decision.error());
    return carry_out(step, std::move(*decision));
}

Result<http::Response> FlowEndpoints::token(const dispatch::Context& context, const ProvenClient& client, const http::Query& form,
                                            const std::string& grant_type) {
    for (const auto& flow : services_.flows()) {
        for (const auto& endpoint : flow.endpoints) {
            if (endpoint.grant_type != grant_type) continue;
            Step step{context, flow, endpoint, form, {}, client, {}, {}, {}, {}};
            if (auto ok = admit_grant(step); !ok) return fail(ok.error());
            auto decision = ask(step);
            if (!decision) return fail(decision.error());
            if (decision->kind == plugins::AuthDecision::Kind::pass) break;  // the next flow
            return carry_out(step, std::move(*decision));
        }
    }
    return refuse(Code::invalid, "unsupported_grant_type", "this server does not offer the grant type for this request");
}

Result<void> FlowEndpoints::limit_guesses(const dispatch::Context& context) const {
    const auto count = services_.store.count("auth-guesses", address_of(context.peer), kGuessWindowMs);
    if (!count) return fail(count.error());
    if (*count <= kGuesses) return {};
    services_.counters.limited.fetch_add(1, std::memory_order_relaxed);
    Error e;
    e.code = Code::exhausted;
    e.slug = "temporarily_unavailable";
    e.message = "too many attempts; try again later";
    e.retry_after_ms = kGuessWindowMs;
    return fail(std::move(e));
}

Result<void> FlowEndpoints::read(Step& step) const {
    const auto& context = step.context;
    if (step.endpoint.input != ACP_AUTH_INPUT_QUERY && !context.raw_query.empty())
        return refuse(Code::invalid, "invalid_request", "this endpoint takes no query");
    switch (step.endpoint.input) {
        case ACP_AUTH_INPUT_QUERY:
            step.params = context.query;
            return {};
        case ACP_AUTH_INPUT_FORM: {
            auto form = context.form();
            if (!form) return refuse(Code::invalid, "invalid_request", form.error().message);
            step.params = std::move(*form);
            return {};
        }
        case ACP_AUTH_INPUT_JSON: {
            auto body = context.json_body();
            if (!body) return fail(body.error());
            step.body_json = json::dump(*body);
            return {};
        }
        default:
            return {};
    }
}

/// The session and where the request comes from; a response when the browser is sent elsewhere.
Result<std::optional<http::Response>> FlowEndpoints::admit_browser(Step& step) const {
    const bool needs_session = step.endpoint.has(ACP_AUTH_NEEDS_SESSION);
    const bool needs_csrf = step.endpoint.has(ACP_AUTH_NEEDS_CSRF);
    Browser* browser = services_.browser;
    if (!browser) {
        if (needs_session || needs_csrf) return no_browser();
        return std::nullopt;
    }
    auto session = browser->session(step.context);
    if (!session) return fail(session.error());
    step.session = std::move(*session);
    if (needs_session && !step.session) {
        if (step.endpoint.method == "GET" && step.endpoint.has(ACP_AUTH_HTML)) return browser->log_in(step.context);
        return fail(Code::unauthenticated, "unauthenticated", "this operation needs a session: log in first");
    }
    if (needs_csrf) {
        const std::string* token = step.params.find("csrf_token");
        if (auto ok = browser->check_csrf(step.context, step.session, token ? *token : std::string_view()); !ok) return fail(ok.error());
    }
    step.params.forget("csrf_token");
    auto state = browser->take_state(step.context, step.flow.alias, step.params);
    if (!state) return fail(state.error());
    step.state_json = std::move(*state);
    step.next_state = random_token(kStateBytes);
    return std::nullopt;
}

Result<void> FlowEndpoints::prove_client(Step& step) {
    auto client = clients_.prove(step.context, step.params);
    ClientAuthenticator::strip(step.params);
    if (!client) return fail(client.error());
    step.client = std::move(*client);
    const std::string* named = step.params.find("grant_type");
    if (named && !step.endpoint.grant_type.empty() && *named != step.endpoint.grant_type)
        return refuse(Code::invalid, "unsupported_grant_type", "this endpoint takes the grant type " + step.endpoint.grant_type);
    return {};
}

/// What the client asks for must be its own to ask, whatever the flow makes of it.
Result<void> FlowEndpoints::admit_grant(Step& step) const {
    const identity::Client& client = *step.client->client;
    if (!step.endpoint.grant_type.empty() && !client.may_use(step.endpoint.grant_type))
        return refuse(Code::forbidden, "unauthorized_client", "the client is not registered for this grant type");
    auto scopes = scopes_asked(step.params);
    if (!scopes) return fail(scopes.error());
    if (auto ok = granting_.check_scopes(client, *scopes); !ok) return ok;
    auto audiences = audiences_asked(step.params);
    if (!audiences) return fail(audiences.error());
    if (auto ok = granting_.check_audiences(client, *audiences); !ok) return ok;
    if (step.endpoint.grant_type.empty()) return {};
    auto key = granting_.proven_key(step.context, client);
    if (!key) return fail(key.error());
    step.key_thumbprint = std::move(*key);
    return {};
}

Result<plugins::AuthDecision> FlowEndpoints::ask(const Step& step) const {
    const auto& context = step.context;
    plugins::AuthRequest request;
    request.operation_id = step.endpoint.operation_id;
    request.method = context.method;
    request.origin = services_.settings.origin;
    request.path = context.path;
    request.peer = address_of(context.peer);
    request.params = step.params.pairs();
    request.fields = context.fields;
    request.body_json = step.body_json;
    request.state_json = step.state_json;
    request.next_state = step.next_state;
    if (step.session) request.session = step.session->session;
    if (step.client) {
        request.client_id = step.client->client->id;
        request.client_auth_method = name_of(step.client->method);
        request.client_json = client_json(*step.client->client);
        request.confirmation_json = confirmation_json(step.key_thumbprint, step.client->certificate_thumbprint);
    }
    if (context.credentials && context.credentials->certificate) request.peer_certificate = context.credentials->certificate->der;
    return step.flow.handle(call_of(context), request);
}

}  // namespace acp::auth
