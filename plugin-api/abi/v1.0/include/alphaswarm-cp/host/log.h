/* acp.host.log/1: structured logging outside of a call. */
#ifndef ALPHASWARM_CP_HOST_LOG_H
#define ALPHASWARM_CP_HOST_LOG_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_LOG "acp.host.log/1"

typedef struct acp_host_log {
    uint32_t struct_size;
    uint32_t reserved;

    /* `source` names the plugin or instance; the host redacts by value shape
     * and by field name. [any-thread] [must-not-block] since 1.0 */
    void (*write)(int32_t level, acp_str source, acp_str message, const acp_pair* fields,
                  size_t fields_count);
    /* 1 when a message of this level would be written.
     * [any-thread] [must-not-block] since 1.0 */
    int32_t (*enabled)(int32_t level);
} acp_host_log;

#ifdef __cplusplus
}
#endif
#endif
