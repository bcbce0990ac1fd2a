/* alphaswarm-cp plugin API: the context that accompanies every call. */
#ifndef ALPHASWARM_CP_CALL_H
#define ALPHASWARM_CP_CALL_H

#include "alphaswarm-cp/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    ACP_LOG_TRACE = 0,
    ACP_LOG_DEBUG = 1,
    ACP_LOG_INFO = 2,
    ACP_LOG_WARN = 3,
    ACP_LOG_ERROR = 4
};

/* Who asks, until when, and on whose behalf. Owned by the host, valid until
 * the plugin function returns (a function that goes on in the background
 * after it returned keeps its acp_stream, never the call). */
typedef struct acp_call {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;                     /* the host's; pass the call itself back */
    int64_t deadline_mono_ns;      /* CLOCK_MONOTONIC, nanoseconds; 0: none */
    acp_str request_id;
    acp_str traceparent;           /* W3C Trace Context, may be empty */
    acp_str principal;             /* verified subject, never a raw header */
    acp_str tenant;                /* organisation id, may be empty */
    acp_str run_uid;               /* ledger row of this action, empty on reads */

    /* 1 once the caller has gone or the action was cancelled. Poll it in every
     * loop that can last longer than 100 ms. [any-thread] [must-not-block]
     * since 1.0 */
    int32_t (*cancelled)(const struct acp_call* call);

    /* Logs with the request's ids attached; the host redacts.
     * [any-thread] [must-not-block] since 1.0 */
    void (*log)(const struct acp_call* call, int32_t level, acp_str message);
} acp_call;

#ifdef __cplusplus
}
#endif
#endif
