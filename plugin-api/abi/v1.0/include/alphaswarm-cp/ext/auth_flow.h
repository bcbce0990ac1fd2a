/* acp.auth_flow/1: one way to prove who somebody is.
 *
 * The flow decides: who this is, what is asked next, what is refused. The
 * host keeps keys, token verification and issue, sessions, state between steps
 * and the audit; it is reached by acp.host.identity/1. So a flow never holds a
 * signing key, sets no cookie, writes no token into an answer of its own, and
 * cannot grant more than the client or the role mapping allows.
 *
 * Which functions and decisions the known flows use:
 *   m2m, agent-identity       endpoint -> GRANT or FORWARD
 *   bff                       /login -> REDIRECT, /callback -> SESSION,
 *                             /logout -> END; `renew` refreshes upstream tokens
 *   device                    /start -> RESPOND, page -> PAGE, /poll -> GRANT or REFUSE
 *   stepup                    REDIRECT with acr_values, then SESSION over the old one
 *   pomerium, cloudflare      no endpoint: `authenticate` on their assertion field
 *
 * A step ends with exactly one decision. None, two, or one that lacks what its
 * kind needs is a defect of the flow: the request fails with 500.
 */
#ifndef ALPHASWARM_CP_EXT_AUTH_FLOW_H
#define ALPHASWARM_CP_EXT_AUTH_FLOW_H

#include "alphaswarm-cp/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_AUTH_FLOW "acp.auth_flow/1"

/* How the host reads the request of an endpoint before the flow sees it.
 * A parameter that is given twice is refused by the host, and the client's own
 * credentials (client_secret, client_assertion) are not passed on. */
enum {
    ACP_AUTH_INPUT_NONE = 0,
    ACP_AUTH_INPUT_QUERY = 1,
    ACP_AUTH_INPUT_FORM = 2,   /* application/x-www-form-urlencoded */
    ACP_AUTH_INPUT_JSON = 3
};

/* Bits of acp_auth_endpoint.flags. */
enum {
    ACP_AUTH_NEEDS_SESSION = 1,   /* 401 by the host without one; a GET of a page may be
                                     sent to log in first */
    ACP_AUTH_NEEDS_CSRF = 2,      /* X-CSRF-Token, or the csrf_token that the host's pages
                                     carry, and same origin: checked by the host */
    ACP_AUTH_NEEDS_CLIENT = 4,    /* the host authenticates the OAuth client first, and asks
                                     whether it is registered for `grant_type`; a public
                                     client by its client_id alone */
    ACP_AUTH_GUESSABLE = 8,       /* takes short codes: the host's tight rate limit */
    ACP_AUTH_HTML = 16            /* a refusal is shown as a page, not as JSON */
};

typedef struct acp_auth_endpoint {
    uint32_t struct_size;
    uint32_t flags;
    int32_t input;               /* ACP_AUTH_INPUT_* */
    uint32_t reserved;
    acp_str method;              /* GET or POST */
    acp_str path;                /* below /auth: "/device/start" */
    acp_str grant_type;          /* also served at /auth/token for this grant; or empty */
    acp_str operation_id;        /* unique within the instance */
    acp_str summary;
    acp_str operation_json;      /* OpenAPI 3.1 Operation Object to merge in, or empty */
} acp_auth_endpoint;

/* What `describe` tells; emit functions may be called any number of times. */
typedef struct acp_auth_description_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* [any-thread] during the call [must-not-block] since 1.0 */
    void (*endpoint)(void* ctx, const acp_auth_endpoint* endpoint);
    /* A request field, in lower case, that makes the host call `authenticate`.
     * [any-thread] during the call [must-not-block] since 1.0 */
    void (*credential_field)(void* ctx, acp_str lower_name);
} acp_auth_description_sink;

/* A session as its flow may see it; the host holds the cookie's secret. */
typedef struct acp_auth_session {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str id;                     /* the host's handle, not the cookie */
    acp_str subject;
    acp_str issuer;
    acp_str actor_kind;
    acp_str organization_id;
    acp_str upstream_session;       /* `sid` of the upstream, or empty */
    acp_str acr;
    int64_t auth_time_unix_s;       /* 0: unknown */
    int64_t created_unix_s;
    acp_str claims_json;            /* what a flow gave with SESSION */
    acp_str upstream_tokens_json;   /* the same; secret. Only for the flow that made the
                                       session: in `renew`, in `ended`, and at its endpoints
                                       with NEEDS_CSRF */
} acp_auth_session;

