#include "app/broker.h"

namespace acp::app {

namespace {

auth::Settings settings_of(const config::Config& config) {
    auth::Settings out = auth::make_settings(config.identity.issuer, config::public_origin(config));
    out.audience = config.identity.audience;
    out.token_ttl_s = config.identity.token_ttl_s;
    out.leeway_s = config.identity.leeway_s;
    out.client_failures = config.identity.client_failures;
    return out;
}

std::vector<auth::Flow> flows_of(const plugins::View& view) {
    std::vector<auth::Flow> out;
    for (const auto& flow : view.flows)
        out.push_back({flow->alias(), flow->endpoints(), [flow](const plugins::CallContext& call, const plugins::AuthRequest& request) { return flow->handle(call, request); }});
    return out;
}

identity::VerifierParts verifier_parts(const IdentityParts& parts) { return {parts.keys, parts.trusted, parts.revocations, parts.proofs}; }

}  // namespace

Broker::Broker(const config::Config& config, const IdentityParts& parts, state::Store& store, ledger::Ledger& ledger, std::function<plugins::ViewPtr()> view)
    : trust_(config.identity.issuer, verifier_parts(parts)),
      security_(ledger),
      flow_identity_(settings_of(config), verifier_parts(parts), store, security_),
      endpoints_(auth::Services{settings_of(config), parts.clients, *parts.keys, store, trust_, security_, counters_,
                                [view = std::move(view)] { return flows_of(*view()); }}) {}

Result<void> Broker::add_routes(dispatch::Router& router, manage::OpenApi& api) {
    for (auto& mounted : endpoints_.routes()) {
        if (mounted.operation)
            if (auto added = api.add_operation(mounted.route.method, mounted.route.pattern, mounted.operation); !added) return added;
        if (auto added = api.mount(router, std::move(mounted.route)); !added) return added;
    }
    return {};
}

}  // namespace acp::app
