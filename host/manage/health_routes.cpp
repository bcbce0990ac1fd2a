// Liveness, readiness, metrics, limits and the document itself.
#include "manage/handler.h"
#include "manage/metrics.h"
#include "manage/routes.h"

namespace acp::manage {

namespace {

using dispatch::Context;

/// A provider that does not answer within this time counts as down.
constexpr std::int64_t kHealthTimeoutMs = 3000;

json::Object::Ptr check(std::string status, const std::string& message) {
    auto out = json::object({{"status", std::move(status)}});
    if (!message.empty()) out->set("message", message);
    return out;
}

/// Ready means: an action can be recorded. A provider that is down degrades,
/// because the others still serve.
http::Response readiness(const Services& services, const Context& context) {
    auto checks = json::object();
    bool ready = true;
    bool degraded = false;

    const auto ledger = services.ledger.health();
    checks->set("ledger", check(ledger.writable ? "up" : "down", ledger.writable ? std::string() : ledger.last_error));
    ready = ready && ledger.writable;
    if (services.draining) {
        checks->set("server", check("down", "the server is draining"));
        ready = false;
    }
    for (const auto& record : services.catalogue.records()) {
        if (record.loaded) continue;
        checks->set("plugin:" + (record.id.empty() ? record.path.substr(record.path.rfind('/') + 1) : record.id), check("down", record.fault.message));
        degraded = true;
    }
    for (const auto& instance : services.catalogue.instances()) {
        const std::string name = (instance.kind == "provider" ? "provider:" : "routes:") + instance.alias;
        if (!instance.ready) {
            checks->set(name, check("down", instance.fault.message));
            degraded = true;
            continue;
        }
        if (instance.kind != "provider") continue;
        auto provider = services.catalogue.provider(instance.alias);
        auto call = read_call(context);
        call.deadline_mono_ns = monotonic_ns() + kHealthTimeoutMs * 1'000'000;
        auto report = (*provider)->health(call);
        if (!report) {
            const bool silent = report.error().code == Code::unsupported;
            checks->set(name, check(silent ? "up" : "down", silent ? std::string() : report.error().message));
            degraded = degraded || !silent;
        } else {
            checks->set(name, check(report->state == ACP_HEALTH_UP ? "up" : report->state == ACP_HEALTH_DEGRADED ? "degraded" : "down", report->message));
            degraded = degraded || report->state != ACP_HEALTH_UP;
        }
    }
    auto out = json::object({{"status", !ready ? "not_ready" : degraded ? "degraded" : "ready"}, {"version", services.version}, {"insecure_dev", services.insecure_dev}, {"checks", checks}});
    auto response = json_of(out, ready ? 200 : 503);
    if (!ready) response.field("Retry-After", "5");
    return response;
}

http::Response alive(const wire::RequestView&) {
    http::Response response;
    response.content_type = http::kJson;
    response.body = R"({"status":"ok"})";
    return response;
}

}  // namespace

Result<void> add_health_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    std::vector<dispatch::Route> routes;
    auto at_once = [&](std::string path, std::string id, dispatch::ImmediateHandler handler) {
        routes.push_back({"GET", std::move(path), std::move(id), {}, dispatch::Body::none, std::move(handler), {}, {}});
    };
    auto on_pool = [&](std::string path, std::string id, dispatch::BlockingHandler handler) {
        routes.push_back({"GET", std::move(path), std::move(id), {}, dispatch::Body::none, {}, std::move(handler), {}});
    };
    at_once("/manage/healthz", "getHealthz", alive);
    at_once("/manage/livez", "getLivez", alive);
    on_pool("/manage/readyz", "getReadyz", [&services](const dispatch::ContextPtr& c) { return readiness(services, *c); });
    on_pool("/manage/openapi.json", "getOpenapi", [&api](const dispatch::ContextPtr&) { return http::json_response(200, api.text()); });
    on_pool("/manage/limits", "getLimits", [&services](const dispatch::ContextPtr&) { return http::json_response(200, services.limits_json); });
    on_pool("/manage/metrics", "getMetrics", [&services](const dispatch::ContextPtr&) {
        http::Response response;
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        response.body = metrics_text(services);
        return response;
    });
    for (auto& route : routes) {
        // The one scope that the operator may drop: scrapers seldom carry tokens.
        const bool open = route.operation_id == "getMetrics" && services.metrics_public;
        if (auto added = api.mount(router, std::move(route), open); !added) return added;
    }
    return {};
}

}  // namespace acp::manage
