// local: the plugin's entry.
#include "provider.h"
#include "settings.h"

extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {
    static const acp_plugin_entry entry = acp::sdk::make_entry<acp::sdk::ProviderTables<acp::local::LocalProvider>>(
        ACP_STR_LITERAL("acp.local"), ACP_STR_LITERAL("0.1.0"), ACP_STR_LITERAL("alphaswarm"),
        acp::sdk::str(acp::local::kConfigSchema), acp::sdk::str(acp::local::kResourceSchema));
    return &entry;
}
