// Providers, their health and what they can do; plugins, loaded or not.
#include "manage/handler.h"
#include "manage/routes.h"

#include <future>
#include <memory>

namespace acp::manage {

namespace {

using dispatch::Context;

std::string_view health_name(std::int32_t state) noexcept {
    return state == ACP_HEALTH_UP ? "up" : state == ACP_HEALTH_DEGRADED ? "degraded" : "down";
}

Result<http::Response> list_providers(const Services& services, const Context&) {
    auto items = json::array();
    const auto view = services.catalogue.view();
    for (const auto& instance : view->instances) {
        if (instance.kind != "provider") continue;
        auto item = json::object({{"alias", instance.alias}, {"plugin", instance.plugin}, {"ready", instance.ready}, {"default", instance.alias == services.default_provider}});
        if (!instance.ready) item->set("fault", fault_json(instance.fault));
        items->add(item);
    }
    return json_of(json::object({{"items", items}}));
}

Result<http::Response> provider_health(const Services& services, const Context& context) {
    auto provider = services.catalogue.provider(context.param("alias"));
    if (!provider) return fail(provider.error());
    auto report = (*provider)->health(read_call(context));
    if (!report) return fail(report.error());
    auto out = json::object({{"alias", (*provider)->alias()}, {"status", std::string(health_name(report->state))}, {"message", report->message}});
    auto details = report->details_json.empty() ? Result<json::Var>(tl::in_place, json::object()) : json::parse(report->details_json);
    out->set("details", details ? *details : json::Var(json::object()));
    return json_of(out);
}

Result<http::Response> capabilities(const Services& services, const Context& context) {
    auto provider = services.catalogue.provider(context.param("alias"));
    if (!provider) return fail(provider.error());
    auto operations = json::object();
    for (const auto& c : (*provider)->capabilities()) {
        auto cell = json::object({{"supported", c.supported}});
        if (!c.reason.empty()) cell->set("reason", c.reason);
        operations->set(c.operation, cell);
    }
    return json_of(json::object({{"alias", (*provider)->alias()}, {"operations", operations}}));
}

Result<http::Response> list_plugins(const Services& services, const Context&) {
    auto items = json::array();
    const auto view = services.catalogue.view();
    for (const auto& record : view->records) {
        auto interfaces = json::array();
        for (const auto& iid : record.interfaces) interfaces->add(iid);
        auto keys = json::array();
        for (const auto& key : record.keys) keys->add(key);
        auto item = json::object({{"path", record.path},
                                  {"id", record.id},
                                  {"version", record.version},
                                  {"vendor", record.vendor},
                                  {"sha256", record.sha256},
                                  {"form", record.form},
                                  {"signed_by", keys},
                                  {"abi", "1." + std::to_string(record.abi_minor_built)},
                                  {"abi_required", "1." + std::to_string(record.abi_minor_required)},
                                  {"interfaces", interfaces},
                                  {"generation", static_cast<std::int64_t>(record.generation)},
                                  {"loaded", record.loaded}});
        // Of a plugin that is loaded: why the last reload came to nothing.
        if (!record.fault.message.empty()) item->set("fault", fault_json(record.fault));
        items->add(item);
    }
    auto instances = json::array();
    for (const auto& instance : view->instances) {
        auto item = json::object({{"alias", instance.alias}, {"plugin", instance.plugin}, {"kind", instance.kind}, {"ready", instance.ready}});
        if (!instance.mount.empty()) item->set("mount", instance.mount);
        if (!instance.ready) item->set("fault", fault_json(instance.fault));
        instances->add(item);
    }
    return json_of(json::object({{"items", items}, {"instances", instances}}));
}

/// The event is durable before the new code runs: it may be the last thing that
/// this process does.
Result<http::Response> reload_plugin(const Services& services, const Context& context) {
    const std::string id = context.param("id");
    const auto record = [&](const std::string& outcome, const json::Object::Ptr& details) {
        ledger::SecurityEvent event;
        event.kind = "plugin.reload";
        event.actor = context.principal->subject;
        event.target = id;
        event.outcome = outcome;
        event.request_id = context.request_id;
        event.details = details;
        auto durable = std::make_shared<std::promise<Result<void>>>();
        auto outcome_of = durable->get_future();
        services.ledger.record(std::move(event), [durable](Result<void> done) { durable->set_value(std::move(done)); });
        return outcome_of.get();
    };
    if (auto begun = record("begun", json::object()); !begun) return fail(begun.error());
    const auto reloaded = services.catalogue.reload(id);
    if (!reloaded) {
        record("failed", json::object({{"code", reloaded.error().slug}, {"message", reloaded.error().message}}));
        return fail(reloaded.error());
    }
    auto instances = json::array();
    for (const auto& alias : reloaded->instances) instances->add(alias);
    auto out = json::object({{"id", reloaded->id},
                             {"version", reloaded->version},
                             {"sha256", reloaded->sha256},
                             {"generation", static_cast<std::int64_t>(reloaded->generation)},
                             {"changed", reloaded->changed},
                             {"instances", instances}});
    record(reloaded->changed ? "reloaded" : "unchanged", out);
    return json_of(out);
}

}  // namespace

Result<void> add_provider_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    std::vector<dispatch::Route> routes;
    auto add = [&](std::string path, std::string id, auto handler) {
        routes.push_back({"GET", std::move(path), std::move(id), {}, dispatch::Body::none, {}, answering([&services, handler](const Context& c) -> Result<http::Response> {
                              if (auto known = c.query.only({}); !known) return fail(known.error());
                              return handler(services, c);
                          }), {}});
    };
    add("/manage/providers", "listProviders", list_providers);
    add("/manage/providers/{alias}/health", "getProviderHealth", provider_health);
    add("/manage/providers/{alias}/capabilities", "getProviderCapabilities", capabilities);
    add("/manage/plugins", "listPlugins", list_plugins);
    routes.push_back({"POST", "/manage/plugins/{id}/reload", "reloadPlugin", {}, dispatch::Body::none, {},
                      answering([&services](const Context& c) -> Result<http::Response> {
                          if (auto known = c.query.only({}); !known) return fail(known.error());
                          return reload_plugin(services, c);
                      }),
                      {}});
    for (auto& route : routes)
        if (auto added = api.mount(router, std::move(route)); !added) return added;
    return {};
}

}  // namespace acp::manage
