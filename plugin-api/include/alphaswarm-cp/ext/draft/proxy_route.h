/* acp.proxy_route/1: where a proxied request goes, and how.
 *
 * The route decides: upstream, TLS identity, header operations, limits. The host
 * moves the bytes: HTTP/1.1, HTTP/2, WebSocket, bodies, back-pressure, retries.
 * A route sees heads, never a body, a socket or a credential of the caller.
 * The host has checked scopes, normalised the path once and stripped hop-by-hop
 * and inbound identity fields before `decide`; it checks again that a rewritten
 * path stays inside the service.
 *
 * DRAFT. May change, or go, until it is promoted; then it moves out of draft/
 * and keeps its id. A plugin that offers or uses a draft works only with hosts
 * of the same release. Everything else is as plugin.h says: struct_size first,
 * zero means "not given", what is passed is borrowed for the call, and tables
 * and structs grow at their end only.
 */
#ifndef ALPHASWARM_CP_EXT_DRAFT_PROXY_ROUTE_H
#define ALPHASWARM_CP_EXT_DRAFT_PROXY_ROUTE_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_PROXY_ROUTE "acp.proxy_route/1"

/* Which requests this route is asked about; empty texts match all. */
typedef struct acp_proxy_match {
    uint32_t struct_size;
    int32_t may_block;          /* 1: `decide` needs the pool; 0: it runs on an event loop */
    acp_str service_id;
    acp_str protocol;           /* "http", "grpc", "websocket", ... of the descriptor */
} acp_proxy_match;

typedef struct acp_proxy_match_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call [must-not-block] since draft */
    void (*emit)(void* ctx, const acp_proxy_match* match);
} acp_proxy_match_sink;

/* A request's head, after the host's checks. Caller: acp_call. */
typedef struct acp_proxy_request {
    uint32_t struct_size;
    int32_t http_major;          /* 1 or 2, on the caller's side */
    acp_str service_id;
    acp_str service_json;        /* ServiceDefinition with its connection descriptor; no secrets */
    acp_str method;
    acp_str path;                /* normalised, below the service; the same value is forwarded */
    acp_str query;               /* raw, without "?" */
    acp_str upgrade;             /* "websocket", another token, or empty */
    acp_str peer;                /* address of the caller */
    const acp_pair* fields;      /* names in lower case; no Cookie, no Authorization */
    size_t fields_count;
    const acp_str* scopes;       /* what the caller has; stride sizeof(acp_str) */
    size_t scopes_count;
    int64_t body_length;         /* -1: unknown; 0: none */
} acp_proxy_request;

/* One place that can serve the request. Read with element size. */
typedef struct acp_proxy_upstream {
    uint32_t struct_size;
    uint32_t weight;             /* 0 counts as 1 */
    uint32_t port;
    int32_t http_major;          /* 0: by ALPN, else 1 or 2 */
    acp_str host;                /* name or address; with port 0 the path of a Unix socket */
    acp_str id;                  /* stable name for health, outlier ejection and metrics */
} acp_proxy_upstream;

enum { ACP_PROXY_TLS_OFF = 0, ACP_PROXY_TLS_ON = 1, ACP_PROXY_TLS_MUTUAL = 2 };

/* How the host proves itself and whom it accepts. Keys stay in the host. */
typedef struct acp_proxy_tls {
    uint32_t struct_size;
    int32_t mode;                /* ACP_PROXY_TLS_* */
    acp_str ca;                  /* named trust bundle of the host; empty: the system's */
    acp_str server_name;         /* SNI and name check; empty: the upstream's host */
    acp_str spiffe_id;           /* exact id that the peer must have, instead of a name */
    acp_str client_identity;     /* named key of the host, or "spiffe" for its X.509-SVID */
    acp_str min_version;         /* "1.2" or "1.3"; empty: the host's */
} acp_proxy_tls;

enum { ACP_PROXY_FIELD_SET = 0, ACP_PROXY_FIELD_ADD = 1, ACP_PROXY_FIELD_REMOVE = 2 };

/* Read with element size. Framing and connection fields are refused. */
typedef struct acp_proxy_field_op {
    uint32_t struct_size;
    int32_t op;                  /* ACP_PROXY_FIELD_* */
    acp_str name;
    acp_str value;               /* or */
    acp_str value_secret_ref;    /* a secret that the host puts in; the route never sees it */
} acp_proxy_field_op;

/* What the upstream learns about the caller. */
enum {
    ACP_PROXY_IDENTITY_ASSERTION = 0,  /* X-Alphaswarm-Assertion, a JWT for `audience` */
    ACP_PROXY_IDENTITY_NONE = 1,
    ACP_PROXY_IDENTITY_EXCHANGE = 2,   /* Authorization by RFC 8693 for `audience` */
    ACP_PROXY_IDENTITY_FORWARD = 3     /* the caller's own bearer, if the operator allows it */
};

enum { ACP_PROXY_PASS = 0, ACP_PROXY_FORWARD = 1, ACP_PROXY_REFUSE = 2 };

