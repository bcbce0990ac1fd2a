// bff: the instance's configuration.
#pragma once

#include <string>
#include <vector>

#include "oidc/provider.h"

namespace acp::bff {

/// JSON Schema of the plugin entry; lives as long as the process.
const std::string& config_schema();

struct Settings {
    std::vector<oidc::Provider> providers;
    std::string default_provider;          ///< id
    std::string redirect_uri;              ///< of /auth/callback
    std::string post_logout_redirect_uri;  ///< where a provider sends the browser back; empty: nowhere
};

/// Throws sdk::Failure, ACP_E_INVALID, without a value of the configuration.
Settings read_settings(const std::string& config_json);

}  // namespace acp::bff
