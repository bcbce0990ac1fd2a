/* acp.exec/1: run a command inside a workload. */
#ifndef ALPHASWARM_CP_EXT_EXEC_H
#define ALPHASWARM_CP_EXT_EXEC_H

#include "alphaswarm-cp/plugin.h"
#include "alphaswarm-cp/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_EXEC "acp.exec/1"

typedef struct acp_exec_request {
    uint32_t struct_size;
    int32_t tty;                /* 1: a terminal; STDERR is then merged into STDOUT */
    const acp_str* argv;        /* at least one; never given to a shell */
    size_t argv_count;
    int32_t want_stdin;         /* 1: STDIN data and its half-close will follow */
    uint32_t reserved;
    acp_str replica;            /* empty: the first ready one */
} acp_exec_request;

/* acp.exec/1; `self` is an acp.provider/1 instance. */
typedef struct acp_exec {
    uint32_t struct_size;
    uint32_t reserved;

    /* Starts the command; output goes to STDOUT and STDERR, and just before
     * `finish` one JSON document to STATUS, in the form of a Kubernetes Status:
     * {"status":"Success"} or {"status":"Failure","reason":"NonZeroExitCode",
     * "details":{"causes":[{"reason":"ExitCode","message":"3"}]}}. A command
     * that cannot be started is a failed call, not a stream. The command is
     * killed when the stream closes. Stream reference as in acp.logs/1.
     * [any-thread] [may-block: on the pool for streams] since 1.0 */
    acp_status (*open)(void* self, const acp_call* call, acp_str id,
                       const acp_exec_request* request, acp_stream* stream, acp_error* error);
} acp_exec;

#ifdef __cplusplus
}
#endif
#endif
