// conformance: an instance of acp.auth_flow/1 on the bench.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "alphaswarm-cp/conformance/auth_flow_client.hpp"
#include "bench.h"

namespace acp::conformance {

/// Longest that a step may take where it is no matter of the check.
inline constexpr std::chrono::milliseconds kStepLimit{5000};

/// What no message, page or audit row may repeat.
inline constexpr const char* kSecretMark = "conformance-SECRET-mark";

/// Who and what comes with a request.
enum class Caller {
    nobody,   ///< neither client nor session nor parameters
    garbage,  ///< the same, and parameters that make no sense
    known,    ///< what the endpoint's flags promise, and parameters by the names of the RFCs
};

class FlowInstance {
public:
    explicit FlowInstance(Bench& bench);

    AuthFlowClient& client() noexcept { return client_; }
    const std::vector<sdk::AuthEndpoint>& endpoints() const noexcept { return endpoints_; }
    const std::vector<std::string>& fields() const noexcept { return fields_; }

    static sdk::AuthRequest request(const sdk::AuthEndpoint& endpoint, Caller caller);
    static sdk::AuthSession session();
    /// For `authenticate`: `value` in every credential field.
    sdk::AuthRequest credentials(const std::string& value) const;

    /// Every step that there is, with every kind of caller, one after the other.
    void each_step(const std::function<void(const Step&)>& judge);

private:
    AuthFlowClient client_;
    std::vector<sdk::AuthEndpoint> endpoints_;
    std::vector<std::string> fields_;
};

}  // namespace acp::conformance
