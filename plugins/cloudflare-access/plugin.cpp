// cloudflare-access: Cf-Access-Jwt-Assertion, by the keys of the team.
#include "flow/front.h"
#include "flow/token_endpoint.h"

namespace acp::cloudflare_access {

namespace {

constexpr std::string_view kConfigSchema = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["team_url", "audience"],
  "properties": {
    "team_url": {"description": "The team's address: https://<team>.cloudflareaccess.com. It is the iss of assertions, and its keys are below it.", "type": "string", "minLength": 1, "maxLength": 512},
    "audience": {"description": "The application's AUD tag.", "type": "string", "minLength": 1, "maxLength": 512},
    "ca_file": {"description": "PEM file of the authorities that are trusted for team_url instead of the system's.", "type": "string", "maxLength": 4096},
    "organization_id": {"description": "Organisation of everybody who comes this way; without it, by the host's links.", "type": "string", "maxLength": 128}
  }
})";

flow::Front read(const std::string& config_json) {
    const flow::Json config = flow::object_of(config_json, "config");
    flow::only(config, {"team_url", "audience", "ca_file", "organization_id"}, "config");
    flow::Front out = flow::front_of(config, "cf-access-jwt-assertion");
    out.issuer = flow::checked_url(flow::text(config, "team_url"), "/team_url");
    out.jwks_url = out.issuer + "/cdn-cgi/access/certs";
    return out;
}

class Flow final : public flow::FrontFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config) : FrontFlow(host, read(config.config_json)) {}

protected:
    std::optional<Who> who(const flow::Json& claims) const override {
        // "org" is the team's own login token: good for every application, so for none here.
        if (flow::text(claims, "type") != "app") return std::nullopt;
        if (const std::string person = flow::text(claims, "sub"); !person.empty()) return Who{person};
        // A service token has its client id for a name.
        return Who{flow::text(claims, "common_name"), "service"};
    }
};

}  // namespace

}  // namespace acp::cloudflare_access

extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {
    static const acp_plugin_entry entry = acp::sdk::make_entry<acp::sdk::AuthFlowTables<acp::cloudflare_access::Flow>>(
        ACP_STR_LITERAL("acp.cloudflare-access"), ACP_STR_LITERAL("0.1.0"), ACP_STR_LITERAL("alphaswarm"),
        acp::sdk::str(acp::cloudflare_access::kConfigSchema), acp_str{nullptr, 0});
    return &entry;
}
