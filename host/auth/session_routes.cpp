#include "auth/session_routes.h"

#include "auth/claims.h"
#include "auth/oauth_error.h"
#include "json/json.h"

namespace acp::auth {

namespace {

using dispatch::Body;
using dispatch::Caller;
using dispatch::ContextPtr;

json::Array::Ptr list(const std::vector<std::string>& texts) {
    auto out = json::array();
    for (const auto& text : texts) out->add(text);
    return out;
}

/// What a page may know of its session; no token of anybody.
json::Object::Ptr me_json(const Session& s) {
    auto out = json::object({{"subject", s.subject},
                             {"issuer", s.issuer},
                             {"actor_kind", s.actor_kind},
                             {"organization_id", s.organization_id},
                             {"roles", list(s.roles)},
                             {"scopes", list(s.scopes)},
                             {"resources", list(s.resources)},
                             {"acr", s.acr},
                             {"auth_time", s.auth_time_unix_s},
                             {"session_id", s.handle},
                             {"expires_at", s.ends_unix_s},
                             {"csrf_token", s.csrf_token}});
    auto claims = json::parse_object(s.claims_json);
    for (const char* name : {"email", "name", "preferred_username"})
        if (claims && (*claims)->has(name)) out->set(name, json::text_or(*claims, name));
    return out;
}

json::Object::Ptr entry_json(const Session& s, const std::string& current) {
    return json::object({{"id", s.handle},
                         {"current", s.handle == current},
                         {"acr", s.acr},
                         {"address", s.address},
                         {"created_at", s.created_unix_s},
                         {"last_used_at", s.seen_unix_s},
                         {"expires_at", s.ends_unix_s}});
}

tl::unexpected<Error> no_session() { return fail(Code::unauthenticated, "no_session", "there is no session; log in at /auth/login"); }

/// The caller's session. A token is none.
Result<Session> session_of(Sessions& sessions, const dispatch::Context& context) {
    if (context.principal->session_id.empty()) return no_session();
    auto found = sessions.by_handle(context.principal->session_id);
    if (!found) return fail(found.error());
    if (!*found) return no_session();
    return std::move(**found);
}

template <typename Answer>
Mounted route(const char* method, const char* path, const char* operation_id, Caller caller, Answer answer) {
    dispatch::Route out{method, path, operation_id, {}, Body::none, {},
                        [answer](const ContextPtr& context) {
                            Result<http::Response> response = answer(*context);
                            if (response) return std::move(*response);
                            http::Response problem = context->problem(response.error());
                            problem.field("Cache-Control", "no-store");
                            return problem;
                        },
                        {}};
    out.caller = caller;
    return {std::move(out), {}};
}

}  // namespace

std::vector<Mounted> session_routes(BrowserSessions& browser, Sessions& sessions, Renewals& renewals) {
    std::vector<Mounted> out;
    out.push_back(route("GET", "/auth/me", "getSession", Caller::welcome, [&sessions](const dispatch::Context& context) -> Result<http::Response> {
        auto session = session_of(sessions, context);
        if (!session) return fail(session.error());
        return uncached_json(200, json::dump(me_json(*session)));
    }));
    out.push_back(route("POST", "/auth/refresh", "refreshSession", Caller::required, [&sessions, &renewals](const dispatch::Context& context) -> Result<http::Response> {
        auto session = session_of(sessions, context);
        if (!session) return fail(session.error());
        auto renewed = renewals.on_demand(std::move(*session), context.request_id, context.arrived_unix_ms);
        if (!renewed) return fail(renewed.error());
        return uncached_json(200, json::dump(me_json(*renewed)));
    }));
    out.push_back(route("GET", "/auth/sessions", "listSessions", Caller::required, [&sessions](const dispatch::Context& context) -> Result<http::Response> {
        auto session = session_of(sessions, context);
        if (!session) return fail(session.error());
        auto all = sessions.of_subject(session->issuer, session->subject);
        if (!all) return fail(all.error());
        auto entries = json::array();
        for (const auto& one : *all) entries->add(entry_json(one, session->handle));
        return uncached_json(200, json::dump(json::object({{"items", entries}})));
    }));
    out.push_back(route("DELETE", "/auth/sessions/{id}", "revokeSession", Caller::required, [&browser, &sessions](const dispatch::Context& context) -> Result<http::Response> {
        auto session = session_of(sessions, context);
        if (!session) return fail(session.error());
        auto other = sessions.by_handle(context.param("id"));
        if (!other) return fail(other.error());
        // Somebody else's is as unknown as one that never was.
        if (!*other || (*other)->subject != session->subject || (*other)->issuer != session->issuer)
            return fail(Code::not_found, "session_not_found", "you have no session of this id");
        if (auto ended = browser.end(**other, "revoked", context.request_id); !ended) return fail(ended.error());
        http::Response response;
        response.status = 204;
        if ((*other)->handle == session->handle) response.field("Set-Cookie", browser.removal());
        return response;
    }));
    return out;
}

}  // namespace acp::auth
