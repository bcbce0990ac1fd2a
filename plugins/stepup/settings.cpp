#include "settings.h"

namespace acp::stepup {

namespace {

constexpr std::int64_t kMaxAgeSeconds = 180;  // RFC 9470 challenges of this server name this

}  // namespace

const std::string& config_schema() {
    static const std::string schema = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["providers", "redirect_uri"],
  "properties": {
    "redirect_uri": {"description": "Address of /auth/stepup/callback as browsers reach it; registered at every provider.", "type": "string", "minLength": 1, "maxLength": 1024},
    "acr": {"description": "This server's word for what is asked for; every provider has a value for it in acr_values.", "type": "string", "minLength": 1, "maxLength": 64, "default": "high"},
    "max_age_s": {"description": "Seconds that the proof may be old when it arrives.", "type": "integer", "minimum": 30, "maximum": 180, "default": 180},
    "providers": )" + std::string(oidc::kProvidersSchema) + "}}";
    return schema;
}

Settings read_settings(const std::string& config_json) {
    const flow::Json config = flow::object_of(config_json, "config");
    flow::only(config, {"redirect_uri", "acr", "max_age_s", "providers"}, "config");
    Settings out;
    out.providers = oidc::read_providers(config);
    out.redirect_uri = oidc::read_own_url(config, "redirect_uri");
    if (config.contains("acr")) out.acr = flow::text(config, "acr");
    out.max_age_s = flow::integer(config, "max_age_s", kMaxAgeSeconds);
    if (out.acr.empty()) throw sdk::Failure(ACP_E_INVALID, "/acr is no word");
    if (out.max_age_s < 30 || out.max_age_s > kMaxAgeSeconds) throw sdk::Failure(ACP_E_INVALID, "/max_age_s must be from 30 to 180");
    for (const oidc::Provider& provider : out.providers)
        if (provider.acr_value(out.acr).empty())
            throw sdk::Failure(ACP_E_INVALID, "/providers: " + provider.id + " has no value for /acr in acr_values");
    return out;
}

}  // namespace acp::stepup
