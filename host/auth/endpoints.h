// auth: the identity broker's endpoints that the host serves itself, and those of
// auth flows: the token endpoint and its kin, discovery, keys.
#pragma once

#include <string>
#include <vector>

#include "auth/client_auth.h"
#include "auth/exchange.h"
#include "auth/flow_endpoints.h"
#include "auth/granting.h"
#include "auth/services.h"
#include "dispatch/route.h"
#include "json/json.h"

namespace acp::auth {

/// A route, and its operation in the OpenAPI document when it is not there from the
/// start: what a flow brings.
struct Mounted {
    dispatch::Route route;
    json::Object::Ptr operation;
};

/// Outlives its routes. [any-thread]
class Endpoints {
public:
    explicit Endpoints(Services services);
    Endpoints(const Endpoints&) = delete;
    Endpoints& operator=(const Endpoints&) = delete;

    /// All routes, those of the flows that there are now included. A flow's endpoint that cannot be
    /// served is left out and logged: its mistake costs the endpoint, not the server.
    std::vector<Mounted> routes();
    const Counters& counters() const noexcept { return services_.counters; }

private:
    using Answer = Result<http::Response> (Endpoints::*)(const dispatch::Context&, const ProvenClient&, const http::Query&);
    /// A POST of a form by a proven client.
    dispatch::BlockingHandler for_clients(Answer answer);
    Result<http::Response> token(const dispatch::Context& context, const ProvenClient& client, const http::Query& form);
    Result<http::Response> introspect(const dispatch::Context& context, const ProvenClient& client, const http::Query& form);
    Result<http::Response> revoke(const dispatch::Context& context, const ProvenClient& client, const http::Query& form);
    std::vector<plugins::AuthEndpoint> flow_endpoints() const;
    void add_metadata(std::vector<Mounted>& out);
    void add_flows(std::vector<Mounted>& out);

    const Services services_;
    const Granting granting_;
    ClientAuthenticator clients_;
    const Exchange exchange_;
    FlowEndpoints flows_;
};

}  // namespace acp::auth
