/* acp.health/1: can this instance reach what it needs? */
#ifndef ALPHASWARM_CP_EXT_HEALTH_H
#define ALPHASWARM_CP_EXT_HEALTH_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HEALTH "acp.health/1"

enum { ACP_HEALTH_UP = 0, ACP_HEALTH_DEGRADED = 1, ACP_HEALTH_DOWN = 2 };

typedef struct acp_health_report {
    uint32_t struct_size;
    int32_t state;              /* ACP_HEALTH_* */
    acp_str message;            /* what is wrong and where; empty when up */
    acp_str details_json;       /* e.g. {"engine":"20.10.24","api":"1.41"} or empty */
} acp_health_report;

typedef struct acp_health_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call that got the sink [must-not-block] since 1.0 */
    void (*emit)(void* ctx, const acp_health_report* report);
} acp_health_sink;

/* acp.health/1; `self` is the instance of the interface it accompanies. */
typedef struct acp_health {
    uint32_t struct_size;
    uint32_t reserved;

    /* Emits exactly one report. An unreachable backend is a report with
     * ACP_HEALTH_DOWN, not a failed call. [any-thread] [may-block] since 1.0 */
    acp_status (*check)(void* self, const acp_call* call, const acp_health_sink* out,
                        acp_error* error);
} acp_health;

#ifdef __cplusplus
}
#endif
#endif
