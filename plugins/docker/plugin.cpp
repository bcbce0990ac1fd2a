// docker: the entry of the plugin.
#include <cstring>

#include "provider.h"
#include "settings.h"

namespace {

acp_str borrow(const char* text) noexcept {
    return {text, std::strlen(text)};
}

}  // namespace

extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {
    using Tables = acp::sdk::ProviderTables<acp::docker::DockerProvider>;
    static const acp_plugin_entry entry = acp::sdk::make_entry<Tables>(
        ACP_STR_LITERAL("acp.docker"), ACP_STR_LITERAL("0.1.0"), ACP_STR_LITERAL("alphaswarm-cp"),
        borrow(acp::docker::kConfigSchema), borrow(acp::docker::kResourceSchema));
    return &entry;
}