/* One request to an endpoint, or a request that carries a credential field. */
typedef struct acp_auth_request {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str operation_id;              /* empty in `authenticate` */
    acp_str method;
    acp_str origin;                    /* this server as the client sees it: scheme://host */
    acp_str path;                      /* normalised */
    acp_str peer;                      /* address, after trusted X-Forwarded-For */
    const acp_pair* params;            /* by ACP_AUTH_INPUT_*, decoded, no name twice */
    size_t params_count;
    acp_str body_json;                 /* whole, for ACP_AUTH_INPUT_JSON */
    const acp_pair* fields;            /* names in lower case; no Cookie, no Authorization */
    size_t fields_count;
    acp_str client_id;                 /* authenticated client; empty without NEEDS_CLIENT */
    acp_str client_auth_method;        /* as in RFC 8414, e.g. "private_key_jwt" */
    acp_str client_json;               /* the registered client: client_id, name, actor_kind,
                                          organization_id, and the arrays scopes, audiences,
                                          grant_types */
    acp_str confirmation_json;         /* verified `cnf` (RFC 9449, RFC 8705), or empty */
    acp_bytes peer_certificate;        /* DER, verified; or empty */
    acp_str state_json;                /* from the REDIRECT that led here, taken out of store */
    const acp_auth_session* session;   /* NULL: none */
    acp_str next_state;                /* `state` that a REDIRECT of this step has to use: 256
                                          fresh bits. Known here already, so that a pushed
                                          authorization request (RFC 9126) can hold it */
} acp_auth_request;

enum {
    ACP_AUTH_PASS = 0,      /* not mine: the host asks the next flow of this credential
                               field or grant type; in `renew`: nothing to renew */
    ACP_AUTH_GRANT = 1,     /* identity -> access token, answered as RFC 6749 section 5.1 */
    ACP_AUTH_FORWARD = 2,   /* an upstream's token -> the same answer (brokered mode); the
                               flow sees to it that the client may have it */
    ACP_AUTH_SESSION = 3,   /* identity -> browser session, then to `location` */
    ACP_AUTH_REDIRECT = 4,  /* to an upstream; `state_json` comes back with the callback */
    ACP_AUTH_RESPOND = 5,   /* `body_json` as it is; it holds no token */
    ACP_AUTH_PAGE = 6,      /* the host's page `page` filled with `body_json`, see below */
    ACP_AUTH_END = 7,       /* sessions that match end; then to `location` or 204 */
    ACP_AUTH_REFUSE = 8     /* `error_code` of the OAuth registry, or of the flow */
};

/* The host's pages. What they show is escaped by the host, which adds the
 * csrf_token to forms. Members of body_json are strings unless said otherwise.
 *   device   step "code": asks for a code. step "confirm": shows client_name,
 *            scopes (array) and address, asks to approve or deny. Both may have
 *            user_code and problem (a sentence). The form is sent to `action`, a
 *            path below /auth, by POST, with user_code, and from "confirm" with
 *            decision: "approve" or "deny".
 *   message  title, text. */
#define ACP_AUTH_PAGE_DEVICE "device"
#define ACP_AUTH_PAGE_MESSAGE "message"

/* Who somebody is. The host maps claims to roles and roles to scopes, and cuts
 * scopes to what client and subject may have. */
typedef struct acp_auth_identity {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str subject;
    acp_str issuer;                  /* who said so */
    acp_str actor_kind;              /* "user", "service" or "agent" */
    acp_str organization_id;         /* empty: by the host's tenant links */
    acp_str claims_json;             /* verified claims: groups, roles, email, ...; an object */
    acp_str act_json;                /* RFC 8693 section 4.1, nested; or empty */
    acp_str confirmation_json;       /* `cnf` to bind the token to; or empty */
    acp_str acr;
    acp_str amr_json;                /* array or empty */
    int64_t auth_time_unix_s;        /* 0: unknown */
    int64_t expires_unix_s;          /* not longer than this; 0: the host's lifetime */
    const acp_str* scopes;           /* asked for; stride sizeof(acp_str): frozen type. None:
                                        the host's default for client and subject */
    size_t scopes_count;
    const acp_str* audiences;        /* asked for; none: the host's own */
    size_t audiences_count;
    acp_str upstream_session;        /* `sid`, for back-channel logout */
    acp_str upstream_tokens_json;    /* kept encrypted in the session, for `renew`; secret */
} acp_auth_identity;

