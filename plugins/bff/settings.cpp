#include "settings.h"

#include <algorithm>

namespace acp::bff {

const std::string& config_schema() {
    static const std::string schema = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["providers", "redirect_uri"],
  "properties": {
    "default_provider": {"description": "Id of the provider of a login that names none; by default the first.", "type": "string", "maxLength": 64},
    "redirect_uri": {"description": "Address of /auth/callback as browsers reach it; registered at every provider.", "type": "string", "minLength": 1, "maxLength": 1024},
    "post_logout_redirect_uri": {"description": "Where providers send a browser after the logout, such as the address of /auth/logout/done.", "type": "string", "minLength": 1, "maxLength": 1024},
    "providers": )" + std::string(oidc::kProvidersSchema) + "}}";
    return schema;
}

Settings read_settings(const std::string& config_json) {
    const flow::Json config = flow::object_of(config_json, "config");
    flow::only(config, {"default_provider", "redirect_uri", "post_logout_redirect_uri", "providers"}, "config");
    Settings out;
    out.providers = oidc::read_providers(config);
    out.redirect_uri = oidc::read_own_url(config, "redirect_uri");
    if (config.contains("post_logout_redirect_uri")) out.post_logout_redirect_uri = oidc::read_own_url(config, "post_logout_redirect_uri");
    out.default_provider = config.contains("default_provider") ? flow::text(config, "default_provider") : out.providers.front().id;
    const bool known = std::any_of(out.providers.begin(), out.providers.end(), [&](const auto& one) { return one.id == out.default_provider; });
    if (!known) throw sdk::Failure(ACP_E_INVALID, "/default_provider is the id of no provider");
    return out;
}

}  // namespace acp::bff
