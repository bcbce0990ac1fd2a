// plugins: one configured instance of acp.auth_flow/1.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphaswarm-cp/ext/auth_flow.h"
#include "base/result.h"
#include "plugins/auth_step.h"
#include "plugins/call_scope.h"
#include "plugins/host_identity.h"
#include "plugins/library.h"
#include "plugins/record.h"

namespace acp::plugins {

class AuthFlow {
public:
    /// `identity` is what the instance reaches as acp.host.identity/1, under its own
    /// alias; null: nothing. It outlives every instance.
    static std::unique_ptr<AuthFlow> create(const LibraryPtr& library, HostIdentity* identity, std::string alias,
                                            const std::string& config_json, const std::string& state_dir, Fault& fault);
    ~AuthFlow();
    /// Destroys the plugin's instance now, if it is still there.
    void end() const;
    AuthFlow(const AuthFlow&) = delete;
    AuthFlow& operator=(const AuthFlow&) = delete;

    const std::string& alias() const noexcept { return alias_; }
    const std::string& plugin_id() const noexcept { return plugin_id_; }
    /// In the plugin's order, checked: an instance with a wrong one is not made.
    const std::vector<AuthEndpoint>& endpoints() const noexcept { return endpoints_; }
    /// Request fields that `authenticate` judges; lower case, no name twice.
    const std::vector<std::string>& credential_fields() const noexcept { return credential_fields_; }
    const AuthEndpoint* endpoint(std::string_view operation_id) const noexcept;

    // Each is [any-thread] [may-block] and lasts at most kAuthPatience when `context`
    // has no deadline. A decision was checked as auth_step.h says; a plugin that gives
    // none, two or a malformed one is Code::internal `plugin_defect`, a failed call is
    // what its status says. Neither is a "no": that is Kind::refuse.

    /// One step at the endpoint `request.operation_id`.
    Result<AuthDecision> handle(const CallContext& context, const AuthRequest& request) const;
    /// By a credential field: grant, pass or refuse.
    Result<AuthDecision> authenticate(const CallContext& context, const AuthRequest& request) const;
    /// session (keep it, with new upstream tokens), pass (nothing to renew) or refuse.
    Result<AuthDecision> renew(const CallContext& context, const AuthSession& session) const;
    /// The session has ended, whatever this gives.
    Result<void> ended(const CallContext& context, const AuthSession& session) const;

private:
    template <typename Kind, typename After>
    friend std::unique_ptr<Kind> make_instance(std::unique_ptr<Kind>, const acp_host&, const std::string&,
                                               const std::string&, Fault&, After);
    AuthFlow() = default;
    bool read_description(Fault& fault);
    template <typename Invoke>
    Result<void> invoke(const CallContext& context, std::string_view step, Invoke&& call) const;

    template <typename Invoke>
    Result<AuthDecision> decide(const CallContext& context, std::string_view step,
                                std::initializer_list<AuthDecision::Kind> kinds, Invoke&& call) const;

    LibraryPtr library_;
    std::string alias_;
    std::string plugin_id_;
    std::shared_ptr<const acp_host> host_;  ///< the instance's own
    void* self_ = nullptr;
    mutable std::once_flag ended_;
    acp_auth_flow table_{};
    std::vector<AuthEndpoint> endpoints_;
    std::vector<std::string> credential_fields_;
};

using AuthFlowPtr = std::shared_ptr<const AuthFlow>;

}  // namespace acp::plugins
