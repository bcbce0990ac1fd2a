// conformance: what the interfaces with instances (providers, routes and auth flows) have in common.
#pragma once

#include <functional>
#include <string>

#include "bench.h"

namespace acp::conformance {

/// create and destroy of a table.
struct Maker {
    acp_status (*create)(const acp_host*, const acp_instance_config*, void**, acp_error*) = nullptr;
    void (*destroy)(void*) = nullptr;
};

/// Of the interface `iid`, which the plugin offers.
Maker maker_of(Bench& bench, const char* iid);

/// What create answered. An instance that it made is destroyed already.
struct Made {
    acp_status code = ACP_OK;
    std::string message;
    bool without_self = false;  ///< ACP_OK, but no instance
};
Made make(const Maker& maker, const acp_host* host, const acp_instance_config* config);
Made make(Bench& bench, const Maker& maker, const std::string& config_json);

// The checks, for each kind of table.
void table_is_complete(Bench& bench, const char* iid);
void creates(Bench& bench, const char* iid);
void refuses_garbage(Bench& bench, const char* iid);
void refuses_unknown_members(Bench& bench, const char* iid);
void survives_config_sizes(Bench& bench, const char* iid);
void survives_error_sizes(Bench& bench, const char* iid);
void survives_bare_host(Bench& bench, const char* iid);
void makes_many(Bench& bench, const char* iid);

/// What stays behind after many rounds of `once`, which makes an instance, uses
/// and destroys it. Fails the check over descriptors, threads or bytes.
enum class Leak { descriptors, threads, memory };
void leaves_nothing(Bench& bench, Leak leak, const std::function<void()>& once);

}  // namespace acp::conformance
