// m2m: the client credentials grant (RFC 6749 section 4.4), with tokens of this
// server's own or of an upstream.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "settings.h"

namespace acp::m2m {

class Flow final : public sdk::AuthFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config);

    std::vector<sdk::AuthEndpoint> endpoints() const override;
    sdk::Decision handle(const sdk::Call& call, const sdk::AuthRequest& request) override;

private:
    sdk::Decision own(const sdk::AuthRequest& request, const flow::Json& client, const std::string& audience,
                      std::vector<std::string> scopes) const;
    sdk::Decision brokered(const sdk::Call& call, const flow::Json& client, const Upstream& upstream,
                           std::vector<std::string> scopes) const;
    std::string fetch(const sdk::Call& call, const Upstream& upstream, const std::vector<std::string>& scopes) const;

    const sdk::Host host_;
    const sdk::HostIdentity identity_;
    const std::map<std::string, Upstream> upstreams_;
};

}  // namespace acp::m2m
