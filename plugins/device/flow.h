// device: the device authorization grant (RFC 8628).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/auth_flow.hpp"
#include "record.h"
#include "settings.h"

namespace acp::device {

class Flow final : public sdk::AuthFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config);

    std::vector<sdk::AuthEndpoint> endpoints() const override;
    sdk::Decision handle(const sdk::Call& call, const sdk::AuthRequest& request) override;

private:
    sdk::Decision start(const sdk::Call& call, const sdk::AuthRequest& request) const;
    sdk::Decision decide(const sdk::Call& call, const sdk::AuthRequest& request) const;
    sdk::Decision conclude(const sdk::Call& call, const sdk::AuthRequest& request, const std::string& user_code,
                           const std::string& device_code, bool approved) const;
    sdk::Decision poll(const sdk::Call& call, const sdk::AuthRequest& request) const;
    sdk::Decision pending(const sdk::Call& call, const std::string& device_code, Record record, std::uint64_t version) const;
    sdk::Decision finish(const sdk::Call& call, const sdk::AuthRequest& request, const std::string& device_code) const;
    std::int64_t now_ms() const;

    const sdk::Host host_;
    const sdk::HostIdentity identity_;
    const Settings settings_;
};

}  // namespace acp::device
