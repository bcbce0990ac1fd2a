// oidc: an identity provider as the configuration has it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flow/token_endpoint.h"

namespace acp::oidc {

enum class Kind { oidc, entra, auth0 };
enum class UsePar { automatic, always, never };

struct Provider {
    std::string id;
    std::string issuer;  ///< byte for byte what tokens say
    Kind kind = Kind::oidc;
    flow::Credentials credentials;
    bool method_given = false;  ///< how the secret is sent was configured; else by kind and metadata
    std::string scopes = "openid profile email";
    std::string audience;
    std::map<std::string, std::string> acr_values;  ///< this house's word -> the provider's
    UsePar use_par = UsePar::automatic;
    std::string ca_file;
    std::vector<std::string> other_origins;  ///< besides the issuer's, where its endpoints may be

    /// The provider's words for the class of authentication `word`; empty: not configured.
    std::string acr_value(const std::string& word) const;
    /// Whether verified claims say that `word` was reached. Entra tells it in `acrs`, Auth0
    /// tells its multi-factor policy in `amr`.
    bool reached(const flow::Json& claims, const std::string& word) const;
    /// What claims reached: "high" before others; empty: nothing that is configured. A word of
    /// the provider's that looks like one of this house's means nothing by itself.
    std::string acr_of(const flow::Json& claims) const;
};

/// JSON Schema of the setting `providers`.
extern const std::string_view kProvidersSchema;

/// The setting `providers` of a configuration: at least one, no id or issuer twice. Throws
/// sdk::Failure, ACP_E_INVALID, that names the setting and no value.
std::vector<Provider> read_providers(const flow::Json& config);

/// The setting `name`, an address of this server that a browser is sent to.
std::string read_own_url(const flow::Json& config, const char* name);

}  // namespace acp::oidc
