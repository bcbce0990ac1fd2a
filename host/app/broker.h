// app: the endpoints below /auth, put together.
#pragma once

#include <functional>

#include "app/identity.h"
#include "auth/bootstrap.h"
#include "auth/browser_sessions.h"
#include "auth/callers.h"
#include "auth/endpoints.h"
#include "auth/host_identity.h"
#include "auth/trust_parts.h"
#include "base/result.h"
#include "config/config.h"
#include "dispatch/evidence.h"
#include "dispatch/router.h"
#include "ledger/ledger.h"
#include "manage/openapi.h"
#include "plugins/catalogue.h"
#include "state/store.h"

namespace acp::app {

class Broker {
public:
    /// `view` tells the plugins as they are now; it is not asked before add_routes. Everything
    /// given outlives the requests.
    Broker(const config::Config& config, const IdentityParts& parts, state::Store& store, ledger::Ledger& ledger,
           std::function<plugins::ViewPtr()> view);

    /// What auth flows reach of the house; plugins are loaded after it is there, and gone before it is.
    plugins::HostIdentity& for_flows() noexcept { return flow_identity_; }

    /// The broker outlives the router.
    Result<void> add_routes(dispatch::Router& router, manage::OpenApi& api);
    const auth::Counters& counters() const noexcept { return counters_; }

    /// Who proves the callers of all other routes, and where they say who they are. Once plugins are loaded.
    dispatch::Authenticator& callers() noexcept { return callers_; }
    dispatch::EvidenceSources evidence() const;

private:
    const auth::Settings settings_;
    const std::function<std::vector<auth::Flow>()> flows_;
    auth::TrustParts trust_;
    auth::LedgerLog security_;
    auth::Counters counters_;
    auth::FlowIdentity flow_identity_;
    auth::Sessions sessions_;
    auth::Renewals renewals_;
    auth::BrowserSessions browser_;
    auth::Callers callers_;
    auth::Endpoints endpoints_;
    auth::Bootstrap bootstrap_;
};

}  // namespace acp::app
