// dispatch: what stands between the wire and the handlers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "work/pool.h"
#include "dispatch/router.h"
#include "identity/principal.h"
#include "wire/exchange.h"

namespace acp::dispatch {

/// Proves who a bearer token belongs to. [any-thread], must not block.
using Authenticate = std::function<Result<identity::Principal>(std::string_view token)>;

struct GateOptions {
    std::uint64_t body_bytes = 1U << 20;
    /// Caller of requests without a token, for insecure_dev only.
    std::optional<identity::Principal> anonymous;
};

/// The wire's application. Order for every request: path, route, token, scope,
/// media type, body, handler.
class Gate final : public wire::Application {
public:
    Gate(const Router& router, work::Pool& pool, Authenticate authenticate, GateOptions options);
    void on_request(wire::Exchange& exchange) override;
    http::Response on_refusal(int status, std::string_view slug, std::string_view request_id) override;
    /// Told of each denial (401 with a token, 403); must not block.
    void on_denial(std::function<void(const Context&, const Error&)> listener) { denied_ = std::move(listener); }

private:
    Result<identity::Principal> identify(const wire::RequestView& request) const;
    void serve(wire::Exchange& exchange, const Route& route, std::string path, std::string_view query, Params params);
    void run(const Route& route, const ContextPtr& context);

    const Router& router_;
    work::Pool& pool_;
    const Authenticate authenticate_;
    const GateOptions options_;
    std::function<void(const Context&, const Error&)> denied_;
};

}  // namespace acp::dispatch
