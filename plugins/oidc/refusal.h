// oidc: "no" on its way to the decision of a step.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "alphaswarm-cp/sdk/auth_flow.hpp"
#include "flow/json.h"

namespace acp::oidc {

/// Thrown for what is refused. `description` is shown to a person, so it is the house's own
/// words; `reason` is for the audit and holds no secret either.
class Refused : public std::exception {
public:
    Refused(std::string code, std::int32_t http_status, std::string description, std::string reason = {})
        : code_(std::move(code)), description_(std::move(description)), reason_(std::move(reason)), http_status_(http_status) {}
    const char* what() const noexcept override { return description_.c_str(); }
    const std::string& reason() const noexcept { return reason_.empty() ? description_ : reason_; }

    /// Names the provider whose answer it was.
    void by(const std::string& provider_id) { provider_ = provider_id; }

    sdk::Decision decision() const {
        flow::Json audit = {{"reason", reason()}};
        if (!provider_.empty()) audit["provider"] = provider_;
        return sdk::Decision::refuse(code_, description_).http_status(http_status_).audit(audit.dump());
    }

private:
    std::string code_, description_, reason_, provider_;
    std::int32_t http_status_;
};

/// A login that came to nothing; `reason` says why, to the audit.
[[noreturn]] inline void not_believed(std::string reason) {
    throw Refused("access_denied", 403, "the identity provider's answer was refused: log in again", std::move(reason));
}

}  // namespace acp::oidc
