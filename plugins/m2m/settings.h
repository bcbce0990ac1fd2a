// m2m: the instance's configuration.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flow/token_endpoint.h"

namespace acp::m2m {

/// JSON Schema of the plugin entry.
extern const std::string_view kConfigSchema;

enum class Kind { entra, auth0, oidc };

/// An audience whose tokens somebody else issues.
struct Upstream {
    Kind kind = Kind::oidc;
    std::string audience;
    flow::TokenEndpoint endpoint;
    std::vector<std::string> scopes;  ///< that may be asked for there; none: only what needs no name
};

/// By audience. Throws sdk::Failure, ACP_E_INVALID, without a value of the configuration.
std::map<std::string, Upstream> read_upstreams(const std::string& config_json);

}  // namespace acp::m2m
