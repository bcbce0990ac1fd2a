// plugins: one configured instance of acp.http_routes/1.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "alphaswarm-cp/ext/http_routes.h"
#include "base/result.h"
#include "plugins/call_scope.h"
#include "plugins/library.h"
#include "plugins/record.h"
#include "stream/stream.h"

namespace acp::plugins {

struct PluginRoute {
    std::string method, pattern, scope, operation_id, summary, operation_json;
    bool operator==(const PluginRoute&) const = default;
};

struct PluginRequest {
    std::string operation_id, method, path, query, body;
    std::vector<std::pair<std::string, std::string>> params, fields;
};

class RouteInstance : public std::enable_shared_from_this<RouteInstance> {
public:
    static std::unique_ptr<RouteInstance> create(const LibraryPtr& library, const acp_host& host, std::string alias,
                                                 const std::string& config_json, const std::string& state_dir, Fault& fault);
    ~RouteInstance();
    /// Destroys the plugin's instance now, if it is still there.
    void end() const;
    RouteInstance(const RouteInstance&) = delete;
    RouteInstance& operator=(const RouteInstance&) = delete;

    const std::string& alias() const noexcept { return alias_; }
    const std::vector<PluginRoute>& routes() const noexcept { return routes_; }
    /// [any-thread] [may-block]; the plugin answers through `response`.
    Result<void> handle(const CallContext& context, const PluginRequest& request, const stream::Ref& response) const;

private:
    template <typename Kind, typename After>
    friend std::unique_ptr<Kind> make_instance(std::unique_ptr<Kind>, const acp_host&, const std::string&,
                                               const std::string&, Fault&, After);
    RouteInstance() = default;
    bool read_routes(Fault& fault);
    LibraryPtr library_;
    std::string alias_;
    std::string plugin_id_;
    void* self_ = nullptr;
    mutable std::once_flag ended_;
    acp_http_routes table_{};
    std::vector<PluginRoute> routes_;
};

using RouteInstancePtr = std::shared_ptr<const RouteInstance>;

}  // namespace acp::plugins
