// conformance: an auth flow driven through its C table, with C++ values around it.
#pragma once

#include <string>
#include <vector>

#include "alphaswarm-cp/conformance/fake_host.hpp"
#include "alphaswarm-cp/conformance/provider_client.hpp"
#include "alphaswarm-cp/ext/auth_flow.h"
#include "alphaswarm-cp/sdk/auth_flow.hpp"

namespace acp::conformance {

/// An owned acp_auth_decision, as it came.
struct Decided {
    int32_t kind = -1;
    bool has_identity = false;
    sdk::AuthIdentity identity;
    std::string replaces_session, location, state_json, page, body_json, token_json;
    std::string end_session, end_issuer, end_upstream_session, end_subject;
    std::string error_code, error_description, audit_json;
    int32_t http_status = 0, retry_after_s = 0;
};

/// What a step gave.
struct Step {
    std::string operation;
    acp_status code = ACP_OK;
    acp_status error_code = ACP_OK;  ///< acp_error.code
    std::string message, details_json;
    int decisions = 0;
    Decided decided;  ///< the first one

    bool ok() const noexcept { return code == ACP_OK; }
    /// One decision, of this kind.
    bool is(int32_t kind) const noexcept { return ok() && decisions == 1 && decided.kind == kind; }
    /// It lets somebody in: a grant, an upstream's token or a session.
    bool lets_in() const noexcept;
};

/// The C view of a session, borrowed from it.
acp_auth_session raw_auth_session(const sdk::AuthSession& session) noexcept;

/// The C view of a request, borrowed from it.
class RawAuthRequest {
public:
    explicit RawAuthRequest(const sdk::AuthRequest& request);
    RawAuthRequest(const RawAuthRequest&) = delete;
    RawAuthRequest& operator=(const RawAuthRequest&) = delete;
    const acp_auth_request* get() const noexcept { return &raw_; }

private:
    acp_auth_request raw_{};
    acp_auth_session session_{};
    std::vector<acp_pair> params_, fields_;
};

/// One instance; destroyed with the object. Callable from any thread. Throws
/// CrossedBoundary for what a function lets out.
class AuthFlowClient {
public:
    /// Throws std::runtime_error with the plugin's message when create fails.
    AuthFlowClient(const acp_host* host, const acp_plugin_entry& entry, const std::string& folder, const std::string& alias,
                   const std::string& config_json, const std::string& state_dir);
    AuthFlowClient(const FakeHost& host, const LoadedPlugin& plugin, const std::string& config_json = "{}",
                   const std::string& alias = "test", const std::string& state_dir = "/nowhere");
    ~AuthFlowClient();
    AuthFlowClient(const AuthFlowClient&) = delete;
    AuthFlowClient& operator=(const AuthFlowClient&) = delete;

    /// Throws std::runtime_error with the plugin's message when describe fails.
    std::vector<sdk::AuthEndpoint> endpoints() const { return description().endpoints; }
    std::vector<std::string> credential_fields() const { return description().fields; }

    Step handle(const sdk::AuthRequest& request, const FakeCall& call = {});
    Step authenticate(const sdk::AuthRequest& request, const FakeCall& call = {});
    Step renew(const sdk::AuthSession& session, const FakeCall& call = {});
    Step ended(const sdk::AuthSession& session, const FakeCall& call = {});

    /// The C side, for what has no method here.
    const acp_auth_flow& table() const noexcept { return table_; }
    void* self() const noexcept { return self_; }

private:
    struct Description {
        std::vector<sdk::AuthEndpoint> endpoints;
        std::vector<std::string> fields;
    };
    Description description() const;
    acp_auth_flow table_{};
    void* self_ = nullptr;
};

/// Runs `body(sink, error)` as one step.
template <typename Body>
Step take_step(std::string operation, Body&& body);
void keep_decision(void* step, const acp_auth_decision* decision);

template <typename Body>
Step take_step(std::string operation, Body&& body) {
    Step step;
    step.operation = std::move(operation);
    const acp_auth_sink sink = {sizeof(acp_auth_sink), 0, &step, &keep_decision};
    sdk::ErrorSlot error;
    step.code = at_boundary(step.operation.c_str(), [&] { return body(&sink, error.get()); });
    step.message = error.message();
    step.details_json = error.details_json();
    step.error_code = error.raw().code;
    return step;
}

}  // namespace acp::conformance
