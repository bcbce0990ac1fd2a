// dispatch: what stands between the wire and the handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "dispatch/authenticator.h"
#include "dispatch/client_address.h"
#include "dispatch/router.h"
#include "identity/principal.h"
#include "work/pool.h"
#include "wire/exchange.h"

namespace acp::dispatch {

struct GateOptions {
    std::uint64_t body_bytes = 1U << 20;
    /// Caller of requests without a token, for insecure_dev only.
    identity::PrincipalPtr anonymous;
    EvidenceSources sources;
    TrustedProxies proxies;
    /// How long ago a caller may have proven itself for a route that names an acr.
    std::int64_t step_up_max_age_s = 180;
};

/// Two classes of work that blocks: neither may take the other's places.
struct GatePools {
    work::Pool& callers;   ///< who calls
    work::Pool& handlers;  ///< Route::blocking
};

/// The wire's application. Order for every request: path, route, caller, scope,
/// media type, body, handler. A caller that is not known is proven on a pool.
class Gate final : public wire::Application {
public:
    Gate(const Router& router, GatePools pools, Authenticator& authenticator, GateOptions options);
    void on_request(wire::Exchange& exchange) override;
    http::Response on_refusal(int status, std::string_view slug, std::string_view request_id) override;
    /// Told of each denial (401 with a token, 403); must not block.
    void on_denial(std::function<void(const Context&, const Error&)> listener) { denied_ = std::move(listener); }

private:
    void serve(wire::Exchange& exchange, const Route& route, std::string path, std::string_view query, Params params);
    void identify(wire::Exchange& exchange, const Route& route, const ContextPtr& context);
    void prove(wire::Exchange& exchange, const Route& route, const ContextPtr& context, const Evidence& evidence);
    void authorise(wire::Exchange& exchange, const Route& route, const ContextPtr& context, identity::PrincipalPtr principal);
    void deny(wire::Exchange& exchange, const Route& route, const ContextPtr& context, const Error& error) const;
    void accept(wire::Exchange& exchange, const Route& route, const ContextPtr& context);
    void run(const Route& route, const ContextPtr& context);

    const Router& router_;
    const GatePools pools_;
    Authenticator& authenticator_;
    const GateOptions options_;
    std::function<void(const Context&, const Error&)> denied_;
};

}  // namespace acp::dispatch
