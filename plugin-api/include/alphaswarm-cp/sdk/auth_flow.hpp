// alphaswarm-cp plugin SDK: write an auth flow as one C++ class.
//
//   class Mine : public acp::sdk::AuthFlow { ... };  // from (const Host&, const InstanceConfig&)
//   ACP_AUTH_FLOW_PLUGIN(Mine, "com.example.mine", "1.0.0", "Example Ltd", R"({"type":"object"})")
//
// A step returns its one decision. A "no" is Decision::refuse; what is thrown is
// an outage (Failure) or a defect (anything else).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphaswarm-cp/ext/auth_flow.h"
#include "alphaswarm-cp/sdk/identity.hpp"
#include "alphaswarm-cp/sdk/provider.hpp"

namespace acp::sdk {

/// As acp_auth_endpoint.
struct AuthEndpoint {
    std::string operation_id, method, path;
    int32_t input = ACP_AUTH_INPUT_NONE;
    uint32_t flags = 0;
    std::string grant_type = {}, summary = {}, operation_json = {};
};

/// Owned copy of acp_auth_session.
struct AuthSession {
    std::string id, subject, issuer, actor_kind, organization_id, upstream_session, acr;
    int64_t auth_time_unix_s = 0, created_unix_s = 0;
    std::string claims_json, upstream_tokens_json;

    static AuthSession from(const acp_auth_session* given) {
        const acp_auth_session raw = whole(given);
        return {text(raw.id),         text(raw.subject),         text(raw.issuer),
                text(raw.actor_kind), text(raw.organization_id), text(raw.upstream_session),
                text(raw.acr),        raw.auth_time_unix_s,      raw.created_unix_s,
                text(raw.claims_json), text(raw.upstream_tokens_json)};
    }
};

/// Owned copy of acp_auth_request.
struct AuthRequest {
    std::string operation_id, method, origin, path, peer;
    Pairs params, fields;
    std::string body_json, client_id, client_auth_method, client_json, confirmation_json, peer_certificate, state_json;
    std::optional<AuthSession> session;
    std::string next_state;

    std::string param(std::string_view name) const { return one_of(params, name); }
    bool has_param(std::string_view name) const { return has(params, name); }
    std::string field(std::string_view lower_name) const { return one_of(fields, lower_name); }

