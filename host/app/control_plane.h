// app: puts the rooms together and runs them. The one place that knows all of
// them; what it constructs first is destroyed last.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/identity.h"
#include "app/broker.h"
#include "app/tls.h"
#include "base/result.h"
#include "config/config.h"
#include "dispatch/gate.h"
#include "work/pool.h"
#include "dispatch/router.h"
#include "identity/token.h"
#include "ledger/ledger.h"
#include "manage/openapi.h"
#include "manage/services.h"
#include "plugins/catalogue.h"
#include "redact/redactor.h"
#include "wire/engine.h"
#include "workloads/actions.h"

namespace acp::app {

/// Settings of tokens, as `serve` and `token mint` need them.
identity::TokenPolicy token_policy(const config::Config& config);

class ControlPlane {
public:
    /// Everything but serving: opens the ledger, loads plugins, repairs what a
    /// crash left, binds the address. A failed plugin does not fail this.
    /// `inherited`: listening sockets that take the place of server.listen.
    static Result<std::unique_ptr<ControlPlane>> make(const config::Config& config, const std::vector<int>& inherited);
    ~ControlPlane();
    ControlPlane(const ControlPlane&) = delete;
    ControlPlane& operator=(const ControlPlane&) = delete;

    void start();
    /// Takes no new requests, lets those under way end, for at most the
    /// configured grace.
    void drain();
    /// Brings into effect what of `fresh` can be while serving; returns the keys
    /// that need a restart.
    Result<std::vector<std::string>> reload(const config::Config& fresh);
    const std::vector<wire::Listener>& listeners() const noexcept { return engine_->listeners(); }

private:
    explicit ControlPlane(const config::Config& config);
    Result<void> open_identity(std::shared_ptr<identity::Keyring> keys);
    Result<void> open_ledger();
    void load_plugins();
    void repair();
    Result<void> route();
    Result<void> bind(const std::vector<int>& inherited);
    void record(const std::string& kind, const std::string& actor, const std::string& target, const std::string& outcome);

    const config::Config config_;
    std::atomic<bool> draining_{false};
    std::shared_ptr<redact::Redactor> redactor_;
    std::unique_ptr<state::Store> state_;
    IdentityParts identity_;
    std::unique_ptr<wire::Engine> engine_holder_;  // see bind()
    std::unique_ptr<ledger::Ledger> ledger_;
    std::unique_ptr<Broker> broker_;
    std::unique_ptr<plugins::Catalogue> catalogue_;
    std::unique_ptr<workloads::Actions> actions_;
    std::unique_ptr<work::Pool> queries_pool_;
    std::unique_ptr<work::Pool> callers_pool_;
    std::unique_ptr<work::Pool> actions_pool_;
    std::unique_ptr<work::Pool> streams_pool_;
    std::unique_ptr<work::Pool> probes_pool_;
    std::unique_ptr<manage::Services> services_;
    std::unique_ptr<manage::OpenApi> api_;
    dispatch::Router router_;
    std::unique_ptr<dispatch::Gate> gate_;
    ListenerTls tls_;
    wire::Engine* engine_ = nullptr;
};

}  // namespace acp::app