/* Milliseconds and bytes; 0: the host's. The host's are also upper bounds. */
typedef struct acp_proxy_limits {
    uint32_t struct_size;
    uint32_t retries;                 /* of idempotent requests before the first byte */
    int64_t connect_timeout_ms;
    int64_t idle_timeout_ms;
    int64_t total_timeout_ms;         /* -1: none, for streams */
    uint64_t request_body_bytes;
    uint64_t response_body_bytes;
    uint32_t concurrent_requests;     /* per upstream */
    uint32_t recheck_interval_s;      /* of live streams; 0: the host's */
} acp_proxy_limits;

typedef struct acp_proxy_decision {
    uint32_t struct_size;
    int32_t kind;                          /* ACP_PROXY_PASS, _FORWARD or _REFUSE */
    uint64_t tag;                          /* the route's; comes back in what follows */
    const acp_proxy_upstream* upstreams;   /* in order of preference at equal weight */
    size_t upstreams_count;
    size_t upstream_size;                  /* stride of `upstreams` in bytes */
    const acp_proxy_tls* tls;              /* NULL: by the descriptor */
    const acp_proxy_limits* limits;        /* NULL: the host's */
    const acp_proxy_field_op* request_ops;
    size_t request_ops_count;
    const acp_proxy_field_op* response_ops;
    size_t response_ops_count;
    size_t field_op_size;                  /* stride of both in bytes */
    acp_str affinity_key;                  /* the same key meets the same upstream; or empty */
    acp_str path;                          /* another path below the service; or empty */
    acp_str audience;                      /* for the identity; empty: the service's */
    int32_t identity;                      /* ACP_PROXY_IDENTITY_* */
    int32_t want_response_head;            /* 1: call on_response_head */
    int32_t refuse_status;                 /* REFUSE: 4xx or 5xx */
    uint32_t reserved;
    acp_str refuse_code;                   /* REFUSE: `code` of the problem */
    acp_str refuse_message;
} acp_proxy_decision;

typedef struct acp_proxy_decision_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* Exactly once; the host copies.
     * [any-thread] during the call [must-not-block] since draft */
    void (*decide)(void* ctx, const acp_proxy_decision* decision);
} acp_proxy_decision_sink;

typedef struct acp_proxy_response_head {
    uint32_t struct_size;
    int32_t status;
    const acp_pair* fields;       /* names in lower case */
    size_t fields_count;
    acp_str upstream_id;
    uint64_t tag;
} acp_proxy_response_head;

typedef struct acp_proxy_field_op_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call [must-not-block] since draft */
    void (*emit)(void* ctx, const acp_proxy_field_op* op);
} acp_proxy_field_op_sink;

/* A stream that is open still. Session, token and halt are the host's own
 * checks and come first; this is the route's word. */
typedef struct acp_proxy_live {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t tag;
    acp_str service_id;
    acp_str upstream_id;
    int64_t opened_mono_ns;
    uint64_t bytes_up;            /* caller -> upstream */
    uint64_t bytes_down;
} acp_proxy_live;

/* How it ended. */
typedef struct acp_proxy_outcome {
    uint32_t struct_size;
    acp_status status;            /* ACP_OK: complete; else why not */
    uint64_t tag;
    acp_str upstream_id;          /* empty: none was reached */
    int32_t http_status;          /* 0: no head came */
    uint32_t attempts;
    int64_t connect_ns;
    int64_t first_byte_ns;
    int64_t total_ns;
    uint64_t bytes_up;
    uint64_t bytes_down;
} acp_proxy_outcome;

typedef struct acp_proxy_route {
    uint32_t struct_size;
    uint32_t reserved;

    /* [instance-serial] [may-block] since draft */
    acp_status (*create)(const acp_host* host, const acp_instance_config* config, void** self,
                         acp_error* error);
    /* [instance-serial] [may-block] since draft */
    void (*destroy)(void* self);

    /* Constant for the life of the instance. [any-thread] [must-not-block]
     * since draft */
    acp_status (*matches)(void* self, const acp_proxy_match_sink* out, acp_error* error);

    /* Decides on one request. PASS leaves it to the next route and at last to
     * the descriptor. A failed call is answered by its status. [any-thread]
     * [must-not-block, or may-block where the match says so] since draft */
    acp_status (*decide)(void* self, const acp_call* call, const acp_proxy_request* request,
                         const acp_proxy_decision_sink* out, acp_error* error);

    /* More operations on the response's fields, once its head is known; asked
     * for by want_response_head. A failed call is a 502. NULL: never asked.
     * [any-thread] [must-not-block] since draft */
    acp_status (*on_response_head)(void* self, const acp_call* call,
                                   const acp_proxy_response_head* head,
                                   const acp_proxy_field_op_sink* out, acp_error* error);

    /* ACP_OK: the stream goes on. ACP_E_DENIED: it is cut. Any other failure
     * leaves it to the next check; three in a row cut it. NULL: goes on.
     * [any-thread] [may-block] since draft */
    acp_status (*recheck)(void* self, const acp_call* call, const acp_proxy_live* live,
                          acp_error* error);

    /* Once for each FORWARD, last of all about that tag. NULL: not told.
     * [any-thread] [must-not-block] since draft */
    void (*ended)(void* self, const acp_proxy_outcome* outcome);
} acp_proxy_route;

#ifdef __cplusplus
}
#endif
#endif
