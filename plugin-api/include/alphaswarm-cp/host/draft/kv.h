/* acp.host.kv/1: small values that outlive a process or are shared by replicas.
 *
 * `host` is the pointer that `create` got: an instance has a space of its own.
 * Keys are up to 512 bytes of UTF-8, values up to 256 KiB.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_HOST_DRAFT_KV_H
#define ALPHASWARM_CP_HOST_DRAFT_KV_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_KV "acp.host.kv/1"

/* Where a value lives. */
enum {
    ACP_KV_DURABLE = 0,   /* in the database */
    ACP_KV_CACHE = 1      /* in Redis or memory: may vanish */
};

/* What a key must be for a write to happen. */
enum {
    ACP_KV_ANY = 0,
    ACP_KV_ABSENT = 1,
    ACP_KV_VERSION = 2    /* exactly if_version */
};

typedef struct acp_kv_entry {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str key;
    acp_bytes value;           /* empty where only keys are listed */
    uint64_t version;          /* grows with each write of this key */
    int64_t expires_unix_ms;   /* 0: never */
} acp_kv_entry;

typedef struct acp_kv_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* Non-zero ends a listing. [any-thread] during the call [must-not-block]
     * since draft */
    int32_t (*emit)(void* ctx, const acp_kv_entry* entry);
} acp_kv_sink;

typedef struct acp_kv_write {
    uint32_t struct_size;
    int32_t condition;         /* ACP_KV_ANY, _ABSENT or _VERSION */
    uint64_t if_version;
    acp_bytes value;
    int64_t ttl_ms;            /* 0: none */
    int32_t secret;            /* 1: encrypted at rest, never in a backup in clear */
    uint32_t reserved;
} acp_kv_write;

typedef struct acp_host_kv {
    uint32_t struct_size;
    uint32_t reserved;

    /* Emits one entry. ACP_E_NOT_FOUND. [any-thread] [may-block] since draft */
    acp_status (*get)(const acp_host* host, const acp_call* call, int32_t where, acp_str key,
                      const acp_kv_sink* out, acp_error* error);
    /* Sets `*version`. ACP_E_CONFLICT when the condition does not hold.
     * [any-thread] [may-block] since draft */
    acp_status (*put)(const acp_host* host, const acp_call* call, int32_t where, acp_str key,
                      const acp_kv_write* write, uint64_t* version, acp_error* error);
    /* With a version other than 0 only that one; ACP_E_CONFLICT otherwise.
     * Absent is fine. [any-thread] [may-block] since draft */
    acp_status (*remove)(const acp_host* host, const acp_call* call, int32_t where, acp_str key,
                         uint64_t if_version, acp_error* error);
    /* Entries with this prefix after `after`, by key; no consistent snapshot.
     * [any-thread] [may-block] since draft */
    acp_status (*list)(const acp_host* host, const acp_call* call, int32_t where, acp_str prefix,
                       acp_str after, int32_t with_values, const acp_kv_sink* out,
                       acp_error* error);

    /* Holds `name` against all replicas for `ttl_ms`, waiting until the call's
     * deadline; `*fence` grows with each holder. Holding it again with its own
     * fence renews it. ACP_E_CONFLICT when another holds it at the deadline.
     * [any-thread] [may-block] since draft */
    acp_status (*lock)(const acp_host* host, const acp_call* call, acp_str name, int64_t ttl_ms,
                       uint64_t* fence, acp_error* error);
    /* Gives it back if the fence is still the holder's. [any-thread]
     * [may-block] since draft */
    acp_status (*unlock)(const acp_host* host, const acp_call* call, acp_str name, uint64_t fence,
                         acp_error* error);
} acp_host_kv;

#ifdef __cplusplus
}
#endif
#endif
