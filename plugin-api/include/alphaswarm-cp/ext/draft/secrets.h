/* acp.secrets/1: a store of secrets (environment, file, vault, cloud).
 *
 * Several instances stand in an order that the operator gave; the host asks the
 * next one only after ACP_E_NOT_FOUND, so an outage never uncovers an older
 * value elsewhere. A write names its store. Values go to the host alone, which
 * keeps them out of logs; a plugin wipes its copies after emit.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_EXT_DRAFT_SECRETS_H
#define ALPHASWARM_CP_EXT_DRAFT_SECRETS_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_SECRETS "acp.secrets/1"

/* Bits of what a store can do. */
enum {
    ACP_SECRETS_WRITE = 1,
    ACP_SECRETS_VERSIONS = 2,   /* old versions can be read, and made current again */
    ACP_SECRETS_LIST = 4,
    ACP_SECRETS_LEASES = 8      /* values are made on demand and given back */
};

/* One value by name: secretref://<store>/<path>#<key>@<version>. */
typedef struct acp_secret_ref {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str path;
    acp_str key;                /* empty: the whole value */
    acp_str version;            /* empty: the current one */
} acp_secret_ref;

/* What the store holds under a name; without bytes where only the
 * description was asked for. */
typedef struct acp_secret_value {
    uint32_t struct_size;
    int32_t current;            /* 1: the version that an empty one means */
    acp_bytes bytes;            /* secret */
    acp_str version;            /* empty: the store has none */
    acp_str path;
    acp_str key;
    int64_t created_unix_ms;    /* 0: unknown */
    int64_t expires_unix_ms;    /* 0: never */
    acp_str lease_id;           /* empty: no lease */
    int64_t lease_s;            /* 0: no lease */
} acp_secret_value;

typedef struct acp_secret_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* The host copies into memory of its own that it wipes.
     * [any-thread] during the call [must-not-block] since draft */
    void (*emit)(void* ctx, const acp_secret_value* value);
} acp_secret_sink;

typedef struct acp_secret_write {
    uint32_t struct_size;
    int32_t stage;              /* 1: stored, but the current version stays current */
    acp_bytes bytes;            /* secret */
    acp_str if_version;         /* only while this is current; empty: in any case */
    int64_t expires_unix_ms;    /* 0: never */
} acp_secret_write;

/* acp.secrets/1; acp.health/1 takes the same instance. Unless said otherwise a
 * call returns ACP_E_NOT_FOUND for a name that is not there, ACP_E_DENIED when
 * the store refuses us, ACP_E_UNSUPPORTED for what `abilities` lacks. */
typedef struct acp_secrets {
    uint32_t struct_size;
    uint32_t reserved;

    /* Must not need the store to be reachable. [instance-serial] [may-block]
     * since draft */
    acp_status (*create)(const acp_host* host, const acp_instance_config* config, void** self,
                         acp_error* error);
    /* Wipes what is cached. [instance-serial] [may-block] since draft */
    void (*destroy)(void* self);

    /* Bits ACP_SECRETS_*; constant. [any-thread] [must-not-block] since draft */
    uint64_t (*abilities)(void* self);

    /* Emits exactly one value, with bytes. [any-thread] [may-block] since draft */
    acp_status (*get)(void* self, const acp_call* call, const acp_secret_ref* ref,
                      const acp_secret_sink* out, acp_error* error);

    /* Stores a value and emits its description, without bytes. ACP_E_CONFLICT
     * when if_version is not current. Rotation: put with stage, test the new
     * version by name, then `make_current`; until then readers get the old one.
     * [any-thread] [may-block] since draft */
    acp_status (*put)(void* self, const acp_call* call, const acp_secret_ref* ref,
                      const acp_secret_write* write, const acp_secret_sink* out, acp_error* error);

    /* Makes the named version the current one; also the way back. Idempotent.
     * [any-thread] [may-block] since draft */
    acp_status (*make_current)(void* self, const acp_call* call, const acp_secret_ref* ref,
                               acp_error* error);

    /* Removes the named version, or with an empty one all of them.
     * [any-thread] [may-block] since draft */
    acp_status (*remove)(void* self, const acp_call* call, const acp_secret_ref* ref,
                         acp_error* error);

    /* Emits a description of every version, newest first. [any-thread]
     * [may-block] since draft */
    acp_status (*versions)(void* self, const acp_call* call, const acp_secret_ref* ref,
                           const acp_secret_sink* out, acp_error* error);

    /* Emits a description of the current version of each name below `prefix`,
     * by path and key. [any-thread] [may-block] since draft */
    acp_status (*list)(void* self, const acp_call* call, acp_str prefix, const acp_secret_sink* out,
                       acp_error* error);

    /* Asks for `seconds` more and sets `*granted_s`. [any-thread] [may-block]
     * since draft */
    acp_status (*renew_lease)(void* self, const acp_call* call, acp_str lease_id, int64_t seconds,
                              int64_t* granted_s, acp_error* error);
    /* Idempotent. [any-thread] [may-block] since draft */
    acp_status (*revoke_lease)(void* self, const acp_call* call, acp_str lease_id,
                               acp_error* error);
} acp_secrets;

#ifdef __cplusplus
}
#endif
#endif
