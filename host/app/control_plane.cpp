#include "app/control_plane.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "app/reload.h"
#include "app/repair.h"
#include "app/state.h"
#include "app/trusted_proxies.h"
#include "auth/bootstrap.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "client/egress.h"
#include "json/json.h"
#include "log/log.h"
#include "manage/metrics.h"
#include "manage/routes.h"
#include "plugins/host_api.h"

namespace acp::app {

namespace fs = std::filesystem;

namespace {

/// Tables, ids and a start of the key ring live in the data directory: nobody
/// else has any business there.
Result<void> make_private(const fs::path& directory) {
    std::error_code ec;
    fs::create_directories(directory, ec);
    if (!ec) fs::permissions(directory, fs::perms::owner_all, ec);
    if (ec) return fail(Code::unavailable, "data_dir", "the data directory " + directory.string() + " cannot be made: " + ec.message() + "; choose another with data_dir or --data-dir");
    return {};
}

/// Sockets from the service manager take the place of server.listen.
std::vector<wire::Listener> listeners(const config::Config& config, const std::vector<int>& inherited) {
    std::vector<wire::Listener> all;
    for (const int fd : inherited) {
        wire::Listener& listener = all.emplace_back();
        listener.kind = wire::Listener::Kind::inherited;
        listener.fd = fd;
        listener.tls = config.server.tls.has_value();
    }
    if (inherited.empty()) {
        wire::Listener& listener = all.emplace_back();
        listener.host = config.server.listen.host;
        listener.port = config.server.listen.port;
        listener.tls = config.server.tls.has_value();
    }
    if (!config.server.unix_socket.empty()) {
        wire::Listener& listener = all.emplace_back();
        listener.kind = wire::Listener::Kind::unix_socket;
        listener.path = config.server.unix_socket.string();
    }
    return all;
}

wire::MakeTls make_tls(std::shared_ptr<const tls::ServerContexts> contexts) {
    if (!contexts) return {};
    return [contexts = std::move(contexts)]() -> tls::SslPtr {
        auto ssl = contexts->accept();
        if (ssl) return std::move(*ssl);
        log::error("tls", "no state for a connection", {{"cause", ssl.error().message}});
        return nullptr;
    };
}

wire::Options wire_options(const config::Config& config, const std::vector<int>& inherited) {
    wire::Options o;
    o.listeners = listeners(config, inherited);
    o.loops = config.server.loops > 0 ? static_cast<unsigned>(config.server.loops) : std::max(1U, std::thread::hardware_concurrency());
    const auto& l = config.server.limits;
    o.limits.header_bytes = static_cast<std::size_t>(l.header_bytes);
    o.limits.header_fields = static_cast<std::size_t>(l.header_fields);
    o.limits.target_bytes = static_cast<std::size_t>(l.target_bytes);
    o.limits.header_timeout_ms = l.header_timeout_s * 1000;
    o.limits.idle_timeout_ms = l.idle_timeout_s * 1000;
    o.limits.body_timeout_ms = l.body_timeout_s * 1000;
    o.limits.write_timeout_ms = l.write_timeout_s * 1000;
    o.limits.connections = static_cast<std::size_t>(l.connections);
    o.limits.requests_per_connection = static_cast<std::uint64_t>(l.requests_per_connection);
    o.limits.streams = static_cast<std::size_t>(l.http2_streams);
    o.limits.control_frames_per_second = l.http2_control_frames_per_s;
    return o;
}

void set_egress(const config::Egress& e) {
    client::Egress egress;
    egress.direct = e.direct;
    if (e.proxy) egress.proxy = {e.proxy->host, e.proxy->port, {}};
    if (!e.proxy_credentials.empty()) egress.proxy.authorization = client::basic_authorization(e.proxy_credentials);
    client::set_egress(std::move(egress));
}

Result<void> offer_first_administrator(const config::Config& config) {
    auto token = auth::offer_bootstrap(bootstrap_file(config));
    if (!token) return fail(token.error());
    wipe(*token);
    log::info("identity", "a one-time token for the first administrator is open; POST /auth/bootstrap takes it", {{"file", bootstrap_file(config).string()}});
    return {};
}

}  // namespace

identity::TokenPolicy token_policy(const config::Config& config) {
    return {config.identity.issuer, config.identity.audience, config.identity.leeway_s};
}

ControlPlane::ControlPlane(const config::Config& config) : config_(config), redactor_(std::make_shared<redact::Redactor>()) {}

Result<std::unique_ptr<ControlPlane>> ControlPlane::make(const config::Config& config, const std::vector<int>& inherited) {
    if (auto ok = make_private(config.data_dir); !ok) return fail(ok.error());
    std::error_code ec;
    const bool is_new = !fs::exists(config.data_dir / "keys", ec) && !ec;
    auto keys = identity::Keyring::open(config.data_dir / "keys");
    if (!keys) return fail(keys.error());
    if (is_new)
        if (auto offered = offer_first_administrator(config); !offered) return fail(offered.error());
    auto plane = std::unique_ptr<ControlPlane>(new ControlPlane(config));
    if (auto ok = plane->open_identity(std::move(*keys)); !ok) return fail(ok.error());
    if (auto ok = plane->open_ledger(); !ok) return fail(ok.error());
    plane->load_plugins();
    plane->repair();
    if (auto ok = plane->route(); !ok) return fail(ok.error());
    if (auto ok = plane->bind(inherited); !ok) return fail(ok.error());
    return plane;
}

Result<void> ControlPlane::open_identity(std::shared_ptr<identity::Keyring> keys) {
    auto store = open_state(config_);
    if (!store) return fail(store.error());
    state_ = std::move(*store);
    auto parts = make_identity(config_, std::move(keys), *state_);
    if (!parts) return fail(parts.error());
    identity_ = std::move(*parts);
    return {};
}

Result<void> ControlPlane::open_ledger() {
    ledger::LedgerOptions options;
    options.path = config_.store.path.string();
    options.redactor = redactor_;
    auto opened = ledger::Ledger::open(std::move(options));
    if (!opened) return fail(opened.error());
    ledger_ = std::move(*opened);
    return {};
}

void ControlPlane::load_plugins() {
    set_egress(config_.egress);  // first: some plugins speak to their backend at once
    const auto& wanted = config_.plugins;
    plugins::CatalogueOptions options;
    options.state_root = wanted.state_dir;
    options.intake.policy = *bundle::parse_policy(wanted.trust);
    options.intake.trust_keys = wanted.trust_keys;
    options.intake.lock = wanted.lock;
    options.intake.store = wanted.store;
    options.patience = std::chrono::seconds(wanted.load_timeout_s);
    broker_ = std::make_unique<Broker>(config_, identity_, *state_, *ledger_, [this] { return catalogue_->view(); });
    options.identity = &broker_->for_flows();
    options.generations = static_cast<std::size_t>(wanted.generations);
    catalogue_ = std::make_unique<plugins::Catalogue>(plugins::host_api(), std::move(options));
    catalogue_->load(config_.plugins.directories);
    for (const auto& p : config_.providers) catalogue_->make_provider({p.alias, p.plugin, p.config_json, {}});
    for (const auto& r : config_.http_routes) catalogue_->make_routes({r.alias, r.plugin, r.config_json, r.mount});
    for (const auto& f : config_.identity.flows) catalogue_->make_flow({f.alias, f.plugin, f.config_json, {}});
    const auto view = catalogue_->view();
    for (const auto& r : view->records) record("plugin.load", "system", r.id.empty() ? r.path : r.id, r.loaded ? "loaded" : "failed");
}

void ControlPlane::repair() { repair_interrupted(*ledger_, *catalogue_); }

void ControlPlane::record(const std::string& kind, const std::string& actor, const std::string& target, const std::string& outcome) {
    ledger::SecurityEvent event;
    event.kind = kind;
    event.actor = actor;
    event.target = target;
    event.outcome = outcome;
    event.details = json::object();
    ledger_->record(std::move(event));
}

Result<void> ControlPlane::route() {
    const auto workers = static_cast<std::size_t>(config_.server.workers);
    const auto queue = static_cast<std::size_t>(config_.server.worker_queue);
    queries_pool_ = std::make_unique<work::Pool>("queries", static_cast<std::size_t>(config_.server.query_workers), queue);
    callers_pool_ = std::make_unique<work::Pool>("callers", static_cast<std::size_t>(config_.server.caller_workers), queue);
    actions_pool_ = std::make_unique<work::Pool>("actions", workers, queue);
    streams_pool_ = std::make_unique<work::Pool>("streams", static_cast<std::size_t>(config_.server.streams), queue);
    probes_pool_ = std::make_unique<work::Pool>("probes", 1, 1);
    workloads::ActionBounds bounds{config_.workloads.action_timeout_s * 1000, config_.workloads.default_wait_s * 1000, static_cast<std::size_t>(config_.server.streams)};
    actions_ = std::make_unique<workloads::Actions>(*ledger_, *actions_pool_, *streams_pool_, bounds);
    services_ = std::unique_ptr<manage::Services>(new manage::Services{
        *redactor_, *ledger_, *state_, *catalogue_, *actions_, *queries_pool_, *callers_pool_, *actions_pool_, *streams_pool_, *probes_pool_, config_.workloads.default_provider.value_or(""), ACP_VERSION,
        config::limits_json(config_), config_.identity.insecure_dev, config_.metrics.is_public, draining_,
        [this] { return manage::wire_metrics_text(*engine_); }, &broker_->counters(), &identity_.trusted->keys().counters(),
        [this] { return identity_.verifier->counts(); }});
    auto api = manage::OpenApi::load();
    if (!api) return fail(api.error());
    api_ = std::make_unique<manage::OpenApi>(std::move(*api));
    if (auto added = broker_->add_routes(router_, *api_); !added) return added;
    if (auto added = manage::add_routes(router_, *api_, *services_); !added) return added;
    return api_->check_all_mounted();
}

Result<void> ControlPlane::bind(const std::vector<int>& inherited) {
    dispatch::GateOptions options;
    options.body_bytes = static_cast<std::uint64_t>(config_.server.limits.body_bytes);
    if (config_.identity.insecure_dev) {
        log::warn("identity", "identity.insecure_dev is on: requests without a token have every scope");
        options.anonymous = std::make_shared<identity::Principal>(identity::Principal{.subject = "insecure-dev", .scopes = {"admin:cluster"}});
    }
    options.sources = broker_->evidence();
    auto proxies = trusted_proxies(config_);
    if (!proxies) return fail(proxies.error());
    options.proxies = std::move(*proxies);
    gate_ = std::make_unique<dispatch::Gate>(router_, dispatch::GatePools{*callers_pool_, *queries_pool_}, broker_->callers(), std::move(options));
    gate_->on_denial([this](const dispatch::Context& context, const Error& error) {
        log::warn("identity", "a request was denied", {{"request_id", context.request_id}, {"path", context.path}, {"subject", context.principal->subject}, {"cause", error.internal.empty() ? error.message : error.internal}});
        // Only proven callers leave a row: strangers could fill the disk with them.
        if (!context.principal->subject.empty()) record("request.denied", context.principal->subject, context.method + " " + context.path, error.slug);
    });
    if (auto loaded = tls_.load(config_); !loaded) return loaded;
    auto bound = wire::Engine::bind(wire_options(config_, inherited), *gate_, make_tls(tls_.contexts()));
    if (!bound) return fail(bound.error());
    engine_holder_ = std::move(*bound);
    engine_ = engine_holder_.get();
    return {};
}

void ControlPlane::start() { engine_->start(); }

Result<std::vector<std::string>> ControlPlane::reload(const config::Config& fresh) {
    std::vector<std::string> keys = restart_needed(config_, fresh);
    // Whether the listeners speak TLS at all is settled when they are bound.
    if (config_.server.tls.has_value() != fresh.server.tls.has_value()) {
        keys.insert(keys.begin(), "server.tls");
        return keys;
    }
    if (auto loaded = tls_.load(fresh); !loaded) return fail(loaded.error());
    if (auto read = identity_.keys->reload(); !read) return fail(read.error());
    // What a key has signed that is gone now must not go on as verified before.
    identity_.verifier->forget();
    if (tls_.is_on()) engine_->set_tls(make_tls(tls_.contexts()));
    set_egress(fresh.egress);
    return keys;
}

void ControlPlane::drain() {
    draining_ = true;
    engine_->drain(config_.server.shutdown_grace_s * 1000);
}

/// The loops end first, then the pools finish what has a ledger row, then the
/// plugins end their threads, then the ledger writes its last rows. The loops'
/// memory goes last: a plugin's thread may wake one until it has ended.
ControlPlane::~ControlPlane() {
    if (engine_) engine_->stop();
    if (callers_pool_) callers_pool_->stop();
    if (queries_pool_) queries_pool_->stop();
    if (actions_pool_) actions_pool_->stop();
    if (streams_pool_) streams_pool_->stop();
    if (probes_pool_) probes_pool_->stop();
    catalogue_.reset();
    ledger_.reset();
}

}  // namespace acp::app
