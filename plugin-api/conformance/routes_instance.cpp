#include "routes_instance.h"

#include "text.h"

namespace acp::conformance {

RouteRequest::RouteRequest(const Route& route, std::string content)
    : operation_id_(route.operation_id), method_(route.method), body_(std::move(content)) {
    for (std::size_t i = 0; i < route.pattern.size();) {
        const auto end = route.pattern[i] == '{' ? route.pattern.find('}', i) : std::string::npos;
        if (end == std::string::npos) {
            path_ += route.pattern[i++];
            continue;
        }
        names_.push_back(route.pattern.substr(i + 1, end - i - 1));
        path_ += "conformance";
        i = end + 1;
    }
    for (const auto& name : names_) params_.push_back({sdk::str(name), ACP_STR_LITERAL("conformance")});
    fields_.push_back({ACP_STR_LITERAL("accept"), ACP_STR_LITERAL("*/*")});
    raw.struct_size = sizeof raw;
    raw.operation_id = sdk::str(operation_id_);
    raw.method = sdk::str(method_);
    raw.path = sdk::str(path_);
    raw.params = params_.data();
    raw.params_count = params_.size();
    raw.fields = fields_.data();
    raw.fields_count = fields_.size();
    raw.body = sdk::bytes(body_);
}

RoutesInstance::RoutesInstance(Bench& bench) : table_(whole_table<acp_http_routes>(bench.interface(ACP_IID_HTTP_ROUTES))) {
    bench.init();
    const std::string folder = bench.plugin_folder(), state_dir = bench.folder();
    const acp_instance_config config = {sizeof config,
                                        0,
                                        ACP_STR_LITERAL("conformance"),
                                        sdk::str(bench.options().config_json),
                                        sdk::str(folder),
                                        sdk::str(state_dir)};
    sdk::ErrorSlot error;
    const acp_status made =
        at_boundary("create", [&] { return table_.create(bench.host().raw(), &config, &self_, error.get()); });
    require(made == ACP_OK, "no instance can be made with the configuration that was given", "ACP_OK",
            status_name(made) + ": " + in_quotes(error.message()));
    const acp_http_route_sink sink = {sizeof sink, 0, &routes_, [](void* ctx, const acp_http_route* r) {
                                          static_cast<std::vector<Route>*>(ctx)->push_back(
                                              {sdk::text(r->method), sdk::text(r->pattern), sdk::text(r->scope),
                                               sdk::text(r->operation_id), sdk::text(r->summary),
                                               sdk::text(r->operation_json), r->struct_size < sizeof *r});
                                      }};
    const acp_status listed = at_boundary("routes", [&] { return table_.routes(self_, &sink, error.get()); });
    require(listed == ACP_OK, "the routes cannot be listed", "ACP_OK", status_name(listed) + ": " + in_quotes(error.message()));
}

RoutesInstance::~RoutesInstance() {
    if (self_) table_.destroy(self_);
}

Answer RoutesInstance::handle(const acp_http_request& request, FakeStream& stream, const FakeCall& call) {
    Answer answer;
    answer.operation = "handle of " + sdk::text(request.operation_id);
    sdk::ErrorSlot error;
    answer.code = at_boundary("handle", [&] { return table_.handle(self_, call.raw(), &request, stream.lend(), error.get()); });
    answer.message = error.message();
    answer.details_json = error.details_json();
    answer.error_code = error.raw().code;
    answer.http_status = error.raw().http_status;
    answer.retry_after_ms = error.raw().retry_after_ms;
    if (!answer.ok()) stream.take_back();
    return answer;
}

std::string RoutesInstance::name(int kind) const {
    const Route& route = routes_.at(static_cast<std::size_t>(kind));
    return route.method + " " + route.pattern;
}

Answer RoutesInstance::open(int kind, FakeStream& stream, const FakeCall& call) {
    const RouteRequest request(routes_.at(static_cast<std::size_t>(kind)), std::string(1000, 'x'));
    return handle(request.raw, stream, call);
}

Answer RoutesInstance::open_unknown(FakeStream& stream) {
    const RouteRequest request({"GET", "/no-such-route", "", "no-such-operation", "", "", false});
    const FakeCall call(kStreamLimit);
    return handle(request.raw, stream, call);
}

}  // namespace acp::conformance
