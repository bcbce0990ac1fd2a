/* acp.host.config/1: an instance's configuration after its creation.
 *
 * `host` is the pointer that `create` got. An instance that does not subscribe
 * is made anew when its configuration changes.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_HOST_DRAFT_CONFIG_H
#define ALPHASWARM_CP_HOST_DRAFT_CONFIG_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_CONFIG "acp.host.config/1"

/* Judges and takes a new configuration, valid by the plugin's schema. The
 * host first calls all subscribers with `apply` 0; only when every one returned
 * ACP_OK it calls them with 1, which must not fail. Otherwise the old
 * configuration stays everywhere. [instance-serial] [may-block] since draft */
typedef acp_status (*acp_config_changed_fn)(void* ctx, acp_str config_json, int32_t apply,
                                            acp_error* error);

typedef struct acp_host_config {
    uint32_t struct_size;
    uint32_t reserved;

    /* Emits the instance's `config` object as it is now, references to secrets
     * unresolved. [any-thread] [must-not-block] since draft */
    acp_status (*current)(const acp_host* host, const acp_text_sink* out, acp_error* error);

    /* At most once per instance, until destroy. ACP_E_CONFLICT the second time.
     * [any-thread] [must-not-block] since draft */
    acp_status (*subscribe)(const acp_host* host, acp_config_changed_fn changed, void* ctx,
                            acp_error* error);
} acp_host_config;

#ifdef __cplusplus
}
#endif
#endif
