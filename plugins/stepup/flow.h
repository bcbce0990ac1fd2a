// stepup: a session's owner proves themself again, by something stronger (RFC 9470).
#pragma once

#include <string>
#include <vector>

#include "oidc/relying_party.h"
#include "settings.h"

namespace acp::stepup {

class Flow final : public sdk::AuthFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config) : Flow(host, read_settings(config.config_json)) {}

    std::vector<sdk::AuthEndpoint> endpoints() const override;
    sdk::Decision handle(const sdk::Call& call, const sdk::AuthRequest& request) override;
    sdk::Decision renew(const sdk::Call& call, const sdk::AuthSession& session) override { return party_.renew(call, session); }
    void ended(const sdk::Call& call, const sdk::AuthSession& session) override { party_.revoke(call, session); }

private:
    Flow(const sdk::Host& host, Settings settings);
    sdk::Decision ask(const sdk::Call& call, const sdk::AuthRequest& request);
    sdk::Decision callback(const sdk::Call& call, const sdk::AuthRequest& request);

    const std::string acr_;
    const std::int64_t max_age_s_;
    oidc::RelyingParty party_;
};

}  // namespace acp::stepup
