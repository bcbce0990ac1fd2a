// agent-identity: the plugin's entry.
#include "flow.h"
#include "settings.h"

extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {
    static const acp_plugin_entry entry = acp::sdk::make_entry<acp::sdk::AuthFlowTables<acp::agent_identity::Flow>>(
        ACP_STR_LITERAL("acp.agent-identity"), ACP_STR_LITERAL("0.1.0"), ACP_STR_LITERAL("alphaswarm"),
        acp::sdk::str(acp::agent_identity::kConfigSchema), acp_str{nullptr, 0});
    return &entry;
}
