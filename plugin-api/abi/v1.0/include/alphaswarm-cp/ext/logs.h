/* acp.logs/1: log lines of a workload, as a stream. */
#ifndef ALPHASWARM_CP_EXT_LOGS_H
#define ALPHASWARM_CP_EXT_LOGS_H

#include "alphaswarm-cp/plugin.h"
#include "alphaswarm-cp/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_LOGS "acp.logs/1"

typedef struct acp_log_query {
    uint32_t struct_size;
    int32_t follow;             /* 1: go on until the stream closes */
    int64_t tail_lines;         /* -1: all; 0: none of the past */
    int64_t since_unix_ns;      /* 0: no bound; lines strictly after it otherwise */
    acp_str replica;            /* empty: all of them */
} acp_log_query;

/* acp.logs/1; `self` is an acp.provider/1 instance. */
typedef struct acp_logs {
    uint32_t struct_size;
    uint32_t reserved;

    /* Writes lines to `stream`: one write per line, on STDOUT or STDERR, in
     * the form `<RFC3339 with nanoseconds, UTC> <replica> <text>\n`, ordered by
     * time within a replica. Fails before the first write with a status, or
     * returns ACP_OK and ends by `finish`, from this thread or another, later.
     * Takes over one reference of the stream only when it returns ACP_OK.
     * [any-thread] [may-block: on the pool for streams] since 1.0 */
    acp_status (*open)(void* self, const acp_call* call, acp_str id, const acp_log_query* query,
                       acp_stream* stream, acp_error* error);
} acp_logs;

#ifdef __cplusplus
}
#endif
#endif
