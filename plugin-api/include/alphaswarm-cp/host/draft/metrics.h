/* acp.host.metrics/1: counters, gauges and histograms that the host keeps.
 *
 * `host` is the pointer that `create` got; plugin and instance labels are added
 * by it. Names as in acp.metrics/1.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_HOST_DRAFT_METRICS_H
#define ALPHASWARM_CP_HOST_DRAFT_METRICS_H

#include "alphaswarm-cp/plugin.h"
#include "alphaswarm-cp/ext/draft/metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_METRICS "acp.host.metrics/1"

/* One series of a family. Host-owned, valid for the life of the process. */
typedef struct acp_metric acp_metric;

typedef struct acp_host_metrics {
    uint32_t struct_size;
    uint32_t reserved;

    /* The series of these labels; the same call gives the same series. Bounds
     * are ascending upper bounds of a histogram, without infinity. NULL when
     * name, type or labels do not fit, or the cap on series is reached.
     * [any-thread] [must-not-block] since draft */
    acp_metric* (*series)(const acp_host* host, const acp_metric_family* family,
                          const acp_pair* labels, size_t labels_count, const double* bounds,
                          size_t bounds_count);

    /* Counter: `value` >= 0; gauge: any. NULL is ignored.
     * [any-thread] [must-not-block] since draft */
    void (*add)(acp_metric* metric, double value);
    /* Gauge only. [any-thread] [must-not-block] since draft */
    void (*set)(acp_metric* metric, double value);
    /* Histogram only. [any-thread] [must-not-block] since draft */
    void (*observe)(acp_metric* metric, double value);
} acp_host_metrics;

#ifdef __cplusplus
}
#endif
#endif
