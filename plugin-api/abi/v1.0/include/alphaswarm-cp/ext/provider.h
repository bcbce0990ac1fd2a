/* acp.provider/1: the lifecycle of workloads on one kind of infrastructure.
 *
 * An instance is one configured alias. The sibling interfaces acp.logs/1,
 * acp.exec/1 and acp.health/1 take the same instance pointer, so a provider
 * offers just what its infrastructure can do.
 */
#ifndef ALPHASWARM_CP_EXT_PROVIDER_H
#define ALPHASWARM_CP_EXT_PROVIDER_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_PROVIDER "acp.provider/1"

/* Phases of a workload. A provider never invents UNKNOWN for a workload that
 * does not exist: that is ACP_E_NOT_FOUND. */
enum {
    ACP_PHASE_UNKNOWN = 0,   /* it exists, but the backend did not tell its state */
    ACP_PHASE_PENDING = 1,
    ACP_PHASE_STARTING = 2,
    ACP_PHASE_RUNNING = 3,
    ACP_PHASE_DEGRADED = 4,
    ACP_PHASE_UPDATING = 5,
    ACP_PHASE_STOPPING = 6,
    ACP_PHASE_STOPPED = 7,
    ACP_PHASE_FAILED = 8
};

/* One port of a workload. Elements of an array: read with element size. */
typedef struct acp_port {
    uint32_t struct_size;
    uint16_t container_port;
    uint16_t host_port;      /* 0: let the backend choose, or do not publish */
    acp_str name;
    acp_str protocol;        /* "tcp" or "udp" */
} acp_port;

/* What should run. The `command` and `args` are argument vectors, never shell text. */
typedef struct acp_deployment_spec {
    uint32_t struct_size;
    uint32_t replicas;
    acp_str service_id;               /* [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])? */
    acp_str image;
    acp_str namespace_;
    const acp_str* command;           /* stride sizeof(acp_str): frozen type */
    size_t command_count;
    const acp_str* args;
    size_t args_count;
    const acp_pair* env;              /* frozen type */
    size_t env_count;
    const acp_pair* env_from_secrets; /* variable -> secret reference */
    size_t env_from_secrets_count;
    const acp_port* ports;
    size_t ports_count;
    size_t port_size;                 /* stride of `ports` in bytes */
    const acp_pair* labels;
    size_t labels_count;
    acp_str resources_json;           /* object, e.g. {"cpu":"500m","memory":"256Mi"} */
    acp_str health_check_path;
    uint32_t health_check_port;       /* 0: none */
    uint32_t reserved;
    acp_str metadata_json;            /* object, by the plugin's resource schema */
    acp_str spec_json;                /* the whole spec as the client sent it, validated */
    acp_str spec_hash;                /* sha256 over the canonical spec, hex */
} acp_deployment_spec;

/* What runs. Everything is borrowed for the emit call. */
typedef struct acp_deployment_status {
    uint32_t struct_size;
    int32_t phase;                    /* ACP_PHASE_* */
    acp_str service_id;
    uint32_t replicas_desired;
    uint32_t replicas_ready;
    acp_str image;
    acp_str namespace_;
    int64_t last_transition_unix_ms;  /* 0: unknown */
    acp_str conditions_json;          /* array of {type,status,reason,message}, or empty */
    acp_str endpoints_json;           /* array of {name,host,port,protocol}, or empty */
    acp_str raw_json;                 /* backend's own object, or empty */
} acp_deployment_status;

typedef struct acp_status_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call that got the sink [must-not-block] since 1.0 */
    void (*emit)(void* ctx, const acp_deployment_status* status);
} acp_status_sink;

/* One cell of the capability matrix. `operation` is one of start stop scale
 * restart status list get_config apply_config exec logs rotate_secret metrics
 * delete health provision_namespace deprovision_namespace. */
typedef struct acp_capability {
    uint32_t struct_size;
    int32_t supported;                /* 1 or 0 */
    acp_str operation;
    acp_str reason;                   /* why not; required when unsupported */
} acp_capability;

typedef struct acp_capability_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call that got the sink [must-not-block] since 1.0 */
    void (*emit)(void* ctx, const acp_capability* capability);
} acp_capability_sink;

/* Filter of `list`; zero fields do not filter. */
typedef struct acp_list_filter {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str namespace_;
} acp_list_filter;

