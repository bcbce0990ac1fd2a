/* acp.host.clock/1: time as the host sees it (a test host may move it). */
#ifndef ALPHASWARM_CP_HOST_CLOCK_H
#define ALPHASWARM_CP_HOST_CLOCK_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_CLOCK "acp.host.clock/1"

typedef struct acp_host_clock {
    uint32_t struct_size;
    uint32_t reserved;
    /* CLOCK_MONOTONIC and Unix time, nanoseconds. [any-thread] [must-not-block] since 1.0 */
    int64_t (*monotonic_ns)(void);
    int64_t (*unix_ns)(void);
} acp_host_clock;

#ifdef __cplusplus
}
#endif
#endif
