/* acp.host.secrets/1: secret values by reference, from the configured stores.
 *
 * `host` is the pointer that `create` got: an instance reads only references
 * that its own configuration, or the call it serves, names.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_HOST_DRAFT_SECRETS_H
#define ALPHASWARM_CP_HOST_DRAFT_SECRETS_H

#include "alphaswarm-cp/plugin.h"
#include "alphaswarm-cp/ext/draft/secrets.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_SECRETS "acp.host.secrets/1"

/* Ends a subscription. */
typedef struct acp_secret_watch acp_secret_watch;

/* Another version became current, or the value is gone. Read it again from
 * another thread. [any-thread, never two at once for one watch] [must-not-block]
 * since draft */
typedef void (*acp_secret_changed_fn)(void* ctx);

typedef struct acp_host_secrets {
    uint32_t struct_size;
    uint32_t reserved;

    /* Emits exactly one value for "secretref://store/path#key@version"; a
     * store of "-" asks all in order. The bytes are wiped after emit returns.
     * ACP_E_INVALID (malformed), ACP_E_DENIED (not named for this instance),
     * ACP_E_NOT_FOUND, ACP_E_UNAVAILABLE. [any-thread] [may-block] since draft */
    acp_status (*resolve)(const acp_host* host, const acp_call* call, acp_str reference,
                          const acp_secret_sink* out, acp_error* error);

    /* Stores a value; the reference must name a store, and the operator must
     * have granted writing there. Emits the description, without bytes.
     * [any-thread] [may-block] since draft */
    acp_status (*write)(const acp_host* host, const acp_call* call, acp_str reference,
                        const acp_secret_write* write, const acp_secret_sink* out,
                        acp_error* error);

    /* Tells of changes until `unwatch`. Stores without notification are polled
     * by the host. [any-thread] [must-not-block] since draft */
    acp_status (*watch)(const acp_host* host, acp_str reference, acp_secret_changed_fn changed,
                        void* ctx, acp_secret_watch** watch, acp_error* error);
    /* Returns when no callback of it runs or will run. Not from the callback.
     * [any-thread] [may-block] since draft */
    void (*unwatch)(acp_secret_watch* watch);
} acp_host_secrets;

#ifdef __cplusplus
}
#endif
#endif
