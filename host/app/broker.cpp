#include "app/broker.h"

#include "auth/session_routes.h"
#include "base/clock.h"

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
        out.push_back({flow->alias(), flow->endpoints(),
                       [flow](const plugins::CallContext& call, const plugins::AuthRequest& request) { return flow->handle(call, request); },
                       flow->credential_fields(),
                       [flow](const plugins::CallContext& call, const plugins::AuthRequest& request) { return flow->authenticate(call, request); },
                       [flow](const plugins::CallContext& call, const plugins::AuthSession& session) { return flow->renew(call, session); },
                       [flow](const plugins::CallContext& call, const plugins::AuthSession& session) { return flow->ended(call, session); }});
    return out;
}

identity::VerifierParts verifier_parts(const IdentityParts& parts) { return {parts.keys, parts.trusted, parts.revocations, parts.proofs}; }

}  // namespace

Broker::Broker(const config::Config& config, const IdentityParts& parts, state::Store& store, ledger::Ledger& ledger, std::function<plugins::ViewPtr()> view)
    : settings_(settings_of(config)),
      flows_([view = std::move(view)] { return flows_of(*view()); }),
      trust_(config.identity.issuer, verifier_parts(parts)),
      security_(ledger),
      flow_identity_(settings_, verifier_parts(parts), store, security_, parts.assertion_keys),
      sessions_(store, {config.identity.sessions.idle_s, config.identity.sessions.absolute_s, config.identity.sessions.grace_s}),
      renewals_(sessions_, store, trust_, security_, flows_),
      browser_({settings_, sessions_, renewals_, store, trust_, security_, flows_}),
      callers_({*parts.verifier, sessions_, renewals_, trust_, flows_, [] { return unix_ns() / 1'000'000'000; }}),
      endpoints_(auth::Services{settings_, parts.clients, *parts.keys, store, trust_, security_, counters_, flows_, &browser_}),
      bootstrap_({bootstrap_file(config), settings_, *parts.keys, store, security_}) {}

Result<void> Broker::add_routes(dispatch::Router& router, manage::OpenApi& api) {
    auto all = endpoints_.routes();
    for (auto& mounted : bootstrap_.routes()) all.push_back(std::move(mounted));
    for (auto& mounted : auth::session_routes(browser_, sessions_, renewals_)) all.push_back(std::move(mounted));
    for (auto& mounted : all) {
        if (mounted.operation)
            if (auto added = api.add_operation(mounted.route.method, mounted.route.pattern, mounted.operation); !added) return added;
        if (auto added = api.mount(router, std::move(mounted.route)); !added) return added;
    }
    return {};
}

dispatch::EvidenceSources Broker::evidence() const {
    dispatch::EvidenceSources out;
    out.session_cookie = auth::session_cookie_name(settings_);
    out.origin = settings_.origin;
    for (const auto& flow : flows_()) out.asserted_fields.insert(out.asserted_fields.end(), flow.credential_fields.begin(), flow.credential_fields.end());
    return out;
}

}  // namespace acp::app
