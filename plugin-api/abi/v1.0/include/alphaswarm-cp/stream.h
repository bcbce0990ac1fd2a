/* alphaswarm-cp plugin API: byte streams (logs, exec, port-forward, bodies).
 *
 * The host owns the transport. A plugin never sees a socket, HTTP/2, SSE or
 * WebSocket: it writes bytes to numbered channels, the host frames them for
 * whoever listens. Channels are those of the Kubernetes remote command
 * protocol `v5.channel.k8s.io`.
 */
#ifndef ALPHASWARM_CP_STREAM_H
#define ALPHASWARM_CP_STREAM_H

#include "alphaswarm-cp/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ACP_IID_HOST_STREAM "acp.host.stream/1"

enum {
    ACP_CHANNEL_STDIN = 0,   /* listener -> plugin */
    ACP_CHANNEL_STDOUT = 1,  /* plugin -> listener; also log lines and bodies */
    ACP_CHANNEL_STDERR = 2,  /* plugin -> listener */
    ACP_CHANNEL_STATUS = 3,  /* plugin -> listener: one JSON document, last */
    ACP_CHANNEL_RESIZE = 4,  /* listener -> plugin: {"Width":80,"Height":24} */
    ACP_CHANNEL_CLOSE = 255  /* half-close of the channel named in the one byte */
};

/* Why on_close ran. */
enum {
    ACP_CLOSE_FINISHED = 0,   /* the plugin called finish and all was delivered */
    ACP_CLOSE_LISTENER = 1,   /* the listener went away */
    ACP_CLOSE_HALTED = 2,     /* the kill switch cut it */
    ACP_CLOSE_DEADLINE = 3,   /* a limit on time or bytes was reached */
    ACP_CLOSE_SHUTDOWN = 4    /* the host is draining */
};

/* Opaque, host-owned, counted: a stream passed to a plugin function carries
 * one reference that the plugin gives back with `release` after it called
 * `finish` or saw `on_close`, whichever it needs last. */
typedef struct acp_stream acp_stream;

/* What a plugin hears about its stream. All of it is [stream-serial]: two
 * callbacks of one stream never run at once. [must-not-block] since 1.0 */
typedef struct acp_stream_events {
    uint32_t struct_size;
    uint32_t reserved;
    void* ctx;

    /* Bytes from the listener on STDIN or RESIZE, borrowed for the call. The
     * host sends at most the window again that `consumed` returned. */
    void (*on_data)(void* ctx, uint8_t channel, acp_bytes bytes);

    /* Credit came back after a write answered ACP_E_WOULD_BLOCK. */
    void (*on_credit)(void* ctx, uint64_t credit_bytes);

    /* Exactly once, last of all callbacks; `reason` is ACP_CLOSE_*. */
    void (*on_close)(void* ctx, int32_t reason);
} acp_stream_events;

/* acp.host.stream/1: all functions are [any-thread]. */
typedef struct acp_host_stream {
    uint32_t struct_size;
    uint32_t reserved;

    /* Registers for callbacks; `events` is copied. At most once per stream;
     * a stream without events may still be written and finished. When the
     * stream is closed already, on_close runs before this returns.
     * Errors: ACP_E_CONFLICT (second call). [must-not-block] since 1.0 */
    acp_status (*set_events)(acp_stream* stream, const acp_stream_events* events);

    /* Status line and fields for streams that answer an HTTP request
     * (acp.http_routes/1); ACP_E_UNSUPPORTED on others, ACP_E_CONFLICT after
     * the first write. [must-not-block] since 1.0 */
    acp_status (*headers)(acp_stream* stream, int32_t status, const acp_pair* fields, size_t count,
                          size_t field_size);

    /* Queues all of `bytes` or nothing. ACP_E_WOULD_BLOCK: more than the
     * current credit; wait for on_credit or call wait_credit. ACP_E_CLOSED:
     * nobody listens, stop producing. A single write may not exceed
     * `window`. [must-not-block] since 1.0 */
    acp_status (*write)(acp_stream* stream, uint8_t channel, acp_bytes bytes);

    /* Bytes that `write` takes right now. [must-not-block] since 1.0 */
    uint64_t (*credit)(acp_stream* stream);

    /* The largest credit there can be. [must-not-block] since 1.0 */
    uint64_t (*window)(acp_stream* stream);

    /* Waits until at least `bytes` of credit are there. ACP_E_DEADLINE after
     * `timeout_ms`, ACP_E_CLOSED when the stream ended. [may-block] since 1.0 */
    acp_status (*wait_credit)(acp_stream* stream, uint64_t bytes, int64_t timeout_ms);

    /* Returns window to the listener for bytes got by on_data.
     * [must-not-block] since 1.0 */
    void (*consumed)(acp_stream* stream, uint64_t bytes);

    /* Ends the stream; what was written is still delivered. `error` NULL: a
     * clean end. The host copies the error and releases it. Idempotent: only
     * the first call counts. [must-not-block] since 1.0 */
    void (*finish)(acp_stream* stream, acp_error* error);

    /* 1 once closed or finished. [must-not-block] since 1.0 */
    int32_t (*closed)(acp_stream* stream);

    /* Counting. [must-not-block] since 1.0 */
    void (*retain)(acp_stream* stream);
    void (*release)(acp_stream* stream);
} acp_host_stream;

#ifdef __cplusplus
}
#endif
#endif
