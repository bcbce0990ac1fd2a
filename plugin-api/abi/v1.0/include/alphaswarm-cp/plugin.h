/* alphaswarm-cp plugin API, major version 1: entry point and host discovery.
 *
 * POLICY. This boundary is C11. What has been released is never changed:
 * neither a name, nor a layout, nor a number, nor what a function promises.
 *   - A new capability is a new interface id, or a new revision of one
 *     (`acp.provider/2` beside `acp.provider/1`).
 *   - A new optional function is appended to its table. Its presence is told
 *     by `struct_size`: a reader never looks past the smaller of its own and
 *     the writer's size, and takes what is missing as "unsupported".
 *   - A new optional field is appended to its struct, with zero meaning
 *     "not given".
 *   - Interfaces under ext/draft/ may change until promoted; they keep their
 *     id when they are.
 *   - Structs that may grow are passed by pointer, and arrays of them as
 *     pointer, count and element size.
 * No C++ type, exception, allocator, FILE or library object crosses.
 * Memory is freed by the side that made it. A plugin exports exactly one
 * symbol, acp_plugin_entry_v1, and is never unloaded.
 *
 * TAGS in the function comments
 *   [any-thread]       callable from every thread, also at the same time
 *   [instance-serial]  the host never makes two such calls on one instance at once
 *   [stream-serial]    the same for one stream
 *   [may-block]        runs on a bounded pool; honours the call's deadline
 *   [must-not-block]   no I/O, no waiting on another thread
 * Without a word on errors a function may return any ACP_E_* value, and
 * without a word on ownership everything passed is borrowed for the call.
 */
#ifndef ALPHASWARM_CP_PLUGIN_H
#define ALPHASWARM_CP_PLUGIN_H

#include "alphaswarm-cp/call.h"
#include "alphaswarm-cp/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The major version is part of the entry symbol's name. */
#define ACP_ABI_MAJOR 1
/* The minor version these headers describe. */
#define ACP_ABI_MINOR 0

#define ACP_ENTRY_SYMBOL "acp_plugin_entry_v1"

#if defined(_WIN32)
#define ACP_EXPORT __declspec(dllexport)
#else
#define ACP_EXPORT __attribute__((visibility("default")))
#endif

/* The host as a plugin sees it. Lives as long as the process. */
typedef struct acp_host {
    uint32_t struct_size;
    uint32_t abi_minor;       /* minor version of the host's tables */
    acp_str version;          /* the product's version, static */

    /* A table such as acp_host_stream for ACP_IID_HOST_STREAM, or NULL when
     * this host has no such interface. Static storage.
     * [any-thread] [must-not-block] since 1.0 */
    const void* (*get_interface)(const struct acp_host* host, acp_str iid);
} acp_host;

/* What a plugin says about itself before any of its code has run beyond the
 * entry function. All strings are static. */
typedef struct acp_plugin_entry {
    uint32_t struct_size;
    uint32_t abi_minor_built;     /* ACP_ABI_MINOR of the headers it was built with */
    uint32_t abi_minor_required;  /* the least minor of a host that can run it */
    uint32_t reserved;
    acp_str id;                   /* reverse-DNS or dotted, [a-z0-9.-]{1,64} */
    acp_str version;              /* semantic version */
    acp_str vendor;
    acp_str config_schema_json;   /* JSON Schema of one instance's `config`, or empty */
    acp_str resource_schema_json; /* JSON Schema of provider-specific spec metadata, or empty */

    /* Once, before any interface is used. `host` stays valid for ever.
     * [instance-serial] [may-block] since 1.0 */
    acp_status (*init)(const acp_host* host, acp_error* error);

    /* Once, after the last call, when the process ends in an orderly way.
     * The plugin joins its threads here. [instance-serial] [may-block] since 1.0 */
    void (*deinit)(void);

    /* A table such as acp_provider for ACP_IID_PROVIDER, or NULL. Static
     * storage; callable before init. [any-thread] [must-not-block] since 1.0 */
    const void* (*get_interface)(acp_str iid);
} acp_plugin_entry;

/* The one exported symbol. Must have no side effects.
 * [any-thread] [must-not-block] since 1.0 */
typedef const acp_plugin_entry* (*acp_plugin_entry_fn)(void);

/* Settings of one instance of an interface (a provider alias, a mount). When the
 * host replaces a plugin by another release, an instance of the new one is made
 * while the one before, with the same alias and state_dir, still finishes its
 * calls and streams; it gets no new ones, and is destroyed after the last. */
typedef struct acp_instance_config {
    uint32_t struct_size;
    uint32_t reserved;
    acp_str alias;          /* name of the instance in the host's configuration */
    acp_str config_json;    /* the `config` object, already valid by the schema */
    acp_str plugin_dir;     /* folder the plugin was loaded from */
    acp_str state_dir;      /* private folder for this instance's state, exists, mode 0700 */
} acp_instance_config;

#ifdef __cplusplus
}
#endif
#endif
