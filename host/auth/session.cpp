#include "auth/session.h"

#include "auth/claims.h"
#include "base/bytes.h"
#include "json/json.h"

namespace acp::auth {

namespace {

json::Array::Ptr list(const std::vector<std::string>& texts) {
    auto out = json::array();
    for (const auto& text : texts) out->add(text);
    return out;
}

}  // namespace

Session::~Session() {
    wipe(csrf_token);
    wipe(upstream_tokens_json);
}

identity::PrincipalPtr Session::principal() const {
    identity::Principal out;
    out.subject = subject;
    out.actor_kind = actor_kind;
    out.organization_id = organization_id;
    out.scopes = scopes;
    out.expires_unix_s = ends_unix_s;
    out.issuer = issuer;
    out.resources = resources;
    out.acr = acr;
    out.auth_time_unix_s = auth_time_unix_s;
    out.session_id = handle;
    return std::make_shared<const identity::Principal>(std::move(out));
}

plugins::AuthSession Session::for_flow() const {
    plugins::AuthSession out;
    out.id = handle;
    out.subject = subject;
    out.issuer = issuer;
    out.actor_kind = actor_kind;
    out.organization_id = organization_id;
    out.upstream_session = upstream_session;
    out.acr = acr;
    out.auth_time_unix_s = auth_time_unix_s;
    out.created_unix_s = created_unix_s;
    out.claims_json = claims_json;
    out.upstream_tokens_json = upstream_tokens_json;
    return out;
}

std::string to_json(const Session& s) {
    return json::dump(json::object({{"handle", s.handle},
                                    {"secret_digest", s.secret_digest},
                                    {"flow", s.flow},
                                    {"csrf_token", s.csrf_token},
                                    {"subject", s.subject},
                                    {"issuer", s.issuer},
                                    {"actor_kind", s.actor_kind},
                                    {"organization_id", s.organization_id},
                                    {"upstream_session", s.upstream_session},
                                    {"acr", s.acr},
                                    {"roles", list(s.roles)},
                                    {"scopes", list(s.scopes)},
                                    {"resources", list(s.resources)},
                                    {"claims", s.claims_json},
                                    {"upstream_tokens", s.upstream_tokens_json},
                                    {"address", s.address},
                                    {"auth_time", s.auth_time_unix_s},
                                    {"created", s.created_unix_s},
                                    {"seen", s.seen_unix_s},
                                    {"ends", s.ends_unix_s},
                                    {"tried", s.tried_unix_ms},
                                    {"renewed", s.renewed_unix_ms},
                                    {"renew_at", s.renew_at_unix_s}}));
}

Result<Session> session_from_json(std::string_view text) {
    auto parsed = json::parse_object(text);
    if (!parsed) return fail(Code::internal, "bad_session", "a kept session cannot be read");
    const json::Object::Ptr& object = *parsed;
    Session s;
    const std::pair<const char*, std::string*> texts[] = {
        {"handle", &s.handle}, {"secret_digest", &s.secret_digest}, {"flow", &s.flow}, {"csrf_token", &s.csrf_token},
        {"subject", &s.subject}, {"issuer", &s.issuer}, {"actor_kind", &s.actor_kind}, {"organization_id", &s.organization_id},
        {"upstream_session", &s.upstream_session}, {"acr", &s.acr}, {"claims", &s.claims_json}, {"upstream_tokens", &s.upstream_tokens_json},
        {"address", &s.address}};
    for (const auto& [name, into] : texts) *into = json::text_or(object, name);
    s.roles = texts_of(object, "roles");
    s.scopes = texts_of(object, "scopes");
    s.resources = texts_of(object, "resources");
    const std::pair<const char*, std::int64_t*> numbers[] = {{"auth_time", &s.auth_time_unix_s}, {"created", &s.created_unix_s}, {"seen", &s.seen_unix_s}, {"ends", &s.ends_unix_s}, {"tried", &s.tried_unix_ms}, {"renewed", &s.renewed_unix_ms}, {"renew_at", &s.renew_at_unix_s}};
    for (const auto& [name, into] : numbers) *into = object->optValue<std::int64_t>(name, 0);
    if (s.handle.empty() || s.secret_digest.empty() || s.subject.empty()) return fail(Code::internal, "bad_session", "a kept session lacks a member");
    return s;
}

}  // namespace acp::auth