/* Which secret of a workload to renew. Values never cross this interface. */
typedef struct acp_rotate_request {
    uint32_t struct_size;
    int32_t restart;                  /* 1: restart the workload afterwards */
    acp_str secret_name;
} acp_rotate_request;

/* acp.provider/1. `self` is what create made; unless said otherwise every
 * function is [any-thread] [may-block], checks `call` for deadline and
 * cancellation, and returns ACP_E_NOT_FOUND for a workload it does not know. */
typedef struct acp_provider {
    uint32_t struct_size;
    uint32_t reserved;

    /* Makes an instance. Must not need the backend to be reachable: an
     * unreachable one is told by acp.health/1. [instance-serial] [may-block]
     * since 1.0 */
    acp_status (*create)(const acp_host* host, const acp_instance_config* config, void** self,
                         acp_error* error);
    /* [instance-serial] [may-block] since 1.0 */
    void (*destroy)(void* self);

    /* The matrix; constant for the life of the instance.
     * [any-thread] [must-not-block] since 1.0 */
    acp_status (*capabilities)(void* self, const acp_capability_sink* sink, acp_error* error);

    /* Makes the spec real and emits the status reached. Idempotent: the same
     * spec_hash on a running workload changes nothing; another hash updates
     * it. A spec that names nothing to run (no spec_json, spec_hash, image and
     * command) means the one that the provider keeps: a stopped workload runs
     * again as it was, an unknown one is ACP_E_NOT_FOUND. since 1.0 */
    acp_status (*start)(void* self, const acp_call* call, const acp_deployment_spec* spec,
                        const acp_status_sink* out, acp_error* error);
    /* Zero replicas; the workload stays known. Idempotent. since 1.0 */
    acp_status (*stop)(void* self, const acp_call* call, acp_str id, const acp_status_sink* out,
                       acp_error* error);
    /* since 1.0 */
    acp_status (*scale)(void* self, const acp_call* call, acp_str id, uint32_t replicas,
                        const acp_status_sink* out, acp_error* error);
    /* Replaces every running replica. ACP_E_CONFLICT when stopped. since 1.0 */
    acp_status (*restart)(void* self, const acp_call* call, acp_str id, const acp_status_sink* out,
                          acp_error* error);
    /* Stops it and forgets it, logs included. since 1.0 */
    acp_status (*remove)(void* self, const acp_call* call, acp_str id, acp_error* error);

    /* Emits exactly one status. since 1.0 */
    acp_status (*status)(void* self, const acp_call* call, acp_str id, const acp_status_sink* out,
                         acp_error* error);
    /* Emits every workload once, by ascending service_id. since 1.0 */
    acp_status (*list)(void* self, const acp_call* call, const acp_list_filter* filter,
                       const acp_status_sink* out, acp_error* error);

    /* Emits the workload's configuration as one JSON object
     * {"env":{},"files":{}}; secret values appear as references. since 1.0 */
    acp_status (*get_config)(void* self, const acp_call* call, acp_str id, const acp_text_sink* out,
                             acp_error* error);
    /* `patch_json` is an RFC 7396 merge patch of that object. Emits the
     * resulting object; with dry_run nothing else happens. Running replicas
     * take the change by a restart. since 1.0 */
    acp_status (*apply_config)(void* self, const acp_call* call, acp_str id, acp_str patch_json,
                               int32_t dry_run, const acp_text_sink* out, acp_error* error);

    /* Emits metadata as a JSON object {"secret_name","version","rotated_at"}. since 1.0 */
    acp_status (*rotate_secret)(void* self, const acp_call* call, acp_str id,
                                const acp_rotate_request* request, const acp_text_sink* out,
                                acp_error* error);
    /* Emits a JSON object {"cpu_seconds","memory_bytes","replicas":[...]}. since 1.0 */
    acp_status (*metrics)(void* self, const acp_call* call, acp_str id, const acp_text_sink* out,
                          acp_error* error);

    /* Tenant namespaces: `spec_json` carries quota and policy. since 1.0 */
    acp_status (*provision_namespace)(void* self, const acp_call* call, acp_str name,
                                      acp_str spec_json, const acp_text_sink* out,
                                      acp_error* error);
    acp_status (*deprovision_namespace)(void* self, const acp_call* call, acp_str name,
                                        acp_error* error);
} acp_provider;

#ifdef __cplusplus
}
#endif
#endif
