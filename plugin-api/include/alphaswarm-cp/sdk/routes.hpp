// alphaswarm-cp plugin SDK: write acp.http_routes/1 as one C++ class.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alphaswarm-cp/ext/http_routes.h"
#include "alphaswarm-cp/sdk/provider.hpp"

namespace acp::sdk {

struct RouteSpec {
    std::string method, pattern, scope, operation_id, summary, operation_json;
};

/// Owned copy of acp_http_request.
struct RoutedRequest {
    std::string operation_id, method, path, query, body;
    Pairs params, fields;
    std::string param(std::string_view name) const {
        for (const auto& [n, v] : params)
            if (n == name) return v;
        return {};
    }
};

class HttpRoutes {
public:
    virtual ~HttpRoutes() = default;
    virtual std::vector<RouteSpec> routes() const = 0;
    /// Take `response` by moving from it; throwing before that becomes problem+json.
    virtual void handle(const Call&, const RoutedRequest&, Stream& response) = 0;
};

template <typename Class>
class HttpRoutesTables {
public:
    static const void* get_interface(acp_str iid) noexcept {
        static const acp_http_routes table = {sizeof(acp_http_routes), 0, &create, &destroy, &routes, &handle};
        return view(iid) == ACP_IID_HTTP_ROUTES ? &table : nullptr;
    }

private:
    struct Instance {
        Host host;
        std::unique_ptr<HttpRoutes> routes;
    };
    static HttpRoutes& of(void* self) noexcept { return *static_cast<Instance*>(self)->routes; }
    static acp_status create(const acp_host* host, const acp_instance_config* given, void** self, acp_error* error) {
        return edge(error, [&] {
            const acp_instance_config config = whole(given);
            InstanceConfig c{text(config.alias), text(config.config_json), text(config.plugin_dir), text(config.state_dir)};
            Host h(host);
            auto instance = std::unique_ptr<Instance>(new Instance{h, std::make_unique<Class>(h, c)});
            *self = instance.release();
        });
    }
    static void destroy(void* self) { delete static_cast<Instance*>(self); }
    static acp_status routes(void* self, const acp_http_route_sink* out, acp_error* error) {
        return edge(error, [&] {
            for (const auto& r : of(self).routes()) {
                acp_http_route raw{sizeof(acp_http_route), 0, str(r.method), str(r.pattern), str(r.scope),
                                   str(r.operation_id), str(r.summary), str(r.operation_json)};
                emit_into(out, &raw);
            }
        });
    }
    static acp_status handle(void* self, const acp_call* call, const acp_http_request* given, acp_stream* raw_stream, acp_error* error) {
        return lend_stream(static_cast<Instance*>(self)->host.stream(), raw_stream, error, [&](Stream& stream) {
            const acp_http_request raw = whole(given);
            RoutedRequest r;
            r.operation_id = text(raw.operation_id);
            r.method = text(raw.method);
            r.path = text(raw.path);
            r.query = text(raw.query);
            if (raw.body.ptr) r.body.assign(reinterpret_cast<const char*>(raw.body.ptr), raw.body.len);
            for (size_t i = 0; i < raw.params_count; ++i) r.params.emplace_back(text(raw.params[i].name), text(raw.params[i].value));
            for (size_t i = 0; i < raw.fields_count; ++i) r.fields.emplace_back(text(raw.fields[i].name), text(raw.fields[i].value));
            of(self).handle(Call(call), r, stream);
        });
    }
};

}  // namespace acp::sdk

#define ACP_HTTP_ROUTES_PLUGIN(Class, id, version, vendor, config_schema)                                     \
    extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {                                 \
        static const acp_plugin_entry entry = ::acp::sdk::make_entry<::acp::sdk::HttpRoutesTables<Class>>(    \
            ACP_STR_LITERAL(id), ACP_STR_LITERAL(version), ACP_STR_LITERAL(vendor),                           \
            ACP_STR_LITERAL(config_schema), acp_str{nullptr, 0});                                             \
        return &entry;                                                                                        \
    }
