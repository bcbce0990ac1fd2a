/* alphaswarm-cp plugin API: the value types that cross the boundary.
 *
 * Every integer has a fixed width, every growable struct starts with
 * `struct_size`, and no struct that may grow is ever embedded by value.
 */
#ifndef ALPHASWARM_CP_TYPES_H
#define ALPHASWARM_CP_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* UTF-8 text, not NUL-terminated. Borrowed: valid until the call that passed
 * it returns, unless the field's comment names a longer life. {NULL,0} means
 * "not given". This struct is frozen and may be passed by value. */
typedef struct acp_str {
    const char* ptr;
    size_t len;
} acp_str;

/* Raw bytes, borrowed like acp_str. Frozen. */
typedef struct acp_bytes {
    const uint8_t* ptr;
    size_t len;
} acp_bytes;

/* A name and a value (environment, labels, headers). Frozen. */
typedef struct acp_pair {
    acp_str name;
    acp_str value;
} acp_pair;

/* Result of every fallible function. Zero is success; a caller treats an
 * unknown non-zero value as ACP_E_PROVIDER. */
typedef int32_t acp_status;

enum {
    ACP_OK = 0,
    ACP_E_INVALID = 1,        /* the argument or configuration is wrong: 400 */
    ACP_E_NOT_FOUND = 2,      /* the named thing does not exist: 404 */
    ACP_E_CONFLICT = 3,       /* the state forbids it now: 409 */
    ACP_E_UNSUPPORTED = 4,    /* this plugin does not do that: 501 */
    ACP_E_DENIED = 5,         /* the backend refused our credentials: 502 */
    ACP_E_UNAVAILABLE = 6,    /* the backend cannot be reached: 503 */
    ACP_E_PROVIDER = 7,       /* the backend answered with an error: 502 */
    ACP_E_DEADLINE = 8,       /* acp_call.deadline passed: 504 */
    ACP_E_CANCELLED = 9,      /* acp_call.cancelled became true: 409 */
    ACP_E_EXHAUSTED = 10,     /* a quota or limit is used up: 429 */
    ACP_E_WOULD_BLOCK = 11,   /* a stream has no credit left; nothing was taken */
    ACP_E_CLOSED = 12,        /* the stream is finished or cancelled */
    ACP_E_INTERNAL = 13       /* a defect in the plugin or the host: 500 */
};

/* Details of a failure. The caller allocates it, zeroed, with struct_size
 * set; the callee fills it only when it returns a status other than ACP_OK.
 *
 * Ownership: `message` and `details_json` belong to the callee until the
 * caller calls `release(error)`, once, when it is not NULL. A callee whose
 * texts are static leaves `release` NULL. `message` is shown to clients: it
 * must hold no secret. */
typedef struct acp_error {
    uint32_t struct_size;
    acp_status code;
    int32_t http_status;      /* hint, 0: derive from `code` */
    int32_t retryable;        /* 1: the same call may succeed later */
    int64_t retry_after_ms;   /* 0: unknown */
    acp_str message;          /* one sentence: what, where, how to mend it */
    acp_str details_json;     /* a JSON object, or {NULL,0} */
    /* [any-thread] [must-not-block] since 1.0 */
    void (*release)(struct acp_error* error);
    void* private_data;       /* the callee's */
} acp_error;

/* Receives text that a callee produces. `emit` copies what it is given before
 * it returns. */
typedef struct acp_text_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call that got the sink [must-not-block] since 1.0 */
    void (*emit)(void* ctx, acp_str text);
} acp_text_sink;

#define ACP_STR_LITERAL(s) { (s), sizeof(s) - 1 }

#ifdef __cplusplus
}
#endif
#endif
