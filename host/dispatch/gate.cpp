#include "dispatch/gate.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"
#include "dispatch/challenge.h"
#include "http/problem.h"
#include "log/log.h"

namespace acp::dispatch {

namespace {

http::Response refuse(const wire::RequestView& request, const Error& error) {
    return http::problem(error, http::split_target(request.target).path, request.request_id);
}

Error make(Code code, std::string slug, std::string message) {
    Error e;
    e.code = code;
    e.slug = std::move(slug);
    e.message = std::move(message);
    return e;
}

Error overloaded() { return make(Code::unavailable, "overloaded", "too much work is waiting; try again in a moment"); }

bool is_media_type(std::string_view value, std::string_view wanted) noexcept {
    auto semicolon = value.find(';');
    std::string_view type = value.substr(0, semicolon);
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
    return wire::http1::equals_ci(type, wanted);
}

bool accepts_body(Body wanted, std::string_view content_type) noexcept {
    switch (wanted) {
        case Body::none: return true;
        case Body::json: return is_media_type(content_type, "application/json");
        case Body::merge_patch:
            return is_media_type(content_type, "application/merge-patch+json") || is_media_type(content_type, "application/json");
        case Body::form: return is_media_type(content_type, "application/x-www-form-urlencoded");
        case Body::any: return true;
    }
    return false;
}

const char* wanted_type(Body wanted) noexcept {
    switch (wanted) {
        case Body::json: return "the body must be application/json";
        case Body::form: return "the body must be application/x-www-form-urlencoded";
        default: return "the body must be application/merge-patch+json";
    }
}

std::unique_ptr<Credentials> credentials_of(const wire::RequestView& request, const EvidenceSources& sources) {
    auto out = std::make_unique<Credentials>();
    for (const auto& field : request.fields) {
        if (wire::http1::equals_ci(field.name, "authorization")) out->authorization.emplace_back(field.value);
        if (wire::http1::equals_ci(field.name, "cookie")) out->cookie.emplace_back(field.value);
    }
    if (request.certificate) out->certificate = *request.certificate;
    out->is_same_origin = is_same_origin(request, sources);
    return out;
}

/// Answers with a problem when `body` throws. Only the first answer counts.
template <typename Body>
void guarded(const ContextPtr& context, Body body) {
    Error error = make(Code::internal, "internal_error", "the request could not be served");
    try {
        body();
        return;
    } catch (const std::exception& e) {
        error.internal = e.what();
    } catch (...) {
        error.internal = "an exception of unknown type";
    }
    context->responder.send(context->problem(error));
}

bool is_credential(std::string_view name) noexcept {
    return wire::http1::equals_ci(name, "authorization") || wire::http1::equals_ci(name, "cookie") ||
           wire::http1::equals_ci(name, "proxy-authorization") || wire::http1::equals_ci(name, "sec-websocket-protocol");
}

}  // namespace

const std::string& Context::param(std::string_view name) const {
    static const std::string none;
    for (const auto& [n, v] : params)
        if (n == name) return v;
    return none;
}

std::string_view Context::field(std::string_view lower_name) const noexcept {
    for (const auto& [n, v] : fields)
        if (n == lower_name) return v;
    return {};
}

Result<json::Object::Ptr> Context::json_body() const {
    if (body.empty()) return json::object();
    return json::parse_object(body);
}

Result<http::Query> Context::form() const {
    auto form = http::Query::parse(body);
    if (form) return form;
    Error error = form.error();
    error.slug = "bad_form";
    error.message = "the form is malformed, too long, or gives a parameter twice";
    return fail(std::move(error));
}

/// What proves a client may stand in the body just as well.
Context::~Context() {
    if (credentials) wipe(body);
}

Credentials::~Credentials() {
    for (auto* list : {&authorization, &cookie})
        for (auto& value : *list) wipe(value);
}

http::Response Context::problem(const Error& error) const {
    if (error.code == Code::internal || !error.internal.empty())
        log::warn("dispatch", error.message, {{"request_id", request_id}, {"path", path}, {"code", error.slug}, {"cause", error.internal}});
    return http::problem(error, path, request_id);
}

Gate::Gate(const Router& router, GatePools pools, Authenticator& authenticator, GateOptions options)
    : router_(router), pools_(pools), authenticator_(authenticator), options_(std::move(options)) {}

http::Response Gate::on_refusal(int status, std::string_view slug, std::string_view request_id) {
    http::Response response;
    response.status = status;
    response.content_type = http::kProblem;
    std::string message = "the request was refused: " + std::string(slug);
    std::replace(message.begin(), message.end(), '_', ' ');
    response.body = http::problem_json(make(Code::invalid, std::string(slug), std::move(message)), status, "", request_id);
    return response;
}

void Gate::on_request(wire::Exchange& exchange) {
    const wire::RequestView& request = exchange.request();
    if (request.method == "OPTIONS" && request.target == "*") {
        http::Response ok;
        ok.status = 204;
        ok.field("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        exchange.respond(std::move(ok));
        return;
    }
    http::Target target = http::split_target(request.target);
    if (target.path.empty()) target.path = "/";
    if (const Route* route = router_.immediate(request.method, target.path)) {
        exchange.respond(route->immediate(request));
        return;
    }
    if (request.method == "CONNECT") {
        exchange.respond(refuse(request, make(Code::unsupported, "no_tunnels", "this server makes no tunnels")));
        return;
    }
    std::string decoded;
    std::string_view path = target.path;
    if (!http::is_plain_path(path)) {
        auto normal = http::normalise_path(path);
        if (!normal) {
            exchange.respond(refuse(request, normal.error()));
            return;
        }
        decoded = std::move(*normal);
        path = decoded;
    }
    Params params;
    Router::Match match = router_.match(request.method, path, params);
    if (match.route) {
        if (match.route->immediate && match.route->scope.empty()) {
            exchange.respond(match.route->immediate(request));
            return;
        }
        serve(exchange, *match.route, std::string(path), target.query, std::move(params));
        return;
    }
    if (!match.allow.empty()) {
        http::Response response;
        if (request.method == "OPTIONS") {
            response.status = 204;
        } else {
            response = refuse(request, make(Code::method_not_allowed, "method_not_allowed", "this path takes " + match.allow));
        }
        response.field("Allow", match.allow);
        exchange.respond(std::move(response));
        return;
    }
    if (match.reserved) {
        exchange.respond(refuse(request, make(Code::unsupported, "feature_unavailable", *match.reserved)));
        return;
    }
    exchange.respond(refuse(request, make(Code::not_found, "route_not_found", "nothing is served at this path; see /manage/openapi.json")));
}

void Gate::serve(wire::Exchange& exchange, const Route& route, std::string path, std::string_view raw_query, Params params) {
    const wire::RequestView& request = exchange.request();
    auto context = std::make_shared<Context>();
    context->method = request.method;
    context->path = std::move(path);
    context->raw_query = raw_query;
    context->params = std::move(params);
    context->request_id = request.request_id;
    context->peer = client_address(request, options_.proxies);
    context->arrived_unix_ms = unix_ms();
    context->websocket = request.websocket;
    if (request.websocket) {
        if (is_foreign_origin(request)) {
            exchange.respond(context->problem(make(Code::forbidden, "foreign_origin", "a page of another origin may not open a WebSocket here")));
            return;
        }
        for_each_subprotocol(request, [&](std::string_view one) { context->subprotocols.emplace_back(one); });
    }

    if (route.scope.empty() && route.caller == Caller::unasked)
        accept(exchange, route, context);
    else
        identify(exchange, route, context);
}

void Gate::identify(wire::Exchange& exchange, const Route& route, const ContextPtr& context) {
    EvidenceScratch scratch;
    auto evidence = find_evidence(exchange.request(), options_.sources, scratch);
    if (!evidence) {
        deny(exchange, route, context, evidence.error());
    } else if (*evidence) {
        context->by_dpop = (*evidence)->kind == Evidence::Kind::dpop;
        (*evidence)->peer = context->peer;
        if (auto principal = authenticator_.known(**evidence))
            authorise(exchange, route, context, std::move(principal));
        else
            prove(exchange, route, context, **evidence);
    } else if (options_.anonymous) {
        authorise(exchange, route, context, options_.anonymous);
    } else if (route.scope.empty() && route.caller == Caller::welcome) {
        accept(exchange, route, context);
    } else {
        deny(exchange, route, context, make(Code::unauthenticated, "unauthenticated", "this operation needs an access token: Authorization: Bearer <token>"));
    }
}

/// Off the loop: a signature costs more than the rest of a request, and a key or
/// session may have to be fetched first.
void Gate::prove(wire::Exchange& exchange, const Route& route, const ContextPtr& context, const Evidence& evidence) {
    auto held = std::make_shared<const HeldEvidence>(evidence);
    const wire::Responder responder = exchange.defer();
    const bool taken = pools_.callers.try_run([this, &route, context, held, responder] {
        if (responder.gone()) return;
        Result<identity::PrincipalPtr> proven = fail(Code::internal, "internal_error", "the request could not be served");
        try {
            proven = authenticator_.prove(held->view());
            if (!proven && proven.error().slug == "use_dpop_nonce") context->dpop_nonce = authenticator_.dpop_nonce();
        } catch (const std::exception& e) {
            proven.error().internal = e.what();
        }
        // A stale cookie is no reason to refuse what needs no caller.
        const bool no_caller = !proven && held->view().kind == Evidence::Kind::session && route.scope.empty() &&
                               route.caller == Caller::welcome && proven.error().code == Code::unauthenticated;
        responder.resume([this, &route, context, proven, no_caller](wire::Exchange& resumed) {
            if (proven)
                authorise(resumed, route, context, *proven);
            else if (no_caller)
                accept(resumed, route, context);
            else
                deny(resumed, route, context, proven.error());
        });
    });
    if (!taken) responder.send(context->problem(overloaded()));
}

void Gate::authorise(wire::Exchange& exchange, const Route& route, const ContextPtr& context, identity::PrincipalPtr principal) {
    context->principal = std::move(principal);
    const identity::Principal& caller = *context->principal;
    if (!route.scope.empty() && !caller.may(route.scope)) {
        deny(exchange, route, context, make(Code::forbidden, "insufficient_scope", "this operation needs the scope " + route.scope));
        return;
    }
    const bool is_fresh = caller.auth_time_unix_s >= unix_ns() / 1'000'000'000 - options_.step_up_max_age_s;
    if (!route.acr.empty() && (caller.acr != route.acr || !is_fresh)) {
        deny(exchange, route, context,
             make(Code::unauthenticated, "insufficient_user_authentication",
                  "this operation needs an authentication of class " + route.acr + " within the last " + std::to_string(options_.step_up_max_age_s) + " seconds"));
        return;
    }
    accept(exchange, route, context);
}

void Gate::deny(wire::Exchange& exchange, const Route& route, const ContextPtr& context, const Error& error) const {
    http::Response response = context->problem(error);
    if (response.status == 401 || response.status == 403)
        response.field("WWW-Authenticate", challenge(error, route, context->by_dpop, options_.step_up_max_age_s));
    if (!context->dpop_nonce.empty()) response.field("DPoP-Nonce", context->dpop_nonce);
    if (denied_ && error.slug != "unauthenticated") denied_(*context, error);
    exchange.respond(std::move(response));
}

void Gate::accept(wire::Exchange& exchange, const Route& route, const ContextPtr& context) {
    const wire::RequestView& request = exchange.request();
    auto query = http::Query::parse(context->raw_query, route.repeatable);
    if (!query) {
        exchange.respond(context->problem(query.error()));
        return;
    }
    context->query = std::move(*query);
    if (request.has_body && route.body == Body::none) {
        exchange.respond(context->problem(make(Code::invalid, "unexpected_body", "this operation takes no body")));
        return;
    }
    if (request.has_body && !accepts_body(route.body, request.field("content-type"))) {
        exchange.respond(context->problem(make(Code::unsupported_media_type, "unsupported_media_type", wanted_type(route.body))));
        return;
    }
    context->fields.reserve(request.fields.size());
    for (const auto& field : request.fields)
        if (!is_credential(field.name)) context->fields.emplace_back(ascii_lower(field.name), field.value);
    context->traceparent = context->field("traceparent");
    if (route.wants_credentials) context->credentials = credentials_of(request, options_.sources);
    exchange.read_body(options_.body_bytes, [this, &exchange, &route, context](std::string body) {
        context->body = std::move(body);
        context->responder = exchange.defer();
        run(route, context);
    });
}

void Gate::run(const Route& route, const ContextPtr& context) {
    if (route.deferred) {
        // On the event loop: what is thrown here would end the process.
        guarded(context, [&] { route.deferred(context); });
        return;
    }
    const bool taken = pools_.handlers.try_run([&route, context] {
        if (context->responder.gone()) return;  // nobody would see the answer
        guarded(context, [&] { context->responder.send(route.blocking(context)); });
    });
    if (!taken) context->responder.send(context->problem(overloaded()));
}

}  // namespace acp::dispatch
