/* acp.metrics/1: numbers that a plugin shows when the host is scraped.
 *
 * Accompanies another interface of the same plugin. What changes often and
 * has no place of its own is simpler with acp.host.metrics/1.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_EXT_DRAFT_METRICS_H
#define ALPHASWARM_CP_EXT_DRAFT_METRICS_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_METRICS "acp.metrics/1"

enum { ACP_METRIC_COUNTER = 0, ACP_METRIC_GAUGE = 1, ACP_METRIC_HISTOGRAM = 2 };

typedef struct acp_metric_family {
    uint32_t struct_size;
    int32_t type;             /* ACP_METRIC_* */
    acp_str name;             /* [a-z][a-z0-9_]*, base unit last; the host puts
                                 acp_plugin_ before it and adds plugin and instance labels */
    acp_str help;
} acp_metric_family;

typedef struct acp_metric_family_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call [must-not-block] since draft */
    void (*emit)(void* ctx, const acp_metric_family* family);
} acp_metric_family_sink;

/* One upper bound of a histogram. Frozen. */
typedef struct acp_metric_bucket {
    double upper_bound;       /* the last is +infinity */
    uint64_t count;           /* cumulative */
} acp_metric_bucket;

typedef struct acp_metric_sample {
    uint32_t struct_size;
    uint32_t family;          /* place in the order of `families`, from 0 */
    const acp_pair* labels;   /* the same names for all samples of a family */
    size_t labels_count;
    double value;             /* counter, gauge; a histogram's sum */
    const acp_metric_bucket* buckets;
    size_t buckets_count;     /* 0 unless a histogram */
} acp_metric_sample;

typedef struct acp_metric_sample_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* Samples over the host's cap are dropped and counted.
     * [any-thread] during the call [must-not-block] since draft */
    void (*emit)(void* ctx, const acp_metric_sample* sample);
} acp_metric_sample_sink;

/* acp.metrics/1; `self` is the instance of the interface it accompanies. */
typedef struct acp_metrics {
    uint32_t struct_size;
    uint32_t reserved;

    /* Constant for the life of the instance. [any-thread] [must-not-block]
     * since draft */
    acp_status (*families)(void* self, const acp_metric_family_sink* out, acp_error* error);

    /* Emits what is known now; asks no backend. On failure the host leaves this
     * instance out of the scrape and counts it. [any-thread] [must-not-block]
     * since draft */
    acp_status (*collect)(void* self, const acp_metric_sample_sink* out, acp_error* error);
} acp_metrics;

#ifdef __cplusplus
}
#endif
#endif
