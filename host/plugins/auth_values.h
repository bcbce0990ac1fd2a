// plugins: steps of an auth flow between the house's values and those of the C boundary.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugins/auth_step.h"

namespace acp::plugins {

/// The C view of a session, borrowed from it.
acp_auth_session raw_session(const AuthSession& session) noexcept;

/// The C view of a request, borrowed from it.
class RawAuthRequest {
public:
    explicit RawAuthRequest(const AuthRequest& request);
    RawAuthRequest(const RawAuthRequest&) = delete;
    RawAuthRequest& operator=(const RawAuthRequest&) = delete;
    const acp_auth_request* get() const noexcept { return &raw_; }

private:
    acp_auth_request raw_{};
    acp_auth_session session_{};
    std::vector<acp_pair> params_, fields_;
};

/// Takes what a plugin decides during one step, from whatever thread.
class DecisionSlot {
public:
    DecisionSlot() noexcept;
    DecisionSlot(const DecisionSlot&) = delete;
    DecisionSlot& operator=(const DecisionSlot&) = delete;
    const acp_auth_sink* sink() const noexcept { return &raw_; }

    /// The one decision, checked; Code::internal `plugin_defect` with what is wrong
    /// with it (or that there is none, or that there are two) in `message`.
    /// `where` names plugin and step.
    Result<AuthDecision> take(std::string_view where);

private:
    static void decide(void* ctx, const acp_auth_decision* decision);
    acp_auth_sink raw_{};
    std::mutex mutex_;
    int count_ = 0;
    std::string wrong_;  ///< what the decision lacks; empty: nothing
    std::optional<AuthDecision> decision_;
};

/// Whether the query of a redirect has the parameter `state` once and with this value, or has
/// none and a request_uri that stands for it (RFC 9126).
bool carries_state(std::string_view location, std::string_view state);

/// What is wrong with an endpoint, or nothing.
std::string wrong_with(const AuthEndpoint& endpoint);
/// Whether this is a request field that a flow may judge: lower case, and none
/// that the host itself reads.
bool is_credential_field(std::string_view name) noexcept;

}  // namespace acp::plugins
