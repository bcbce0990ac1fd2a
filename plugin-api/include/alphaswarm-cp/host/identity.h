/* acp.host.identity/1: what an auth flow needs of the host's keys, token
 * verification, state and audit. `host` is the pointer that `create` got.
 * The host that `init` got has no such interface.
 *
 * What one instance keeps, another cannot read, whatever handle it has.
 * A call whose `call` has no deadline ends after 30 s.
 */
#ifndef ALPHASWARM_CP_HOST_IDENTITY_H
#define ALPHASWARM_CP_HOST_IDENTITY_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_IDENTITY "acp.host.identity/1"

/* How a token must look. Algorithms, leeway, `typ` rules, key rotation and the
 * cache of keys are the host's. */
typedef struct acp_token_check {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str token;
    acp_str issuer;           /* exact; empty: this server's own tokens */
    acp_str audience;         /* required */
    acp_str jwks_url;         /* empty: by discovery from the issuer */
    acp_str type;             /* `typ`, e.g. "at+jwt"; empty: JWT or none */
    acp_str nonce;            /* must be equal when given */
    acp_str ca_file;          /* PEM file by which https is checked when keys are fetched;
                                 empty: the system's store */
} acp_token_check;

/* A JWT that this server signs to prove itself to an upstream (RFC 7523). */
typedef struct acp_assertion_request {
    uint32_t struct_size;
    uint32_t ttl_s;           /* 0: 60; at most 300 */
    acp_str key;              /* name of a key in the host's configuration; empty: its own */
    acp_str client_id;        /* `iss` and `sub` */
    acp_str audience;
} acp_assertion_request;

/* Makes a token when nobody else is at it; emits the upstream's answer with
 * "expires_in". [any-thread] [may-block] since 1.0 */
typedef acp_status (*acp_token_fetch_fn)(void* ctx, const acp_call* call, const acp_text_sink* out,
                                         acp_error* error);

typedef struct acp_host_identity {
    uint32_t struct_size;
    uint32_t reserved;

    /* Emits the claims of a token that holds; ACP_E_DENIED with the reason
     * otherwise, ACP_E_UNAVAILABLE when no key can be had. [any-thread]
     * [may-block: keys may have to be fetched] since 1.0 */
    acp_status (*verify)(const acp_host* host, const acp_call* call, const acp_token_check* check,
                         const acp_text_sink* claims, acp_error* error);

    /* Emits a signed assertion. [any-thread] [may-block] since 1.0 */
    acp_status (*assertion)(const acp_host* host, const acp_call* call,
                            const acp_assertion_request* request, const acp_text_sink* out,
                            acp_error* error);

    /* The token under `key` (an audience and scopes), from the cache while it
     * has `least_left_s` to live, else by `fetch`: one flight on all replicas.
     * Emits what fetch emitted, with "expires_in" as of now. What fetch fails with
     * is what this fails with, also for those who waited for it in this process.
     * Cached encrypted, and not at all without "expires_in". [any-thread] [may-block] since 1.0 */
    acp_status (*token_once)(const acp_host* host, const acp_call* call, acp_str key,
                             int64_t least_left_s, acp_token_fetch_fn fetch, void* fetch_ctx,
                             const acp_text_sink* out, acp_error* error);

    /* Keeps `value_json` encrypted for `ttl_s` and emits a fresh handle of 256
     * bits; only its digest is stored. [any-thread] [may-block] since 1.0 */
    acp_status (*state_put)(const acp_host* host, const acp_call* call, acp_str value_json,
                            int64_t ttl_s, const acp_text_sink* handle, acp_error* error);
    /* As state_put, and the handle is short enough for a person to type
     * (RFC 8628 section 6.1). [any-thread] [may-block] since 1.0 */
    acp_status (*state_put_code)(const acp_host* host, const acp_call* call, acp_str value_json,
                                 int64_t ttl_s, const acp_text_sink* code, acp_error* error);
    /* Emits value and sets `*version`; ACP_E_NOT_FOUND when unknown, taken or
     * expired. [any-thread] [may-block] since 1.0 */
    acp_status (*state_read)(const acp_host* host, const acp_call* call, acp_str handle,
                             uint64_t* version, const acp_text_sink* value, acp_error* error);
    /* Replaces the value if it still has `version`; ACP_E_CONFLICT otherwise.
     * [any-thread] [may-block] since 1.0 */
    acp_status (*state_replace)(const acp_host* host, const acp_call* call, acp_str handle,
                                uint64_t version, acp_str value_json, acp_error* error);
    /* Reads and removes in one step: of several takers one gets it.
     * [any-thread] [may-block] since 1.0 */
    acp_status (*state_take)(const acp_host* host, const acp_call* call, acp_str handle,
                             const acp_text_sink* value, acp_error* error);

    /* Adds a row to the security audit. Never waits for the disk; a row that
     * cannot be kept is counted. [any-thread] [must-not-block] since 1.0 */
    void (*audit)(const acp_host* host, const acp_call* call, acp_str kind, acp_str target,
                  acp_str outcome, acp_str details_json);
} acp_host_identity;

#ifdef __cplusplus
}
#endif
#endif
