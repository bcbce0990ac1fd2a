#include "app/reload.h"

namespace acp::app {

std::vector<std::string> restart_needed(const config::Config& running, const config::Config& fresh) {
    std::vector<std::string> keys;
    const auto compare = [&](const char* key, const auto& before, const auto& after) {
        if (!(before == after)) keys.emplace_back(key);
    };
    const auto& a = running.server;
    const auto& b = fresh.server;
    compare("data_dir", running.data_dir, fresh.data_dir);
    compare("server.listen", a.listen, b.listen);
    compare("server.public_url", a.public_url, b.public_url);
    compare("server.trusted_proxies", a.trusted_proxies, b.trusted_proxies);
    compare("server.unix_socket", a.unix_socket, b.unix_socket);
    compare("server.loops", a.loops, b.loops);
    compare("server.workers", a.workers, b.workers);
    compare("server.query_workers", a.query_workers, b.query_workers);
    compare("server.caller_workers", a.caller_workers, b.caller_workers);
    compare("server.worker_queue", a.worker_queue, b.worker_queue);
    compare("server.streams", a.streams, b.streams);
    compare("server.shutdown_grace_s", a.shutdown_grace_s, b.shutdown_grace_s);
    compare("server.limits", a.limits, b.limits);
    compare("store", running.store, fresh.store);
    compare("state", running.state, fresh.state);
    compare("identity", running.identity, fresh.identity);
    compare("audit", running.audit, fresh.audit);
    compare("log.format", running.log.format, fresh.log.format);
    compare("workloads", running.workloads, fresh.workloads);
    compare("plugins", running.plugins, fresh.plugins);
    compare("providers", running.providers, fresh.providers);
    compare("http_routes", running.http_routes, fresh.http_routes);
    compare("metrics", running.metrics, fresh.metrics);
    return keys;
}

}  // namespace acp::app
