/* acp.operator/1: bring a cluster to what custom resources say.
 *
 * The plugin decides what should be; the host talks to the API server: watches
 * with bookmarks and 410, the lease that lets one replica act, a work queue with
 * back-off, finalizers, server-side apply, observedGeneration, Events, and the
 * pause and force-reconcile annotations. Reconciling is level-triggered: it is
 * told which object to look at, never what happened.
 *
 * One instance serves any number of kinds (AQPMonolith, AQPUI, AQPIDE, AQPAdmin,
 * AQPClient, AQPExecutor, AQPCell and AQPTenant in the shipped one).
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_EXT_DRAFT_OPERATOR_H
#define ALPHASWARM_CP_EXT_DRAFT_OPERATOR_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_OPERATOR "acp.operator/1"

/* A kind of Kubernetes object. */
typedef struct acp_operator_kind {
    uint32_t struct_size;
    int32_t reconciled;        /* 1: one of ours; 0: a kind that is owned or only read */
    acp_str group;             /* empty: core */
    acp_str version;
    acp_str kind;
    acp_str plural;
    acp_str crd_json;          /* CustomResourceDefinition of ours; empty otherwise */
    acp_str label_selector;    /* for kinds that are read; empty: all */
    int64_t resync_s;          /* look again at least this often; 0: the host's */
} acp_operator_kind;

typedef struct acp_operator_kind_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call [must-not-block] since draft */
    void (*emit)(void* ctx, const acp_operator_kind* kind);
} acp_operator_kind_sink;

/* The name of one object. */
typedef struct acp_operator_ref {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str group;
    acp_str version;
    acp_str kind;
    acp_str namespace_;       /* empty: cluster-wide */
    acp_str name;
} acp_operator_ref;

/* What is there, as the host's cache has it. The pointer is valid for the
 * call; emitted texts are borrowed for the emit. */
typedef struct acp_operator_view {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* Emits the object; ACP_E_NOT_FOUND when there is none, ACP_E_INVALID for
     * a kind that `kinds` did not name. [any-thread] during the call
     * [must-not-block] since draft */
    acp_status (*get)(void* ctx, const acp_operator_ref* ref, const acp_text_sink* object);
    /* Emits each object once, by namespace and name; the ref's name is not
     * read, its empty namespace means all. [any-thread] during the call
     * [must-not-block] since draft */
    acp_status (*list)(void* ctx, const acp_operator_ref* ref, acp_str label_selector,
                       const acp_text_sink* objects);
    /* Unix milliseconds of the last traffic to a service through the proxy;
     * 0: none seen. [any-thread] during the call [must-not-block] since draft */
    int64_t (*last_used_unix_ms)(void* ctx, acp_str service_id);
} acp_operator_view;

/* What should be. The host collects it and carries it out in this order only
 * after the call returned ACP_OK; a failed call changes nothing in the cluster
 * but the Ready condition and an Event. */
typedef struct acp_operator_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* Server-side apply of a whole object, with the host's field manager and an
     * owner reference to the one reconciled. [any-thread] during the call
     * [must-not-block] since draft */
    void (*apply)(void* ctx, acp_str object_json);
    /* Deletes an object; absent is fine. [any-thread] during the call
     * [must-not-block] since draft */
    void (*remove)(void* ctx, const acp_operator_ref* ref);
    /* Once: `status` without observedGeneration; conditions are
     * {type,status,reason,message} and keep their transition time while equal.
     * [any-thread] during the call [must-not-block] since draft */
    void (*status)(void* ctx, acp_str status_json);
    /* An Event at the object; `type` is "Normal" or "Warning". [any-thread]
     * during the call [must-not-block] since draft */
    void (*event)(void* ctx, acp_str type, acp_str reason, acp_str message);
    /* Look again after this time; the least of several counts. [any-thread]
     * during the call [must-not-block] since draft */
    void (*requeue_after_ms)(void* ctx, int64_t ms);
} acp_operator_sink;

typedef struct acp_operator {
    uint32_t struct_size;
    uint32_t reserved;

    /* [instance-serial] [may-block] since draft */
    acp_status (*create)(const acp_host* host, const acp_instance_config* config, void** self,
                         acp_error* error);
    /* [instance-serial] [may-block] since draft */
    void (*destroy)(void* self);

    /* All kinds, ours in the order in which they are reconciled at the start.
     * Constant. [any-thread] [must-not-block] since draft */
    acp_status (*kinds)(void* self, const acp_operator_kind_sink* out, acp_error* error);

    /* Judges a spec before it is stored or acted on; emits one text
     * "/json/pointer: why" for each mistake, nothing when it is fine. Needs no
     * cluster. [any-thread] [must-not-block] since draft */
    acp_status (*validate)(void* self, acp_str object_json, const acp_text_sink* mistakes,
                           acp_error* error);

    /* Says what should be for an object that exists. Must give the same answer
     * for the same view. One call per object at a time; retryable failures come
     * again with back-off. [any-thread] [may-block] since draft */
    acp_status (*reconcile)(void* self, const acp_call* call, acp_str object_json,
                            const acp_operator_view* view, const acp_operator_sink* out,
                            acp_error* error);

    /* The object is being deleted. Sets `*done` to 1 when nothing is left to
     * clean up: then the host takes the finalizer off. NULL: no finalizer is
     * put on. [any-thread] [may-block] since draft */
    acp_status (*finalize)(void* self, const acp_call* call, acp_str object_json,
                           const acp_operator_view* view, const acp_operator_sink* out,
                           int32_t* done, acp_error* error);

    /* Renders custom resources from a launch request, in the order in which
     * they are created. NULL: no launches. [any-thread] [must-not-block]
     * since draft */
    acp_status (*launch)(void* self, const acp_call* call, acp_str request_json,
                         const acp_text_sink* objects, acp_error* error);
} acp_operator;

#ifdef __cplusplus
}
#endif
#endif
