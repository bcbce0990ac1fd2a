// flow: an access proxy in front of the server, which says who calls by a signed
// assertion in a request field. Only the signature counts; whatever else a proxy,
// or somebody who goes around it, writes into fields says nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/auth_flow.hpp"
#include "flow/json.h"

namespace acp::flow {

struct Front {
    std::string field;     ///< lower case
    std::string issuer;    ///< `iss`, exactly
    std::string audience;  ///< in `aud`
    std::string jwks_url;
    std::string ca_file;   ///< for it; empty: the system's trust
    std::string organization_id;
};

class FrontFlow : public sdk::AuthFlow {
public:
    FrontFlow(const sdk::Host& host, Front front) : identity_(host), front_(std::move(front)) {}

    std::vector<std::string> credential_fields() const override { return {front_.field}; }
    sdk::Decision authenticate(const sdk::Call& call, const sdk::AuthRequest& request) override;

protected:
    struct Who {
        std::string subject;
        std::string actor_kind = "user";
    };
    /// Of verified claims; nullopt: the assertion is none for this use.
    virtual std::optional<Who> who(const Json& claims) const = 0;

private:
    const sdk::HostIdentity identity_;
    const Front front_;
};

/// The members that both proxies' configurations have: audience, ca_file, organization_id.
Front front_of(const Json& config, std::string field);

}  // namespace acp::flow
