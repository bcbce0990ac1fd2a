#include "manage/routes.h"

#include <utility>

namespace acp::manage {

namespace {

/// What an auth flow would serve if the configuration had it.
void reserve_for_flows(dispatch::Router& router) {
    constexpr std::pair<const char*, const char*> kServedBy[] = {
        {"/auth/login", "acp.bff"},     {"/auth/callback", "acp.bff"}, {"/auth/logout", "acp.bff"},   {"/auth/backchannel-logout", "acp.bff"},
        {"/auth/stepup", "acp.stepup"}, {"/auth/m2m", "acp.m2m"},      {"/auth/device", "acp.device"}, {"/auth/agent-identity", "acp.agent-identity"}};
    for (const auto& [path, plugin] : kServedBy) router.reserve(path, std::string("no auth flow serves this: add one of the plugin ") + plugin + " to identity.flows");
}

/// Parts of the contract that this version does not serve. They answer 501
/// rather than 404, so that a client can tell "not yet" from "no such thing".
void reserve_the_rest(dispatch::Router& router) {
    const auto later = [&](std::string prefix, const std::string& what) {
        router.reserve(std::move(prefix), what + " is part of the interface, but not of this version");
    };
    later("/proxy", "the connection proxy");
    later("/console", "the web console");
    later("/manage/connections", "the connection manager");
    later("/manage/topology", "the topology registry");
    later("/manage/terraform", "terraform passthrough");
    later("/manage/credentials", "credentials");
    later("/manage/mfa", "multi-factor authentication");
    later("/manage/billing", "billing");
    later("/manage/tenancy", "tenancy");
    later("/manage/cells", "the cell registry");
    later("/manage/agents", "the agent watchdog");
    later("/manage/cloudflare", "Cloudflare");
    later("/manage/auth", "the list of identity providers");
    later("/manage/halt", "the kill switch");
    later("/manage/workflows", "the kill switch");
    later("/manage/workloads/halt", "the kill switch");
    later("/manage/launch", "the operator's launch");
    later("/manage/docs", "the documentation page");
    later("/manage/plugins", "reloading plugins");
}

}  // namespace

Result<void> add_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    for (auto* add : {&add_health_routes, &add_workload_routes, &add_stream_routes, &add_run_routes, &add_provider_routes, &add_mounted_routes})
        if (auto added = (*add)(router, api, services); !added) return added;
    reserve_for_flows(router);
    reserve_the_rest(router);
    return {};
}

}  // namespace acp::manage
