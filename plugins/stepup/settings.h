// stepup: the instance's configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oidc/provider.h"

namespace acp::stepup {

/// JSON Schema of the plugin entry; lives as long as the process.
const std::string& config_schema();

struct Settings {
    std::vector<oidc::Provider> providers;  ///< each with a value for `acr`
    std::string redirect_uri;               ///< of /auth/stepup/callback
    std::string acr = "high";               ///< this house's word that is asked for
    std::int64_t max_age_s = 180;           ///< how long ago the proof may have been
};

/// Throws sdk::Failure, ACP_E_INVALID, without a value of the configuration.
Settings read_settings(const std::string& config_json);

}  // namespace acp::stepup
