/* acp.host.scheduler/1: work at a time or now, on the host's bounded pool.
 *
 * `host` is the pointer that `create` got. All jobs of an instance have ended
 * before its `destroy` is called.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_HOST_DRAFT_SCHEDULER_H
#define ALPHASWARM_CP_HOST_DRAFT_SCHEDULER_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_SCHEDULER "acp.host.scheduler/1"

/* A job. `call` is cancelled by `cancel`, at shutdown and at the job's time
 * limit. Never twice at once for one job. [any-thread] [may-block] since draft */
typedef void (*acp_job_fn)(void* ctx, const acp_call* call);

/* Owned by the host; given back by `cancel`, which every job needs once. */
typedef struct acp_job acp_job;

typedef struct acp_job_spec {
    uint32_t struct_size;
    int32_t once_per_fleet;    /* 1: on the replica that holds the instance's lease only */
    acp_str name;              /* for metrics and logs */
    int64_t first_ms;          /* from now; 0: at once */
    int64_t every_ms;          /* from end to start; 0: once */
    int64_t jitter_ms;         /* up to this much later, at random */
    int64_t limit_ms;          /* of one run; 0: 60 s */
    acp_job_fn run;
    void* ctx;
} acp_job_spec;

typedef struct acp_host_scheduler {
    uint32_t struct_size;
    uint32_t reserved;

    /* ACP_E_EXHAUSTED when the instance has too many jobs.
     * [any-thread] [must-not-block] since draft */
    acp_status (*schedule)(const acp_host* host, const acp_job_spec* spec, acp_job** job,
                           acp_error* error);
    /* Runs it as soon as it can, besides its times.
     * [any-thread] [must-not-block] since draft */
    void (*trigger)(acp_job* job);
    /* Waits for a run to end, unless called from it; frees the job.
     * [any-thread] [may-block] since draft */
    void (*cancel)(acp_job* job);
} acp_host_scheduler;

#ifdef __cplusplus
}
#endif
#endif
