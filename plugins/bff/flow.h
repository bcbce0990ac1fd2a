// bff: a browser logs in at an identity provider; the tokens stay with this server.
#pragma once

#include <string>
#include <vector>

#include "oidc/relying_party.h"
#include "settings.h"

namespace acp::bff {

class Flow final : public sdk::AuthFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config) : Flow(host, read_settings(config.config_json)) {}

    std::vector<sdk::AuthEndpoint> endpoints() const override;
    sdk::Decision handle(const sdk::Call& call, const sdk::AuthRequest& request) override;
    sdk::Decision renew(const sdk::Call& call, const sdk::AuthSession& session) override { return party_.renew(call, session); }
    void ended(const sdk::Call& call, const sdk::AuthSession& session) override { party_.revoke(call, session); }

private:
    Flow(const sdk::Host& host, Settings settings);
    sdk::Decision login(const sdk::Call& call, const sdk::AuthRequest& request);
    sdk::Decision callback(const sdk::Call& call, const sdk::AuthRequest& request);
    sdk::Decision logout(const sdk::Call& call, const sdk::AuthRequest& request);
    sdk::Decision backchannel_logout(const sdk::Call& call, const sdk::AuthRequest& request);

    const std::string default_provider_, post_logout_redirect_uri_;
    oidc::RelyingParty party_;
};

}  // namespace acp::bff
