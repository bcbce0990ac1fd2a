// app: the endpoints below /auth, put together.
#pragma once

#include "app/identity.h"
#include "auth/endpoints.h"
#include "auth/trust_parts.h"
#include "base/result.h"
#include "config/config.h"
#include "dispatch/router.h"
#include "ledger/ledger.h"
#include "manage/openapi.h"
#include "plugins/catalogue.h"
#include "state/store.h"

namespace acp::app {

class Broker {
public:
    /// Everything given outlives it.
    Broker(const config::Config& config, const IdentityParts& parts, state::Store& store, ledger::Ledger& ledger, const plugins::Catalogue& catalogue);

    /// The broker outlives the router.
    Result<void> add_routes(dispatch::Router& router, manage::OpenApi& api);
    const auth::Counters& counters() const noexcept { return counters_; }

private:
    auth::TrustParts trust_;
    auth::LedgerLog security_;
    auth::Counters counters_;
    auth::Endpoints endpoints_;
};

}  // namespace acp::app
