// pomerium: X-Pomerium-Jwt-Assertion, by the keys that Pomerium publishes.
#include "flow/front.h"
#include "flow/token_endpoint.h"

namespace acp::pomerium {

namespace {

constexpr std::string_view kConfigSchema = R"({
  "type": "object",
  "additionalProperties": false,
  "required": ["issuer", "audience", "jwks_url"],
  "properties": {
    "issuer": {"description": "The iss of assertions: the route's host name, or what jwt_issuer_format makes of it.", "type": "string", "minLength": 1, "maxLength": 512},
    "audience": {"description": "In the aud of assertions: the route's host name.", "type": "string", "minLength": 1, "maxLength": 512},
    "jwks_url": {"description": "Where Pomerium publishes its keys: https://.../.well-known/pomerium/jwks.json.", "type": "string", "minLength": 1, "maxLength": 1024},
    "ca_file": {"description": "PEM file of the authorities that are trusted for jwks_url instead of the system's.", "type": "string", "maxLength": 4096},
    "organization_id": {"description": "Organisation of everybody who comes this way; without it, by the host's links.", "type": "string", "maxLength": 128}
  }
})";

flow::Front read(const std::string& config_json) {
    const flow::Json config = flow::object_of(config_json, "config");
    flow::only(config, {"issuer", "audience", "jwks_url", "ca_file", "organization_id"}, "config");
    flow::Front out = flow::front_of(config, "x-pomerium-jwt-assertion");
    out.issuer = flow::text(config, "issuer");
    if (out.issuer.empty()) throw sdk::Failure(ACP_E_INVALID, "/issuer is needed");
    out.jwks_url = flow::checked_url(flow::text(config, "jwks_url"), "/jwks_url");
    return out;
}

class Flow final : public flow::FrontFlow {
public:
    Flow(const sdk::Host& host, const sdk::InstanceConfig& config) : FrontFlow(host, read(config.config_json)) {}

protected:
    std::optional<Who> who(const flow::Json& claims) const override { return Who{flow::text(claims, "sub")}; }
};

}  // namespace

}  // namespace acp::pomerium

extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {
    static const acp_plugin_entry entry = acp::sdk::make_entry<acp::sdk::AuthFlowTables<acp::pomerium::Flow>>(
        ACP_STR_LITERAL("acp.pomerium"), ACP_STR_LITERAL("0.1.0"), ACP_STR_LITERAL("alphaswarm"),
        acp::sdk::str(acp::pomerium::kConfigSchema), acp_str{nullptr, 0});
    return &entry;
}
