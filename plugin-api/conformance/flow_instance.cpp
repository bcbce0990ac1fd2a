#include "flow_instance.h"

#include <stdexcept>

namespace acp::conformance {

namespace {

constexpr Caller kCallers[] = {Caller::nobody, Caller::garbage, Caller::known};

/// Names that requests of the known grants have.
constexpr const char* kNames[] = {"scope",  "audience", "resource",  "code",      "state",        "device_code",
                                  "token",  "user_code", "decision", "assertion", "subject_token", "return_to"};

}  // namespace

FlowInstance::FlowInstance(Bench& bench)
    : client_((bench.init(), bench.host().raw()), bench.entry(), bench.plugin_folder(), "conformance", bench.options().config_json,
              bench.folder()),
      endpoints_(client_.endpoints()),
      fields_(client_.credential_fields()) {}

sdk::AuthSession FlowInstance::session() {
    sdk::AuthSession s;
    s.id = "conformance-session";
    s.subject = "carol";
    s.issuer = "https://issuer.invalid";
    s.actor_kind = "user";
    s.claims_json = R"({"sub":"carol"})";
    s.upstream_tokens_json = std::string(R"({"refresh_token":")") + kSecretMark + "\"}";
    return s;
}

sdk::AuthRequest FlowInstance::request(const sdk::AuthEndpoint& endpoint, Caller caller) {
    sdk::AuthRequest r;
    r.operation_id = endpoint.operation_id;
    r.method = endpoint.method;
    r.origin = "https://conformance.invalid";
    r.path = "/auth" + endpoint.path;
    r.peer = "192.0.2.1";
    r.fields = {{"accept", "*/*"}};
    if (caller == Caller::nobody) return r;
    if (caller == Caller::garbage) {
        for (const char* name : kNames) r.params.emplace_back(name, "\"><script>\r\n\\ " + std::string(4096, 'x') + "\xff");
        r.params.emplace_back("grant_type", endpoint.grant_type);
        r.body_json = R"({"a":[[[[1]]]],"\u0000":null})";
        return r;
    }
    for (const char* name : kNames) r.params.emplace_back(name, "conformance");
    if (!endpoint.grant_type.empty()) r.params.emplace_back("grant_type", endpoint.grant_type);
    r.body_json = "{}";
    r.state_json = std::string(R"({"verifier":")") + kSecretMark + "\"}";
    if ((endpoint.flags & ACP_AUTH_NEEDS_CLIENT) != 0) {
        r.client_id = "conformance-client";
        r.client_auth_method = "client_secret_basic";
        r.client_json = R"({"client_id":"conformance-client","name":"Conformance","actor_kind":"service","scopes":["conformance"],"audiences":["conformance"],"grant_types":[")" +
                        endpoint.grant_type + "\"]}";
    }
    if ((endpoint.flags & ACP_AUTH_NEEDS_SESSION) != 0) r.session = session();
    return r;
}

sdk::AuthRequest FlowInstance::credentials(const std::string& value) const {
    sdk::AuthRequest r;
    r.method = "GET";
    r.origin = "https://conformance.invalid";
    r.path = "/manage/workloads";
    r.peer = "192.0.2.1";
    r.fields = {{"accept", "*/*"}, {"x-forwarded-user", "admin"}, {"x-forwarded-email", "admin@conformance.invalid"}};
    for (const auto& name : fields_) r.fields.emplace_back(name, value);
    return r;
}

void FlowInstance::each_step(const std::function<void(const Step&)>& judge) {
    for (const auto& endpoint : endpoints_)
        for (const Caller caller : kCallers) judge(client_.handle(request(endpoint, caller), FakeCall(kStepLimit)));
    if (!fields_.empty() && client_.table().authenticate)
        for (const std::string& value : {std::string(), std::string("conformance"), std::string("a.b.c"), std::string(8192, 'x')})
            judge(client_.authenticate(credentials(value), FakeCall(kStepLimit)));
    if (client_.table().renew) judge(client_.renew(session(), FakeCall(kStepLimit)));
}

}  // namespace acp::conformance