/* Exactly one comes out of each step. A field is read only for the kinds that
 * name it above or here. What ends in _json is an object, or empty where that
 * makes sense. */
typedef struct acp_auth_decision {
    uint32_t struct_size;
    int32_t kind;                        /* ACP_AUTH_* */
    const acp_auth_identity* identity;   /* GRANT, SESSION */
    acp_str replaces_session;            /* SESSION: id that is rotated (step-up); or empty */
    acp_str location;                    /* REDIRECT: absolute, with state=<next_state> or a
                                            request_uri in its query; SESSION: local; END: either */
    acp_str state_json;                  /* REDIRECT: verifier, nonce, return path; secret. Kept
                                            under next_state, bound to this browser, given once */
    acp_str page;                        /* PAGE: ACP_AUTH_PAGE_* */
    acp_str body_json;                   /* RESPOND, PAGE */
    acp_str token_json;                  /* FORWARD: the upstream's answer, with access_token
                                            and token_type at least; secret */
    acp_str end_session;                 /* END: session id; or empty and the two below */
    acp_str end_issuer;
    acp_str end_upstream_session;        /* with the issuer: one session; */
    acp_str end_subject;                 /* or all of this subject */
    acp_str error_code;                  /* REFUSE: "invalid_grant", "slow_down", ... */
    acp_str error_description;           /* REFUSE: shown to the client, no secret */
    int32_t http_status;                 /* REFUSE: 400 to 599; RESPOND, PAGE: 200 to 599;
                                            0: by kind and error code */
    int32_t retry_after_s;               /* REFUSE; 0: none */
    acp_str audit_json;                  /* added to the audit row the host writes anyway */
} acp_auth_decision;

typedef struct acp_auth_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;
    /* Exactly once per step; the host copies.
     * [any-thread] during the call [must-not-block] since 1.0 */
    void (*decide)(void* ctx, const acp_auth_decision* decision);
} acp_auth_sink;

typedef struct acp_auth_flow {
    uint32_t struct_size;
    uint32_t reserved;

    /* `host` is this instance's own: acp.host.identity/1 knows it by this pointer.
     * Valid until `destroy` has returned. Must not need the upstream to be
     * reachable. [instance-serial] [may-block] since 1.0 */
    acp_status (*create)(const acp_host* host, const acp_instance_config* config, void** self,
                         acp_error* error);
    /* [instance-serial] [may-block] since 1.0 */
    void (*destroy)(void* self);

    /* Endpoints and credential fields; constant for the life of the instance.
     * [any-thread] [must-not-block] since 1.0 */
    acp_status (*describe)(void* self, const acp_auth_description_sink* out, acp_error* error);

    /* One step at an endpoint. A failed call is an outage (503 or 502) and is
     * audited as such; "no" is a REFUSE decision. [any-thread] [may-block]
     * since 1.0 */
    acp_status (*handle)(void* self, const acp_call* call, const acp_auth_request* request,
                         const acp_auth_sink* out, acp_error* error);

    /* Judges a request by a credential field: GRANT (no token is made, the
     * identity is the request's principal, and the host remembers it until
     * expires_unix_s under the field's digest), PASS or REFUSE. NULL: this flow
     * has no credential fields. [any-thread] [may-block] since 1.0 */
    acp_status (*authenticate)(void* self, const acp_call* call, const acp_auth_request* request,
                               const acp_auth_sink* out, acp_error* error);

    /* Renews a session's upstream tokens; the host lets one replica in at a
     * time. SESSION with replaces_session keeps the session, REFUSE with
     * "invalid_grant" ends it, a failed call leaves it as it is. NULL: nothing
     * to renew. [any-thread] [may-block] since 1.0 */
    acp_status (*renew)(void* self, const acp_call* call, const acp_auth_session* session,
                        const acp_auth_sink* out, acp_error* error);

    /* The host ended a session (logout, revocation, limits): revoke upstream
     * tokens. It has ended whatever this returns. NULL: nothing to do.
     * [any-thread] [may-block] since 1.0 */
    acp_status (*ended)(void* self, const acp_call* call, const acp_auth_session* session,
                        acp_error* error);
} acp_auth_flow;

#ifdef __cplusplus
}
#endif
#endif
