#include "plugins/auth_values.h"

#include <algorithm>
#include <array>

#include "abi/error.h"
#include "alphaswarm-cp/sdk/sized.hpp"
#include "json/json.h"

namespace acp::plugins {

using abi::str;

namespace {

constexpr std::size_t kTextBytes = 64U << 10;  // of any one member

/// What a malformed decision is told by; caught before it reaches the plugin.
struct Wrong {
    const char* what;
};

void need(bool good, const char* what) {
    if (!good) throw Wrong{what};
}

std::string text(acp_str raw) {
    need(raw.ptr != nullptr || raw.len == 0, "a text without bytes");
    need(raw.len <= kTextBytes, "a text beyond 64 KiB");
    return abi::text(raw);
}

std::string object_text(acp_str raw, const char* what) {
    std::string out = text(raw);
    if (!out.empty()) need(json::parse_object(out).has_value(), what);
    return out;
}

std::vector<std::string> texts(const acp_str* raw, std::size_t count) {
    need(raw != nullptr || count == 0, "a list without members");
    need(count <= 256, "a list of more than 256");
    std::vector<std::string> out;
    out.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        out.push_back(text(raw[i]));
        need(!out.back().empty(), "an empty scope or audience");
    }
    return out;
}

bool is_visible_ascii(std::string_view s) noexcept {
    return std::all_of(s.begin(), s.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

/// Of RFC 6749 section 5.2, without the space that no code needs.
bool is_error_code(std::string_view s) noexcept {
    return !s.empty() && s.size() <= 64 && is_visible_ascii(s) && s.find_first_of("\"\\") == std::string_view::npos;
}

/// As RFC 6749 section 5.2 allows it; upstreams' own words may have more.
std::string description(acp_str raw) {
    std::string out = text(raw);
    for (char& c : out)
        if (c == '"')
            c = '\'';
        else if (c < 0x20 || c > 0x7e || c == '\\')
            c = ' ';
    return out;
}

/// A path of this server: what a browser could read as another host is none.
bool is_local(std::string_view s) noexcept {
    return s.starts_with('/') && !s.starts_with("//") && is_visible_ascii(s) && s.find('\\') == std::string_view::npos;
}

bool is_absolute(std::string_view s) noexcept {
    for (const std::string_view scheme : {"https://", "http://"})
        if (s.starts_with(scheme))
            return s.size() > scheme.size() && s[scheme.size()] != '/' && is_visible_ascii(s) &&
                   s.find_first_of("\\#") == std::string_view::npos;
    return false;
}

AuthIdentity identity_of(const acp_auth_identity* given) {
    need(given != nullptr, "no identity");
    const acp_auth_identity raw = sdk::whole(given);
    AuthIdentity out;
    out.subject = text(raw.subject);
    need(!out.subject.empty(), "an identity without a subject");
    out.issuer = text(raw.issuer);
    out.actor_kind = text(raw.actor_kind);
    need(out.actor_kind == "user" || out.actor_kind == "service" || out.actor_kind == "agent",
         "an actor_kind other than user, service and agent");
    out.organization_id = text(raw.organization_id);
    if (std::string claims = object_text(raw.claims_json, "claims_json that is no object"); !claims.empty())
        out.claims_json = std::move(claims);
    out.act_json = object_text(raw.act_json, "act_json that is no object");
    out.confirmation_json = object_text(raw.confirmation_json, "confirmation_json that is no object");
    out.acr = text(raw.acr);
    if (const std::string amr = text(raw.amr_json); !amr.empty()) {
        const auto parsed = json::parse(amr);
        need(parsed && parsed->type() == typeid(json::Array::Ptr), "amr_json that is no array");
        for (const auto& one : *parsed->extract<json::Array::Ptr>()) {
            need(one.isString(), "amr_json with something else than strings");
            out.amr.push_back(one.convert<std::string>());
        }
    }
    out.auth_time_unix_s = raw.auth_time_unix_s;
    out.expires_unix_s = raw.expires_unix_s;
    need(raw.auth_time_unix_s >= 0 && raw.expires_unix_s >= 0, "a time before 1970");
    out.scopes = texts(raw.scopes, raw.scopes_count);
    out.audiences = texts(raw.audiences, raw.audiences_count);
    out.upstream_session = text(raw.upstream_session);
    out.upstream_tokens_json = object_text(raw.upstream_tokens_json, "upstream_tokens_json that is no object");
    return out;
}

std::string forwarded(acp_str raw) {
    std::string out = text(raw);
    const auto token = json::parse_object(out);
    need(token && !json::text_or(*token, "access_token").empty() && !json::text_or(*token, "token_type").empty(),
         "token_json without access_token and token_type");
    return out;
}

void read_end(const acp_auth_decision& raw, AuthDecision& out) {
    out.end_session = text(raw.end_session);
    out.end_issuer = text(raw.end_issuer);
    out.end_upstream_session = text(raw.end_upstream_session);
    out.end_subject = text(raw.end_subject);
    const bool by_issuer =
        !out.end_issuer.empty() && (!out.end_upstream_session.empty() || !out.end_subject.empty());
    need(!out.end_session.empty() || by_issuer, "an end of no session");
    out.location = text(raw.location);
    need(out.location.empty() || is_local(out.location) || is_absolute(out.location),
         "a location that is neither local nor absolute");
}

AuthDecision decision_of(const acp_auth_decision& raw) {
    using Kind = AuthDecision::Kind;
    AuthDecision out;
    out.kind = static_cast<Kind>(raw.kind);
    out.audit_json = object_text(raw.audit_json, "audit_json that is no object");
    switch (out.kind) {
        case Kind::pass:
            break;
        case Kind::grant:
            out.identity = identity_of(raw.identity);
            break;
        case Kind::forward:
            out.token_json = forwarded(raw.token_json);
            break;
        case Kind::session:
            out.identity = identity_of(raw.identity);
            out.replaces_session = text(raw.replaces_session);
            out.location = text(raw.location);
            need(out.location.empty() || is_local(out.location), "a session's location that is not local");
            break;
        case Kind::redirect:
            out.location = text(raw.location);
            need(is_absolute(out.location), "a redirect's location that is not absolute");
            out.state_json = object_text(raw.state_json, "state_json that is no object");
            break;
        case Kind::page:
            out.page = text(raw.page);
            need(out.page == ACP_AUTH_PAGE_DEVICE || out.page == ACP_AUTH_PAGE_MESSAGE, "a page this host has not");
            [[fallthrough]];
        case Kind::respond:
            out.body_json = text(raw.body_json);
            need(json::parse_object(out.body_json).has_value(), "body_json that is no object");
            out.http_status = raw.http_status;
            need(raw.http_status == 0 || (raw.http_status >= 200 && raw.http_status <= 599), "such an http_status");
            break;
        case Kind::end:
            read_end(raw, out);
            break;
        case Kind::refuse:
            out.error_code = text(raw.error_code);
            need(is_error_code(out.error_code), "an error_code that is none of RFC 6749");
            out.error_description = description(raw.error_description);
            out.http_status = raw.http_status;
            need(raw.http_status == 0 || (raw.http_status >= 400 && raw.http_status <= 599), "such an http_status");
            out.retry_after_s = std::max(raw.retry_after_s, 0);
            break;
        default:
            throw Wrong{"an unknown kind"};
    }
    return out;
}

}  // namespace

bool carries_state(std::string_view location, std::string_view state) {
    std::size_t states = 0, right = 0, pushed = 0;
    const std::size_t query = std::min(location.find('?'), location.size());
    for (std::size_t at = query; at < location.size();) {
        const std::size_t end = std::min(location.find('&', at + 1), location.size());
        const std::string_view pair = location.substr(at + 1, end - at - 1);
        if (pair.starts_with("state=")) {
            ++states;
            right += pair.substr(6) == state ? 1U : 0U;
        }
        if (pair.starts_with("request_uri=")) ++pushed;
        at = end;
    }
    return states == 0 ? pushed == 1 : states == 1 && right == 1;
}

acp_auth_session raw_session(const AuthSession& session) noexcept {
    acp_auth_session raw{};
    raw.struct_size = sizeof raw;
    raw.id = str(session.id);
    raw.subject = str(session.subject);
    raw.issuer = str(session.issuer);
    raw.actor_kind = str(session.actor_kind);
    raw.organization_id = str(session.organization_id);
    raw.upstream_session = str(session.upstream_session);
    raw.acr = str(session.acr);
    raw.auth_time_unix_s = session.auth_time_unix_s;
    raw.created_unix_s = session.created_unix_s;
    raw.claims_json = str(session.claims_json);
    raw.upstream_tokens_json = str(session.upstream_tokens_json);
    return raw;
}

RawAuthRequest::RawAuthRequest(const AuthRequest& request) {
    for (const auto& [name, value] : request.params) params_.push_back({str(name), str(value)});
    for (const auto& [name, value] : request.fields) fields_.push_back({str(name), str(value)});
    raw_.struct_size = sizeof raw_;
    raw_.operation_id = str(request.operation_id);
    raw_.method = str(request.method);
    raw_.origin = str(request.origin);
    raw_.path = str(request.path);
    raw_.peer = str(request.peer);
    raw_.params = params_.data();
    raw_.params_count = params_.size();
    raw_.body_json = str(request.body_json);
    raw_.fields = fields_.data();
    raw_.fields_count = fields_.size();
    raw_.client_id = str(request.client_id);
    raw_.client_auth_method = str(request.client_auth_method);
    raw_.client_json = str(request.client_json);
    raw_.confirmation_json = str(request.confirmation_json);
    raw_.peer_certificate = {reinterpret_cast<const std::uint8_t*>(request.peer_certificate.data()),
                             request.peer_certificate.size()};
    raw_.state_json = str(request.state_json);
    raw_.next_state = str(request.next_state);
    if (!request.session) return;
    session_ = raw_session(*request.session);
    raw_.session = &session_;
}

DecisionSlot::DecisionSlot() noexcept {
    raw_.struct_size = sizeof raw_;
    raw_.ctx = this;
    raw_.decide = &decide;
}

/// Called by a plugin, so nothing may leave it.
void DecisionSlot::decide(void* ctx, const acp_auth_decision* decision) {
    auto& self = *static_cast<DecisionSlot*>(ctx);
    const std::lock_guard lock(self.mutex_);
    if (++self.count_ > 1) return;
    try {
        need(decision != nullptr, "nothing");
        self.decision_ = decision_of(sdk::whole(decision));
    } catch (const Wrong& wrong) {
        self.wrong_ = wrong.what;
    } catch (...) {
        self.wrong_ = "more than there is memory for";
    }
}

Result<AuthDecision> DecisionSlot::take(std::string_view where) {
    const std::lock_guard lock(mutex_);
    const std::string plugin(where);
    if (count_ == 0) return fail(Code::internal, "plugin_defect", plugin + " came to no decision");
    if (count_ > 1)
        return fail(Code::internal, "plugin_defect", plugin + " decided " + std::to_string(count_) + " times");
    if (!decision_) return fail(Code::internal, "plugin_defect", plugin + " decided wrongly: " + wrong_);
    return std::move(*decision_);
}

std::string wrong_with(const AuthEndpoint& e) {
    const auto word = [](std::string_view s) {
        return !s.empty() && s.size() <= 64 && std::all_of(s.begin(), s.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                   c == '.';
        });
    };
    if (!word(e.operation_id)) return "an operation_id that is no word";
    if (e.method != "GET" && e.method != "POST") return e.operation_id + ": a method other than GET and POST";
    if (!e.path.starts_with('/') || e.path.size() > 128) return e.operation_id + ": a path without \"/\" before it";
    for (std::size_t at = 1; at <= e.path.size();) {
        const std::size_t end = std::min(e.path.find('/', at), e.path.size());
        const std::string_view segment = std::string_view(e.path).substr(at, end - at);
        if (!word(segment) || segment.find_first_not_of('.') == std::string_view::npos)
            return e.operation_id + ": a path with a segment that is no word";
        at = end + 1;
    }
    if (e.input < ACP_AUTH_INPUT_NONE || e.input > ACP_AUTH_INPUT_JSON) return e.operation_id + ": an unknown input";
    if (e.method == "GET" && e.input > ACP_AUTH_INPUT_QUERY) return e.operation_id + ": a GET with a body";
    if (e.flags >= ACP_AUTH_HTML * 2U) return e.operation_id + ": an unknown flag";
    if (e.has(ACP_AUTH_NEEDS_CSRF) && !e.has(ACP_AUTH_NEEDS_SESSION))
        return e.operation_id + ": NEEDS_CSRF without NEEDS_SESSION";
    if (!e.grant_type.empty()) {
        if (!is_visible_ascii(e.grant_type) || e.grant_type.size() > 128)
            return e.operation_id + ": a malformed grant_type";
        if (e.method != "POST" || e.input != ACP_AUTH_INPUT_FORM || !e.has(ACP_AUTH_NEEDS_CLIENT))
            return e.operation_id + ": a grant_type takes POST, FORM and NEEDS_CLIENT";
    }
    if (!e.operation_json.empty() && !json::parse_object(e.operation_json))
        return e.operation_id + ": operation_json that is no object";
    return {};
}

bool is_credential_field(std::string_view name) noexcept {
    static constexpr std::array<std::string_view, 6> kOwn = {"authorization", "cookie", "dpop", "host", "x-csrf-token",
                                                             "content-type"};
    return !name.empty() && name.size() <= 64 &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }) &&
           std::find(kOwn.begin(), kOwn.end(), name) == kOwn.end();
}

}  // namespace acp::plugins
