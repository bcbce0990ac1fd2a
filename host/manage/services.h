// manage: what the handlers work with; owned by the composition root.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "auth/counters.h"
#include "identity/key_source.h"
#include "identity/token_cache.h"
#include "work/pool.h"
#include "ledger/ledger.h"
#include "plugins/catalogue.h"
#include "redact/redactor.h"
#include "state/store.h"
#include "workloads/actions.h"

namespace acp::manage {

struct Services {
    const redact::Redactor& redactor;
    ledger::Ledger& ledger;
    state::Store& state;
    plugins::Catalogue& catalogue;
    workloads::Actions& actions;
    work::Pool& queries_pool;
    work::Pool& callers_pool;
    work::Pool& actions_pool;
    work::Pool& streams_pool;
    work::Pool& probes_pool;  ///< for readiness alone
    std::string default_provider;      ///< empty: none configured
    std::string version;
    std::string limits_json;
    bool insecure_dev = false;
    bool metrics_public = false;
    const std::atomic<bool>& draining;
    /// Adds the wire's counters to a scrape; text exposition format.
    std::function<std::string()> wire_metrics;
    const auth::Counters* auth = nullptr;  ///< null: no endpoints below /auth
    const identity::KeyCounters* keys = nullptr;  ///< of other issuers; null: none are trusted
    std::function<identity::CacheCounts()> verified_tokens = {};
};

}  // namespace acp::manage
