#include "alphaswarm-cp/conformance/auth_flow_client.hpp"

#include <stdexcept>

namespace acp::conformance {

using sdk::str;
using sdk::text;

namespace {

std::vector<std::string> texts(const acp_str* raw, size_t count) {
    std::vector<std::string> out;
    for (size_t i = 0; i < count; ++i) out.push_back(text(raw[i]));
    return out;
}

sdk::AuthIdentity identity_of(const acp_auth_identity* given) {
    const acp_auth_identity raw = sdk::whole(given);
    return {text(raw.subject), text(raw.issuer), text(raw.actor_kind), text(raw.organization_id), text(raw.claims_json),
            text(raw.act_json), text(raw.confirmation_json), text(raw.acr), text(raw.amr_json), raw.auth_time_unix_s,
            raw.expires_unix_s, texts(raw.scopes, raw.scopes_count), texts(raw.audiences, raw.audiences_count),
            text(raw.upstream_session), text(raw.upstream_tokens_json)};
}

}  // namespace

bool Step::lets_in() const noexcept {
    return ok() && decisions > 0 &&
           (decided.kind == ACP_AUTH_GRANT || decided.kind == ACP_AUTH_FORWARD || decided.kind == ACP_AUTH_SESSION);
}

void keep_decision(void* ctx, const acp_auth_decision* given) {
    auto& step = *static_cast<Step*>(ctx);
    if (++step.decisions > 1 || !given) return;
    const acp_auth_decision raw = sdk::whole(given);
    Decided& d = step.decided;
    d.kind = raw.kind;
    d.has_identity = raw.identity != nullptr;
    if (raw.identity) d.identity = identity_of(raw.identity);
    d.replaces_session = text(raw.replaces_session);
    d.location = text(raw.location);
    d.state_json = text(raw.state_json);
    d.page = text(raw.page);
    d.body_json = text(raw.body_json);
    d.token_json = text(raw.token_json);
    d.end_session = text(raw.end_session);
    d.end_issuer = text(raw.end_issuer);
    d.end_upstream_session = text(raw.end_upstream_session);
    d.end_subject = text(raw.end_subject);
    d.error_code = text(raw.error_code);
    d.error_description = text(raw.error_description);
    d.audit_json = text(raw.audit_json);
    d.http_status = raw.http_status;
    d.retry_after_s = raw.retry_after_s;
}

acp_auth_session raw_auth_session(const sdk::AuthSession& s) noexcept {
    return {sizeof(acp_auth_session), 0, str(s.id), str(s.subject), str(s.issuer), str(s.actor_kind), str(s.organization_id),
            str(s.upstream_session), str(s.acr), s.auth_time_unix_s, s.created_unix_s, str(s.claims_json), str(s.upstream_tokens_json)};
}

RawAuthRequest::RawAuthRequest(const sdk::AuthRequest& r) {
    for (const auto& [name, value] : r.params) params_.push_back({str(name), str(value)});
    for (const auto& [name, value] : r.fields) fields_.push_back({str(name), str(value)});
    if (r.session) session_ = raw_auth_session(*r.session);
    raw_ = {sizeof raw_, 0, str(r.operation_id), str(r.method), str(r.origin), str(r.path), str(r.peer), params_.data(),
            params_.size(), str(r.body_json), fields_.data(), fields_.size(), str(r.client_id), str(r.client_auth_method),
            str(r.client_json), str(r.confirmation_json), sdk::bytes(r.peer_certificate), str(r.state_json),
            r.session ? &session_ : nullptr, str(r.next_state)};
}

AuthFlowClient::AuthFlowClient(const acp_host* host, const acp_plugin_entry& entry, const std::string& folder,
                               const std::string& alias, const std::string& config_json, const std::string& state_dir) {
    if (const void* raw = at_boundary("get_interface", [&] { return entry.get_interface(str(ACP_IID_AUTH_FLOW)); }))
        table_ = whole_table<acp_auth_flow>(raw);
    if (!table_.create || !table_.destroy) throw std::runtime_error("the plugin offers no " ACP_IID_AUTH_FLOW);
    const acp_instance_config config{sizeof config, 0, str(alias), str(config_json), str(folder), str(state_dir)};
    sdk::ErrorSlot error;
    const acp_status made = at_boundary("create", [&] { return table_.create(host, &config, &self_, error.get()); });
    if (made == ACP_OK) return;
    self_ = nullptr;
    throw std::runtime_error(error.message());
}

AuthFlowClient::AuthFlowClient(const FakeHost& host, const LoadedPlugin& plugin, const std::string& config_json,
                               const std::string& alias, const std::string& state_dir)
    : AuthFlowClient(host.raw(), plugin.entry(), plugin.folder(), alias, config_json, state_dir) {}

AuthFlowClient::~AuthFlowClient() {
    if (self_) table_.destroy(self_);
}

AuthFlowClient::Description AuthFlowClient::description() const {
    Description found;
    const acp_auth_description_sink sink = {
        sizeof sink, 0, &found,
        [](void* ctx, const acp_auth_endpoint* given) {
            const acp_auth_endpoint e = sdk::whole(given);
            static_cast<Description*>(ctx)->endpoints.push_back({text(e.operation_id), text(e.method), text(e.path), e.input, e.flags,
                                                                 text(e.grant_type), text(e.summary), text(e.operation_json)});
        },
        [](void* ctx, acp_str name) { static_cast<Description*>(ctx)->fields.push_back(text(name)); }};
    sdk::ErrorSlot error;
    if (at_boundary("describe", [&] { return table_.describe(self_, &sink, error.get()); }) != ACP_OK)
        throw std::runtime_error("describe: " + error.message());
    return found;
}

Step AuthFlowClient::handle(const sdk::AuthRequest& request, const FakeCall& call) {
    const RawAuthRequest raw(request);
    return take_step("handle of " + request.operation_id, [&](const acp_auth_sink* out, acp_error* error) {
        return table_.handle(self_, call.raw(), raw.get(), out, error);
    });
}

Step AuthFlowClient::authenticate(const sdk::AuthRequest& request, const FakeCall& call) {
    const RawAuthRequest raw(request);
    return take_step("authenticate", [&](const acp_auth_sink* out, acp_error* error) {
        return table_.authenticate ? table_.authenticate(self_, call.raw(), raw.get(), out, error) : ACP_E_UNSUPPORTED;
    });
}

Step AuthFlowClient::renew(const sdk::AuthSession& session, const FakeCall& call) {
    const acp_auth_session raw = raw_auth_session(session);
    return take_step("renew", [&](const acp_auth_sink* out, acp_error* error) {
        return table_.renew ? table_.renew(self_, call.raw(), &raw, out, error) : ACP_E_UNSUPPORTED;
    });
}

Step AuthFlowClient::ended(const sdk::AuthSession& session, const FakeCall& call) {
    const acp_auth_session raw = raw_auth_session(session);
    return take_step("ended", [&](const acp_auth_sink*, acp_error* error) {
        return table_.ended ? table_.ended(self_, call.raw(), &raw, error) : ACP_E_UNSUPPORTED;
    });
}

}  // namespace acp::conformance
