#include "flow_rules.h"

#include <algorithm>
#include <set>

#include "text.h"

namespace acp::conformance {

namespace {

bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
    });
}

bool is_path(std::string_view path) {
    if (!path.starts_with('/') || path.size() > 128) return false;
    for (std::size_t at = 1; at <= path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view segment = path.substr(at, end - at);
        if (!is_word(segment) || segment.find_first_not_of('.') == std::string_view::npos) return false;
        at = end + 1;
    }
    return true;
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; });
}

bool is_local(std::string_view text) {
    return text.starts_with('/') && !text.starts_with("//") && is_visible(text);
}

bool is_absolute(std::string_view text) {
    return (text.starts_with("https://") || text.starts_with("http://")) && is_visible(text) && text.find('#') == std::string_view::npos;
}

bool is_object_or_empty(const std::string& text) {
    return text.empty() || is_json_object(text);
}

std::string fault_of(const sdk::AuthEndpoint& e) {
    if (!is_word(e.operation_id)) return "an operation id that is no word";
    if (e.method != "GET" && e.method != "POST") return e.operation_id + ": the method is neither GET nor POST";
    if (!is_path(e.path)) return e.operation_id + ": the path is none below /auth";
    if (e.input < ACP_AUTH_INPUT_NONE || e.input > ACP_AUTH_INPUT_JSON) return e.operation_id + ": the input is unknown";
    if (e.method == "GET" && e.input > ACP_AUTH_INPUT_QUERY) return e.operation_id + ": a GET has no body";
    if (e.flags >= ACP_AUTH_HTML * 2U) return e.operation_id + ": a flag is unknown";
    if ((e.flags & ACP_AUTH_NEEDS_CSRF) != 0 && (e.flags & ACP_AUTH_NEEDS_SESSION) == 0)
        return e.operation_id + ": NEEDS_CSRF goes with NEEDS_SESSION";
    if (!e.grant_type.empty() &&
        (!is_visible(e.grant_type) || e.method != "POST" || e.input != ACP_AUTH_INPUT_FORM || (e.flags & ACP_AUTH_NEEDS_CLIENT) == 0))
        return e.operation_id + ": a grant type takes POST, FORM and NEEDS_CLIENT";
    if (!is_utf8(e.summary) || (!e.operation_json.empty() && !is_json_object(e.operation_json)))
        return e.operation_id + ": the operation is no JSON object";
    return {};
}

std::string fault_of(const sdk::AuthIdentity& who) {
    if (who.subject.empty()) return "an identity without a subject";
    if (who.actor_kind != "user" && who.actor_kind != "service" && who.actor_kind != "agent")
        return "an actor_kind that is none of user, service and agent";
    for (const auto* json : {&who.claims_json, &who.act_json, &who.confirmation_json, &who.upstream_tokens_json})
        if (!is_object_or_empty(*json)) return "JSON of the identity that is no object";
    if (!who.amr_json.empty() && !is_json_array(who.amr_json)) return "amr_json that is no array";
    return {};
}

}  // namespace

std::string fault_of(const std::vector<sdk::AuthEndpoint>& endpoints, const std::vector<std::string>& fields) {
    if (endpoints.empty() && fields.empty()) return "neither endpoints nor credential fields";
    std::set<std::string> ids, places, grants, names;
    for (const auto& e : endpoints) {
        if (std::string fault = fault_of(e); !fault.empty()) return fault;
        if (!ids.insert(e.operation_id).second) return e.operation_id + ": the operation id is there twice";
        if (!places.insert(e.method + " " + e.path).second) return e.operation_id + ": method and path are there twice";
        if (!e.grant_type.empty() && !grants.insert(e.grant_type).second) return e.operation_id + ": the grant type is there twice";
    }
    static const std::set<std::string> own = {"authorization", "cookie", "dpop", "host", "x-csrf-token", "content-type"};
    for (const auto& name : fields) {
        const bool lower = std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
        if (!is_word(name) || !lower || own.contains(name)) return "the credential field " + in_quotes(name) + " is none that a flow can have";
        if (!names.insert(name).second) return "the credential field " + name + " is there twice";
    }
    return {};
}

std::string fault_of(const Decided& d) {
    if (!is_object_or_empty(d.audit_json)) return "audit_json that is no object";
    switch (d.kind) {
        case ACP_AUTH_PASS: return {};
        case ACP_AUTH_GRANT: return d.has_identity ? fault_of(d.identity) : "a grant to nobody";
        case ACP_AUTH_FORWARD: return is_json_object(d.token_json) ? "" : "token_json that is no object";
        case ACP_AUTH_SESSION:
            if (!d.has_identity) return "a session of nobody";
            if (!d.location.empty() && !is_local(d.location)) return "a session's location that is not local: " + in_quotes(d.location);
            return fault_of(d.identity);
        case ACP_AUTH_REDIRECT:
            if (!is_absolute(d.location)) return "a redirect's location that is not absolute: " + in_quotes(d.location);
            return is_object_or_empty(d.state_json) ? "" : "state_json that is no object";
        case ACP_AUTH_PAGE:
            if (d.page != ACP_AUTH_PAGE_DEVICE && d.page != ACP_AUTH_PAGE_MESSAGE) return "a page that no host has: " + in_quotes(d.page);
            [[fallthrough]];
        case ACP_AUTH_RESPOND:
            if (!is_json_object(d.body_json)) return "body_json that is no object";
            return d.http_status == 0 || (d.http_status >= 200 && d.http_status <= 599) ? "" : "such an http_status";
        case ACP_AUTH_END: {
            const bool upstream = !d.end_issuer.empty() && (!d.end_upstream_session.empty() || !d.end_subject.empty());
            if (d.end_session.empty() && !upstream) return "an end of no session";
            return d.location.empty() || is_local(d.location) || is_absolute(d.location) ? "" : "a location that is none";
        }
        case ACP_AUTH_REFUSE:
            if (d.error_code.empty() || !is_visible(d.error_code) || d.error_code.find('"') != std::string::npos)
                return "an error_code that is none of RFC 6749: " + in_quotes(d.error_code);
            if (!is_utf8(d.error_description)) return "an error_description that is no UTF-8";
            return d.http_status == 0 || (d.http_status >= 400 && d.http_status <= 599) ? "" : "such an http_status";
        default: return "an unknown kind";
    }
}

}  // namespace acp::conformance
