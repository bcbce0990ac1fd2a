// agent-identity: a token for an agent, asked for by a client that may act as it.
#pragma once

#include <string>
#include <vector>

#include "settings.h"

namespace acp::agent_identity {

class Flow final : public sdk::AuthFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config);

    std::vector<sdk::AuthEndpoint> endpoints() const override;
    sdk::Decision handle(const sdk::Call& call, const sdk::AuthRequest& request) override;

private:
    sdk::Decision own(const sdk::AuthRequest& request, const Agent& agent, const std::string& target,
                      std::vector<std::string> scopes) const;
    sdk::Decision from_blueprint(const sdk::Call& call, const sdk::AuthRequest& request, const Agent& agent,
                                 const std::string& target) const;
    std::string exchange(const sdk::Call& call, const Agent& agent, const std::string& resource) const;

    const sdk::Host host_;
    const sdk::HostIdentity identity_;
    const Settings settings_;
};

}  // namespace acp::agent_identity
