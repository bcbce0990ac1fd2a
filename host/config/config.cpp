#include "config/config.h"

#include "embed/config_schema_json.h"
#include "json/json.h"

namespace acp::config {

std::string_view schema_text() noexcept {
    return embed::config_schema_json();
}

std::string public_origin(const Config& config) {
    if (!config.server.public_url.empty()) return config.server.public_url;
    const std::string& issuer = config.identity.issuer;
    if (issuer.starts_with("http://") || issuer.starts_with("https://")) return issuer.substr(0, issuer.find('/', issuer.find("://") + 3));
    return (config.server.tls ? "https://" : "http://") + config.server.listen.text();
}

std::string limits_json(const Config& config) {
    const Server& server = config.server;
    const Limits& limits = server.limits;
    return json::dump(json::object({
        {"header_bytes", limits.header_bytes},
        {"header_fields", limits.header_fields},
        {"target_bytes", limits.target_bytes},
        {"body_bytes", limits.body_bytes},
        {"header_timeout_s", limits.header_timeout_s},
        {"idle_timeout_s", limits.idle_timeout_s},
        {"body_timeout_s", limits.body_timeout_s},
        {"write_timeout_s", limits.write_timeout_s},
        {"connections", limits.connections},
        {"requests_per_connection", limits.requests_per_connection},
        {"http2_streams", limits.http2_streams},
        {"http2_control_frames_per_s", limits.http2_control_frames_per_s},
        {"loops", server.loops},
        {"workers", server.workers},
        {"query_workers", server.query_workers},
        {"caller_workers", server.caller_workers},
        {"worker_queue", server.worker_queue},
        {"streams", server.streams},
        {"shutdown_grace_s", server.shutdown_grace_s},
        {"action_timeout_s", config.workloads.action_timeout_s},
        {"default_wait_s", config.workloads.default_wait_s},
        {"token_ttl_s", config.identity.token_ttl_s},
        {"leeway_s", config.identity.leeway_s},
    }));
}

}  // namespace acp::config