    static AuthRequest from(const acp_auth_request* given) {
        const acp_auth_request raw = whole(given);
        AuthRequest r;
        r.operation_id = text(raw.operation_id);
        r.method = text(raw.method);
        r.origin = text(raw.origin);
        r.path = text(raw.path);
        r.peer = text(raw.peer);
        for (size_t i = 0; i < raw.params_count; ++i) r.params.emplace_back(text(raw.params[i].name), text(raw.params[i].value));
        for (size_t i = 0; i < raw.fields_count; ++i) r.fields.emplace_back(text(raw.fields[i].name), text(raw.fields[i].value));
        r.body_json = text(raw.body_json);
        r.client_id = text(raw.client_id);
        r.client_auth_method = text(raw.client_auth_method);
        r.client_json = text(raw.client_json);
        r.confirmation_json = text(raw.confirmation_json);
        if (raw.peer_certificate.ptr)
            r.peer_certificate.assign(reinterpret_cast<const char*>(raw.peer_certificate.ptr), raw.peer_certificate.len);
        r.state_json = text(raw.state_json);
        if (raw.session) r.session = AuthSession::from(raw.session);
        r.next_state = text(raw.next_state);
        return r;
    }

private:
    static std::string one_of(const Pairs& pairs, std::string_view name) {
        for (const auto& [n, v] : pairs)
            if (n == name) return v;
        return {};
    }
    static bool has(const Pairs& pairs, std::string_view name) {
        for (const auto& [n, v] : pairs)
            if (n == name) return true;
        return false;
    }
};

/// As acp_auth_identity.
struct AuthIdentity {
    std::string subject, issuer, actor_kind = "user", organization_id = {};
    std::string claims_json = {}, act_json = {}, confirmation_json = {}, acr = {}, amr_json = {};
    int64_t auth_time_unix_s = 0, expires_unix_s = 0;
    std::vector<std::string> scopes = {}, audiences = {};
    std::string upstream_session = {}, upstream_tokens_json = {};
};

/// As acp_auth_decision; made by the function that names its kind.
class Decision {
public:
    static Decision pass() { return Decision(ACP_AUTH_PASS); }
    static Decision grant(AuthIdentity identity) {
        Decision d(ACP_AUTH_GRANT);
        d.identity_ = std::move(identity);
        return d;
    }
    static Decision forward(std::string token_json) {
        Decision d(ACP_AUTH_FORWARD);
        d.token_ = std::move(token_json);
        return d;
    }
    static Decision session(AuthIdentity identity, std::string local_location, std::string replaces = {}) {
        Decision d(ACP_AUTH_SESSION);
        d.identity_ = std::move(identity);
        d.location_ = std::move(local_location);
        d.replaces_ = std::move(replaces);
        return d;
    }
    static Decision redirect(std::string location, std::string state_json) {
        Decision d(ACP_AUTH_REDIRECT);
        d.location_ = std::move(location);
        d.state_ = std::move(state_json);
        return d;
    }
    static Decision respond(std::string body_json) {
        Decision d(ACP_AUTH_RESPOND);
        d.body_ = std::move(body_json);
        return d;
    }
    static Decision page(std::string name, std::string body_json) {
        Decision d(ACP_AUTH_PAGE);
        d.page_ = std::move(name);
        d.body_ = std::move(body_json);
        return d;
    }
    static Decision end(std::string session, std::string location = {}) {
        Decision d(ACP_AUTH_END);
        d.end_session_ = std::move(session);
        d.location_ = std::move(location);
        return d;
    }
    /// Back-channel logout: one session of an issuer, or all of a subject; one may be empty.
    static Decision end_upstream(std::string issuer, std::string upstream_session, std::string subject) {
        Decision d(ACP_AUTH_END);
        d.end_issuer_ = std::move(issuer);
        d.end_upstream_ = std::move(upstream_session);
        d.end_subject_ = std::move(subject);
        return d;
    }
    static Decision refuse(std::string code, std::string description) {
        Decision d(ACP_AUTH_REFUSE);
        d.code_ = std::move(code);
        d.description_ = std::move(description);
        return d;
    }
    Decision&& http_status(int32_t status) && {
        http_status_ = status;
        return std::move(*this);
    }
    Decision&& retry_after(int32_t seconds) && {
        retry_after_ = seconds;
        return std::move(*this);
    }
    /// Added to the audit row that the host writes.
    Decision&& audit(std::string json_object) && {
        audit_ = std::move(json_object);
        return std::move(*this);
    }
    int32_t kind() const noexcept { return kind_; }

