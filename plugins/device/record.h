// device: what is kept of one device authorization, under its device_code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/auth_flow.hpp"

namespace acp::device {

struct Record {
    enum class Stage { pending, approved, denied };
    Stage stage = Stage::pending;
    std::string client_id, client_name;
    std::vector<std::string> scopes;
    std::string audience;            ///< empty: none asked for
    std::string address;             ///< of the device, for the person who approves
    std::int64_t expires_unix_ms = 0;
    std::int64_t interval_s = 5;
    std::int64_t polled_unix_ms = 0;  ///< 0: not yet
    sdk::AuthSession approver;        ///< once approved; without upstream tokens

    std::string json() const;
    /// Throws sdk::Failure, ACP_E_INTERNAL, for what json() never gives.
    static Record from(const std::string& json);
};

}  // namespace acp::device
