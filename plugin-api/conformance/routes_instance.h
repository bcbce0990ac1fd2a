// conformance: an instance of acp.http_routes/1 on the bench.
#pragma once

#include <string>
#include <vector>

#include "alphaswarm-cp/ext/http_routes.h"
#include "bench.h"
#include "open_stream.h"

namespace acp::conformance {

struct Route {
    std::string method, pattern, scope, operation_id, summary, operation_json;
    bool short_struct = false;
};

/// A request for a route: its pattern with something in place of each brace.
struct RouteRequest {
    explicit RouteRequest(const Route& route, std::string content = {});
    RouteRequest(const RouteRequest&) = delete;
    RouteRequest& operator=(const RouteRequest&) = delete;
    acp_http_request raw{};

private:
    std::string operation_id_, method_, path_, body_;
    std::vector<std::string> names_;
    std::vector<acp_pair> params_, fields_;
};

class RoutesInstance final : public StreamSource {
public:
    explicit RoutesInstance(Bench& bench);
    ~RoutesInstance() override;

    const std::vector<Route>& routes() const noexcept { return routes_; }
    const acp_http_routes& table() const noexcept { return table_; }
    void* self() const noexcept { return self_; }
    /// On failure the stream's reference has been taken back.
    Answer handle(const acp_http_request& request, FakeStream& stream, const FakeCall& call);

    int kinds() const override { return static_cast<int>(routes_.size()); }
    std::string name(int kind) const override;
    Answer open(int kind, FakeStream& stream, const FakeCall& call) override;
    Answer open_unknown(FakeStream& stream) override;

private:
    acp_http_routes table_{};
    void* self_ = nullptr;
    std::vector<Route> routes_;
};

}  // namespace acp::conformance
