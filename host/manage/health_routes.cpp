// Liveness, readiness, metrics, limits and the document itself.
#include "manage/handler.h"
#include "manage/metrics.h"
#include "manage/readiness.h"
#include "manage/routes.h"

namespace acp::manage {

namespace {

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
    routes.push_back({"GET", "/manage/readyz", "getReadyz", {}, dispatch::Body::none, {}, {},
                      [readiness = std::make_shared<Readiness>(services)](const dispatch::ContextPtr& context) { readiness->answer(context->responder); }});
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
