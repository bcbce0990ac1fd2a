#include "auth/browser_sessions.h"

#include <Poco/URI.h>

#include "auth/failures.h"
#include "auth/oauth_error.h"
#include "auth/pages.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "http/cookie.h"
#include "http/problem.h"
#include "json/json.h"
#include "log/log.h"

namespace acp::auth {

namespace {

/// A person needs this long at the upstream's pages, at most.
constexpr std::int64_t kLogin_s = 900;
constexpr std::int64_t kEndedPatience_ms = 5'000;
constexpr std::size_t kBindingBytes = 32;

constexpr std::string_view kRedirects = "redirect";
/// What one flow has kept no other gets.
std::string state_key(const std::string& flow, const std::string& state) { return flow + "/" + state; }

std::string_view cookie_of(const dispatch::Context& context, std::string_view name) {
    http::CookieReader cookie(name);
    if (context.credentials)
        for (const auto& field : context.credentials->cookie) cookie.read(field);
    return cookie.is_ambiguous() ? std::string_view() : cookie.value();
}

bool wants_page(const dispatch::Context& context) { return context.field("accept").find("text/html") != std::string_view::npos; }

/// Where to go next: a browser is sent, a script is told.
http::Response onward(const dispatch::Context& context, const std::string& location) {
    http::Response response;
    if (wants_page(context) || context.method == "GET") {
        response.status = 303;
        response.field("Location", location);
    } else {
        response = http::json_response(200, json::dump(json::object({{"location", location}})));
    }
    response.field("Cache-Control", "no-store");
    response.field("Referrer-Policy", "no-referrer");
    return response;
}

http::Response failed(const dispatch::Context& context, const Error& error) {
    if (!wants_page(context)) return context.problem(error);
    const int status = http::status_of(error.code);
    log::warn("auth", "a login step failed", {{"request_id", context.request_id}, {"path", context.path}, {"cause", error.internal.empty() ? error.message : error.internal}});
    return message_page(status, "This did not work", error.code == Code::internal ? "The request could not be served." : error.message);
}

/// Whether the location carries this state, or a pushed request that does (RFC 9126).
bool carries(const std::string& location, const std::string& state) {
    try {
        bool pushed = false;
        for (const auto& [name, value] : Poco::URI(location).getQueryParameters()) {
            if (name == "state") return equal_constant_time(value, state);
            pushed = pushed || name == "request_uri";
        }
        return pushed;
    } catch (const Poco::Exception&) {
        return false;
    }
}

}  // namespace

std::string session_cookie_name(const Settings& settings) {
    return settings.origin.starts_with("https://") ? "__Host-acp_session" : "acp_session";
}

BrowserSessions::BrowserSessions(BrowserParts parts)
    : parts_(std::move(parts)),
      cookie_name_(session_cookie_name(parts_.settings)),
      login_cookie_name_(parts_.settings.origin.starts_with("https://") ? "__Host-acp_login" : "acp_login"),
      secure_(parts_.settings.origin.starts_with("https://")) {}

Result<std::optional<Session>> BrowserSessions::current(const dispatch::Context& context) {
    auto found = parts_.sessions.find(cookie_of(context, cookie_name_));
    if (!found || !*found) return found;
    auto renewed = parts_.renewals.when_due(std::move(**found), context.request_id);
    if (renewed) return std::optional<Session>(std::move(*renewed));
    if (renewed.error().code == Code::unauthenticated) return std::optional<Session>();
    return fail(renewed.error());
}

Result<std::optional<BrowserSession>> BrowserSessions::session(const dispatch::Context& context) {
    auto found = current(context);
    if (!found) return fail(found.error());
    if (!*found) return std::optional<BrowserSession>();
    return BrowserSession{(*found)->for_flow(), (*found)->csrf_token};
}

Result<void> BrowserSessions::check_csrf(const dispatch::Context& context, const std::optional<BrowserSession>& session, std::string_view form_token) {
    const std::string_view field = context.field("x-csrf-token");
    const std::string_view token = field.empty() ? form_token : field;
    if (context.credentials && context.credentials->is_same_origin && session && equal_constant_time(token, session->csrf_token)) return {};
    return fail(Code::forbidden, "csrf", "the request does not come from a page of this server: X-CSRF-Token must be what /auth/me gives");
}

http::Response BrowserSessions::log_in(const dispatch::Context& context) {
    std::string back = context.path;
    if (!context.raw_query.empty()) back += "?" + context.raw_query;
    std::string encoded;
    Poco::URI::encode(back, "?#&=+/;%", encoded);
    return onward(context, parts_.settings.url("/login") + "?return_to=" + encoded);
}

/// Login CSRF: the callback counts only in the browser that was sent away.
Result<std::string> BrowserSessions::take_state(const dispatch::Context& context, const std::string& flow, const http::Query& params) {
    const std::string* state = params.find("state");
    if (!state || state->empty() || state->size() > 256) return std::string();
    auto entry = parts_.store.take(kRedirects, state_key(flow, *state));
    if (!entry) return fail(entry.error());
    if (!*entry) return std::string();
    auto kept = json::parse_object((*entry)->value);
    wipe((*entry)->value);
    const std::string_view binding = cookie_of(context, login_cookie_name_);
    if (!kept || binding.empty() || !equal_constant_time(sha256_hex(binding), json::text_or(*kept, "binding")))
        return fail(Code::forbidden, "login_csrf", "this login was begun in another browser, or its cookie is gone; begin anew");
    return json::text_or(*kept, "state");
}

http::Response BrowserSessions::redirect(const dispatch::Context& context, const std::string& flow, const std::string& next_state, plugins::AuthDecision decision) {
    auto binding = try_redirect(context, flow, next_state, decision);
    wipe(decision.state_json);
    if (!binding) return failed(context, binding.error());
    auto response = onward(context, decision.location);
    response.field("Set-Cookie", http::set_cookie({login_cookie_name_, secure_, kLogin_s}, *binding));
    return response;
}

Result<std::string> BrowserSessions::try_redirect(const dispatch::Context& context, const std::string& flow, const std::string& next_state, plugins::AuthDecision& decision) {
    if (next_state.empty() || !carries(decision.location, next_state))
        return fail(Code::internal, "plugin_defect", "the auth flow " + flow + " redirects without the state it was given");
    // Several tabs may be under way: they share the cookie.
    std::string binding(cookie_of(context, login_cookie_name_));
    if (unbase64url(binding).value_or("").size() != kBindingBytes) binding = random_token(kBindingBytes);
    const std::string key = state_key(flow, next_state);
    std::string value = json::dump(json::object({{"state", decision.state_json}, {"binding", sha256_hex(binding)}}));
    auto kept = parts_.store.put({.space = kRedirects, .key = key, .value = value, .ttl_ms = kLogin_s * 1000, .condition = state::If::absent});
    wipe(value);
    if (!kept) return fail(kept.error());
    return binding;
}

http::Response BrowserSessions::begin_session(const dispatch::Context& context, const std::string& flow, plugins::AuthDecision decision) {
    auto response = try_begin(context, flow, decision);
    wipe(decision.identity.upstream_tokens_json);
    return response ? std::move(*response) : failed(context, response.error());
}

Result<http::Response> BrowserSessions::try_begin(const dispatch::Context& context, const std::string& flow, const plugins::AuthDecision& decision) {
    auto before = parts_.sessions.find(cookie_of(context, cookie_name_));
    if (!before) return fail(before.error());
    const bool raises = !decision.replaces_session.empty();
    if (raises && (!*before || (*before)->handle != decision.replaces_session))
        return fail(Code::unauthenticated, "no_session", "the session that was to be raised has ended; log in again");
    Session session = raises ? **before : Session();
    if (raises && (decision.identity.subject != session.subject || decision.identity.issuer != session.issuer))
        return fail(Code::forbidden, "another_subject", "the upstream authenticated somebody else; the session stays as it is");
    describe(session, decision.identity, parts_.trust);
    if (!raises) session.flow = flow;  // whoever raises a session does not take over its renewal
    session.address = address_of(context.peer);
    session.renew_at_unix_s = renew_at(session.upstream_tokens_json, parts_.sessions.now());
    auto cookie = raises ? parts_.sessions.rotate(session, **before) : parts_.sessions.begin(session);
    if (!cookie) return fail(cookie.error());
    if (auto kept = record(raises ? "session.step_up" : "session.begin", session, "granted", context); !kept) {
        (void)parts_.sessions.end(session.handle);
        return fail(kept.error());
    }
    // Fixation: what the browser had before is not carried on.
    if (!raises && *before) (void)end(**before, "replaced by a login", context.request_id);
    auto response = onward(context, decision.location.empty() ? "/" : decision.location);
    response.field("Set-Cookie", set_session(*cookie));
    if (!raises) response.field("Set-Cookie", http::set_cookie({login_cookie_name_, secure_, 0}, ""));
    wipe(*cookie);
    return response;
}

http::Response BrowserSessions::end_session(const dispatch::Context& context, const std::string&, plugins::AuthDecision decision) {
    auto response = try_end(context, decision);
    return response ? std::move(*response) : failed(context, response.error());
}

Result<http::Response> BrowserSessions::try_end(const dispatch::Context& context, const plugins::AuthDecision& decision) {
    Result<std::vector<Session>> ending = std::vector<Session>();
    const bool is_own = !decision.end_session.empty();
    if (is_own) {
        auto one = parts_.sessions.by_handle(decision.end_session);
        if (!one) return fail(one.error());
        if (*one) ending->push_back(std::move(**one));
    } else if (!decision.end_upstream_session.empty()) {
        ending = parts_.sessions.of_upstream(decision.end_issuer, decision.end_upstream_session);
    } else if (!decision.end_subject.empty()) {
        ending = parts_.sessions.of_subject(decision.end_issuer, decision.end_subject);
    }
    if (!ending) return fail(ending.error());
    for (const auto& session : *ending)
        if (auto ended = end(session, is_own ? "logout" : "logout of the upstream", context.request_id); !ended) return fail(ended.error());
    http::Response response;
    if (decision.location.empty()) {
        response.status = is_own ? 204 : 200;  // Back-Channel Logout 1.0 section 2.8
        response.field("Cache-Control", "no-store");
    } else {
        response = onward(context, decision.location);
    }
    if (is_own) response.field("Set-Cookie", removal());
    return response;
}

Result<void> BrowserSessions::end(const Session& session, const std::string& how, const std::string& request_id) {
    auto ended = parts_.sessions.end(session.handle);
    if (!ended) return fail(ended.error());
    ledger::SecurityEvent event;
    event.kind = "session.end";
    event.actor = session.subject;
    event.target = session.handle;
    event.outcome = how;
    event.request_id = request_id;
    event.details = json::object({{"flow", session.flow}, {"issuer", session.issuer}});
    parts_.security.note(std::move(event));
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + kEndedPatience_ms * 1'000'000;
    call.request_id = request_id;
    for (const auto& flow : parts_.flows()) {
        if (flow.alias != session.flow || !flow.ended) continue;
        if (auto told = flow.ended(call, session.for_flow()); !told)
            log::warn("auth", "a flow could not be told that a session has ended", {{"flow", flow.alias}, {"session", session.handle}, {"cause", told.error().message}});
    }
    return {};
}

Result<void> BrowserSessions::record(const std::string& kind, const Session& session, const std::string& outcome, const dispatch::Context& context) {
    ledger::SecurityEvent event;
    event.kind = kind;
    event.actor = session.subject;
    event.target = session.handle;
    event.outcome = outcome;
    event.request_id = context.request_id;
    event.details = json::object({{"flow", session.flow}, {"issuer", session.issuer}, {"acr", session.acr}, {"address", session.address}});
    return parts_.security.require(std::move(event));
}

std::string BrowserSessions::set_session(const std::string& cookie) const {
    return http::set_cookie({cookie_name_, secure_, parts_.sessions.limits().absolute_s}, cookie);
}

std::string BrowserSessions::removal() const { return http::set_cookie({cookie_name_, secure_, 0}, ""); }

}  // namespace acp::auth