    void emit(const acp_auth_sink* out) const {
        const acp_auth_sink sink = whole(out);
        if (!sink.decide) throw Failure(ACP_E_INVALID, "the caller's sink has no function to take a decision");
        std::vector<acp_str> scopes, audiences;
        for (const auto& s : identity_.scopes) scopes.push_back(str(s));
        for (const auto& a : identity_.audiences) audiences.push_back(str(a));
        const acp_auth_identity identity{sizeof(acp_auth_identity), 0, str(identity_.subject), str(identity_.issuer),
            str(identity_.actor_kind), str(identity_.organization_id), str(identity_.claims_json), str(identity_.act_json),
            str(identity_.confirmation_json), str(identity_.acr), str(identity_.amr_json), identity_.auth_time_unix_s,
            identity_.expires_unix_s, scopes.data(), scopes.size(), audiences.data(), audiences.size(),
            str(identity_.upstream_session), str(identity_.upstream_tokens_json)};
        const bool says_who = kind_ == ACP_AUTH_GRANT || kind_ == ACP_AUTH_SESSION;
        const acp_auth_decision raw{sizeof(acp_auth_decision), kind_, says_who ? &identity : nullptr, str(replaces_),
            str(location_), str(state_), str(page_), str(body_), str(token_), str(end_session_), str(end_issuer_),
            str(end_upstream_), str(end_subject_), str(code_), str(description_), http_status_, retry_after_, str(audit_)};
        sink.decide(sink.ctx, &raw);
    }

private:
    explicit Decision(int32_t kind) : kind_(kind) {}
    int32_t kind_;
    AuthIdentity identity_;
    std::string replaces_, location_, state_, page_, body_, token_;
    std::string end_session_, end_issuer_, end_upstream_, end_subject_, code_, description_, audit_;
    int32_t http_status_ = 0, retry_after_ = 0;
};

/// Base of a flow. Override what it uses.
class AuthFlow {
public:
    virtual ~AuthFlow() = default;
    virtual std::vector<AuthEndpoint> endpoints() const { return {}; }
    virtual std::vector<std::string> credential_fields() const { return {}; }
    /// One of its endpoints was asked; what it does not know is ACP_E_NOT_FOUND.
    virtual Decision handle(const Call&, const AuthRequest& request) {
        throw Failure(ACP_E_NOT_FOUND, "this flow has no endpoint " + clip(request.operation_id, 64));
    }
    virtual Decision authenticate(const Call&, const AuthRequest&) { return Decision::pass(); }
    virtual Decision renew(const Call&, const AuthSession&) { return Decision::pass(); }
    virtual void ended(const Call&, const AuthSession&) {}
};

template <typename Class>
class AuthFlowTables {
public:
    static const void* get_interface(acp_str iid) noexcept {
        static const acp_auth_flow table = {sizeof(acp_auth_flow), 0,      &create, &destroy, &describe,
                                            &handle,               &authenticate, &renew,  &ended};
        return view(iid) == ACP_IID_AUTH_FLOW ? &table : nullptr;
    }

private:
    static AuthFlow& of(void* self) noexcept { return *static_cast<AuthFlow*>(self); }
    static acp_status create(const acp_host* host, const acp_instance_config* given, void** self, acp_error* error) {
        return edge(error, [&] {
            const acp_instance_config config = whole(given);
            const InstanceConfig c{text(config.alias), text(config.config_json), text(config.plugin_dir), text(config.state_dir)};
            std::unique_ptr<AuthFlow> made = std::make_unique<Class>(Host(host), c);
            *self = made.release();
        });
    }
    static void destroy(void* self) { delete static_cast<AuthFlow*>(self); }
    static acp_status describe(void* self, const acp_auth_description_sink* given, acp_error* error) {
        return edge(error, [&] {
            const acp_auth_description_sink out = whole(given);
            if (!out.endpoint || !out.credential_field)
                throw Failure(ACP_E_INVALID, "the caller's sink has no function to take a description");
            for (const auto& e : of(self).endpoints()) {
                const acp_auth_endpoint raw{sizeof(acp_auth_endpoint), e.flags, e.input, 0, str(e.method), str(e.path),
                                            str(e.grant_type), str(e.operation_id), str(e.summary), str(e.operation_json)};
                out.endpoint(out.ctx, &raw);
            }
            for (const auto& name : of(self).credential_fields()) out.credential_field(out.ctx, str(name));
        });
    }
    static acp_status handle(void* self, const acp_call* call, const acp_auth_request* request, const acp_auth_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).handle(Call(call), AuthRequest::from(request)).emit(out); });
    }
    static acp_status authenticate(void* self, const acp_call* call, const acp_auth_request* request, const acp_auth_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).authenticate(Call(call), AuthRequest::from(request)).emit(out); });
    }
    static acp_status renew(void* self, const acp_call* call, const acp_auth_session* session, const acp_auth_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).renew(Call(call), AuthSession::from(session)).emit(out); });
    }
    static acp_status ended(void* self, const acp_call* call, const acp_auth_session* session, acp_error* error) {
        return edge(error, [&] { of(self).ended(Call(call), AuthSession::from(session)); });
    }
};

}  // namespace acp::sdk

/// Defines the entry symbol for a plugin that is one auth flow. All texts are literals.
#define ACP_AUTH_FLOW_PLUGIN(Class, id, version, vendor, config_schema)                                       \
    extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {                                 \
        static const acp_plugin_entry entry = ::acp::sdk::make_entry<::acp::sdk::AuthFlowTables<Class>>(      \
            ACP_STR_LITERAL(id), ACP_STR_LITERAL(version), ACP_STR_LITERAL(vendor),                           \
            ACP_STR_LITERAL(config_schema), acp_str{nullptr, 0});                                             \
        return &entry;                                                                                        \
    }
