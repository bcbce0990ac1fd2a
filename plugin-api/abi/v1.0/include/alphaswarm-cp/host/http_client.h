/* acp.host.http_client/1: requests to other servers, with the host's strict
 * parser, deadlines and limits.
 */
#ifndef ALPHASWARM_CP_HOST_HTTP_CLIENT_H
#define ALPHASWARM_CP_HOST_HTTP_CLIENT_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_HTTP_CLIENT "acp.host.http_client/1"

/* Whom an https request trusts, and as whom it comes. Files are PEM and read
 * by the host; a changed file counts from the next request on. */
typedef struct acp_http_tls {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str ca_file;             /* trusted instead of the system's store; empty: the system's */
    acp_str certificate_file;    /* shown to a server that asks for one; empty: none */
    acp_str key_file;            /* of that certificate */
    acp_str spiffe_id;           /* when set, the server's X.509-SVID must have exactly this ID,
                                    and its name does not count */
} acp_http_tls;

typedef struct acp_http_call {
    uint32_t struct_size;
    int32_t upgrade;             /* 1: after 101 (or 200 with Connection: Upgrade asked)
                                    the connection is a raw byte pipe */
    acp_str url;                 /* http://host:port/path?query, https:// or
                                    unix:///run/docker.sock:/path?query */
    acp_str method;
    const acp_pair* fields;      /* Host and framing fields are the host's */
    size_t fields_count;
    acp_bytes body;
    int64_t connect_timeout_ms;  /* 0: 5 s */
    int64_t idle_timeout_ms;     /* longest silence of the peer; 0: 60 s; -1: none */
    uint64_t max_body_bytes;     /* 0: 16 MiB; UINT64_MAX: no bound (streamed) */
    const acp_http_tls* tls;     /* NULL: the system's trust store, no certificate */
} acp_http_call;

/* Callbacks run on the thread that called perform, within that call. A non-zero
 * return stops the exchange with ACP_E_CANCELLED.
 * [any-thread] [may-block] since 1.0 */
typedef struct acp_http_reply {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    int32_t (*on_head)(void* ctx, int32_t status, const acp_pair* fields, size_t count);
    int32_t (*on_body)(void* ctx, acp_bytes bytes);
    /* Raw pipe after an upgrade: asked whenever the pipe can take bytes; sets
     * `*out` (borrowed until the next callback) and returns 0, or 1 for "no
     * more: half-close", 2 for "nothing now, ask again in 20 ms". */
    int32_t (*on_pull)(void* ctx, acp_bytes* out);
} acp_http_reply;

typedef struct acp_host_http_client {
    uint32_t struct_size;
    uint32_t reserved;

    /* Sends one request and reads the whole response. ACP_OK only when the
     * response was complete by its own framing; an HTTP error status is not a
     * failure here. `call` bounds the time and cancels. Errors:
     * ACP_E_UNAVAILABLE (connect, TLS, reset before the head), ACP_E_PROVIDER
     * (malformed or truncated), ACP_E_DEADLINE, ACP_E_CANCELLED,
     * ACP_E_EXHAUSTED (body over the bound), ACP_E_INVALID (url, CR or LF in
     * a field). [any-thread] [may-block] since 1.0 */
    acp_status (*perform)(const acp_call* call, const acp_http_call* request,
                          const acp_http_reply* reply, acp_error* error);
} acp_host_http_client;

#ifdef __cplusplus
}
#endif
#endif
