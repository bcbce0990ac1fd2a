/* acp.http_routes/1: a plugin adds HTTP operations to the control plane.
 *
 * The host owns routing, authentication, limits and framing. Routes live
 * below the mount that the operator gave the instance (`/ext/<alias>` unless
 * configured otherwise); a pattern cannot leave it.
 */
#ifndef ALPHASWARM_CP_EXT_HTTP_ROUTES_H
#define ALPHASWARM_CP_EXT_HTTP_ROUTES_H

#include "alphaswarm-cp/plugin.h"
#include "alphaswarm-cp/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HTTP_ROUTES "acp.http_routes/1"

typedef struct acp_http_route {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str method;            /* GET, HEAD, POST, PUT, PATCH or DELETE */
    acp_str pattern;           /* below the mount: "/greet/{name}", one segment a brace */
    acp_str scope;             /* needed scope; empty: admin:cluster */
    acp_str operation_id;      /* unique within the instance */
    acp_str summary;
    acp_str operation_json;    /* OpenAPI 3.1 Operation Object to merge in, or empty */
} acp_http_route;

typedef struct acp_http_route_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call that got the sink [must-not-block] since 1.0 */
    void (*emit)(void* ctx, const acp_http_route* route);
} acp_http_route_sink;

/* One request, parsed, authenticated and within limits. */
typedef struct acp_http_request {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str operation_id;
    acp_str method;
    acp_str path;               /* normalised, without the mount */
    acp_str query;              /* raw, without "?" */
    const acp_pair* params;     /* from the braces, percent-decoded */
    size_t params_count;
    const acp_pair* fields;     /* header fields, names in lower case; no
                                   Authorization, no Cookie */
    size_t fields_count;
    acp_bytes body;             /* whole */
} acp_http_request;

typedef struct acp_http_routes {
    uint32_t struct_size;
    uint32_t reserved;

    /* [instance-serial] [may-block] since 1.0 */
    acp_status (*create)(const acp_host* host, const acp_instance_config* config, void** self,
                         acp_error* error);
    /* [instance-serial] [may-block] since 1.0 */
    void (*destroy)(void* self);

    /* Emits the routes, once, after create. [instance-serial] [must-not-block]
     * since 1.0 */
    acp_status (*routes)(void* self, const acp_http_route_sink* out, acp_error* error);

    /* Answers by `headers`, `write` on STDOUT and `finish` on `response`, from
     * this thread or a later one. A status other than ACP_OK before the first
     * write becomes problem+json. Stream reference as in acp.logs/1.
     * [any-thread] [may-block] since 1.0 */
    acp_status (*handle)(void* self, const acp_call* call, const acp_http_request* request,
                         acp_stream* response, acp_error* error);
} acp_http_routes;

#ifdef __cplusplus
}
#endif
#endif
