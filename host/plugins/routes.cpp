#include "plugins/routes.h"

#include "abi/error.h"
#include "log/log.h"
#include "plugins/adopt.h"
#include "plugins/instance.h"
#include "plugins/instance_config.h"

namespace acp::plugins {

using abi::str;

std::unique_ptr<RouteInstance> RouteInstance::create(const LibraryPtr& library, const acp_host& host, std::string alias,
                                                     const std::string& config_json, const std::string& state_dir, Fault& fault) {
    const void* raw = library->interface(ACP_IID_HTTP_ROUTES);
    const std::string id = abi::text(library->entry().id);
    if (!raw) {
        refuse(fault, "config", "plugin " + id + " brings no HTTP routes", ACP_IID_HTTP_ROUTES, "no such interface", "name another plugin for this alias");
        return nullptr;
    }
    if (!check_config(*library, config_json, fault)) return nullptr;
    auto instance = std::unique_ptr<RouteInstance>(new RouteInstance);
    instance->library_ = library;
    instance->alias_ = std::move(alias);
    instance->plugin_id_ = id;
    instance->table_ = adopt<acp_http_routes>(raw);
    const auto& table = instance->table_;
    if (!table.create || !table.destroy || !table.routes || !table.handle) {
        refuse(fault, "abi", "the table of HTTP routes lacks a function", "create, destroy, routes and handle", "NULL", "fill in the table");
        return nullptr;
    }
    return make_instance(std::move(instance), host, config_json, state_dir, fault,
                         [](RouteInstance& made, Fault& why) { return made.read_routes(why); });
}

RouteInstance::~RouteInstance() {
    end();
}

void RouteInstance::end() const {
    std::call_once(ended_, [this] {
        if (self_) destroy_instance([destroy = table_.destroy, self = self_] { destroy(self); }, alias_);
    });
}

bool RouteInstance::read_routes(Fault& fault) {
    auto emit = [](void* ctx, const acp_http_route* raw) {
        try {
            static_cast<std::vector<PluginRoute>*>(ctx)->push_back({abi::text(raw->method), abi::text(raw->pattern), abi::text(raw->scope),
                                                                    abi::text(raw->operation_id), abi::text(raw->summary), abi::text(raw->operation_json)});
        } catch (...) {
            // Out of memory: the route is missing and the router will not serve it.
        }
    };
    acp_http_route_sink sink{sizeof(acp_http_route_sink), 0, &routes_, +emit};
    acp_error error{};
    error.struct_size = sizeof error;
    try {
        acp_status status = table_.routes(self_, &sink, &error);
        if (status == ACP_OK) return true;
        return refuse(fault, "create", abi::take_error(status, error, plugin_id_ + " routes").message, "a list of routes", "status " + std::to_string(status), "see the message");
    } catch (...) {
        return refuse(fault, "create", "the plugin threw while it listed its routes", "no exception", "an exception", "report it to the plugin's vendor");
    }
}

Result<void> RouteInstance::handle(const CallContext& context, const PluginRequest& request, const stream::Ref& response) const {
    std::vector<acp_pair> params;
    std::vector<acp_pair> fields;
    for (const auto& [n, v] : request.params) params.push_back({str(n), str(v)});
    for (const auto& [n, v] : request.fields) fields.push_back({str(n), str(v)});
    acp_http_request raw{};
    raw.struct_size = sizeof raw;
    raw.operation_id = str(request.operation_id);
    raw.method = str(request.method);
    raw.path = str(request.path);
    raw.query = str(request.query);
    raw.params = params.data();
    raw.params_count = params.size();
    raw.fields = fields.data();
    raw.fields_count = fields.size();
    raw.body = {reinterpret_cast<const std::uint8_t*>(request.body.data()), request.body.size()};
    CallScope scope(context, "routes." + alias_);
    acp_error error{};
    error.struct_size = sizeof error;
    response->keep(weak_from_this().lock());
    response->retain();
    try {
        acp_status status = table_.handle(self_, scope.get(), &raw, response.handle(), &error);
        if (status == ACP_OK) return {};
        response->release();
        return fail(abi::take_error(status, error, plugin_id_ + " " + request.operation_id));
    } catch (...) {
        return fail(Code::internal, "plugin_defect", "plugin " + plugin_id_ + " threw in " + request.operation_id);
    }
}

}  // namespace acp::plugins
