#include "config/typed.h"

#include "config/section.h"
#include "config/typed_identity.h"

namespace acp::config {

namespace {

Tls tls(const Section& section, const Base& base) {
    Tls out;
    for (const auto& entry : section.list("certificates")) {
        TlsCertificate pair;
        base.read(entry, "certificate", pair.certificate);
        base.read(entry, "key", pair.key);
        out.certificates.push_back(std::move(pair));
    }
    base.read(section, "client_ca", out.client_ca);
    section.read("client_auth", out.client_auth);
    section.read("min_version", out.min_version);
    return out;
}

Server server(const Section& section, const Base& base) {
    Server out;
    if (Section own = section.section("tls"); own.is_given()) out.tls = tls(own, base);
    std::string listen = out.listen.text();
    section.read("listen", listen);
    if (auto endpoint = parse_endpoint(listen)) out.listen = *endpoint;
    section.read("public_url", out.public_url);
    section.read("loops", out.loops);
    section.read("workers", out.workers);
    section.read("query_workers", out.query_workers);
    section.read("caller_workers", out.caller_workers);
    section.read("worker_queue", out.worker_queue);
    section.read("trusted_proxies", out.trusted_proxies);
    section.read("streams", out.streams);
    section.read("shutdown_grace_s", out.shutdown_grace_s);
    Section limits = section.section("limits");
    limits.read("header_bytes", out.limits.header_bytes);
    limits.read("header_fields", out.limits.header_fields);
    limits.read("target_bytes", out.limits.target_bytes);
    limits.read("body_bytes", out.limits.body_bytes);
    limits.read("header_timeout_s", out.limits.header_timeout_s);
    limits.read("idle_timeout_s", out.limits.idle_timeout_s);
    limits.read("body_timeout_s", out.limits.body_timeout_s);
    limits.read("write_timeout_s", out.limits.write_timeout_s);
    limits.read("connections", out.limits.connections);
    limits.read("requests_per_connection", out.limits.requests_per_connection);
    limits.read("http2_streams", out.limits.http2_streams);
    limits.read("http2_control_frames_per_s", out.limits.http2_control_frames_per_s);
    return out;
}

Egress egress(const Section& section) {
    Egress out;
    std::string proxy;
    section.read("proxy", proxy);
    out.proxy = parse_endpoint(proxy);
    section.read("proxy_credentials", out.proxy_credentials);
    section.read("direct", out.direct);
    return out;
}

State state(const Section& section, const Base& base, const std::filesystem::path& data_dir) {
    State out;
    section.read("kind", out.kind);
    out.path = data_dir / "state.db";
    base.read(section, "path", out.path);
    section.read("url", out.url);
    out.key_file = data_dir / "keys" / "state.key";
    base.read(section, "key_file", out.key_file);
    return out;
}

Workloads workloads(const Section& section) {
    Workloads out;
    section.read("default_provider", out.default_provider);
    section.read("action_timeout_s", out.action_timeout_s);
    section.read("default_wait_s", out.default_wait_s);
    return out;
}

Provider provider(const Section& section) {
    Provider out;
    section.read("alias", out.alias);
    section.read("plugin", out.plugin);
    section.read_json("config", out.config_json);
    out.pointer = section.pointer();
    return out;
}

HttpRoutes http_routes(const Section& section) {
    HttpRoutes out;
    section.read("alias", out.alias);
    section.read("plugin", out.plugin);
    out.mount = "/ext/" + out.alias;
    section.read("mount", out.mount);
    section.read_json("config", out.config_json);
    out.pointer = section.pointer();
    return out;
}

}  // namespace

Config typed(const json::Var& value, const std::filesystem::path& file) {
    Config out;
    std::error_code ignored;
    out.file = std::filesystem::absolute(file, ignored).lexically_normal();
    Base base{out.file.parent_path()};
    auto placed = [&base](const std::string& path) { return base.placed(path); };
    Section root(value, "");

    std::string data_dir;
    root.read("data_dir", data_dir);
    out.data_dir = placed(data_dir);

    out.server = server(root.section("server"), base);
    std::string unix_socket;
    root.section("server").read("unix_socket", unix_socket);
    if (!unix_socket.empty()) out.server.unix_socket = placed(unix_socket);
    Section store = root.section("store");
    store.read("kind", out.store.kind);
    std::string path = (out.data_dir / "ledger.db").string();
    store.read("path", path);
    out.store.path = placed(path);
    out.state = state(root.section("state"), base, out.data_dir);
    out.identity = identity(root.section("identity"), base);
    root.section("audit").read("on_failure", out.audit.on_failure);
    out.egress = egress(root.section("egress"));
    root.section("log").read("level", out.log.level);
    root.section("log").read("format", out.log.format);
    out.workloads = workloads(root.section("workloads"));

    Section plugins = root.section("plugins");
    std::vector<std::string> directories;
    for (const auto& directory : out.plugins.directories) directories.push_back(directory.string());
    plugins.read("directories", directories);
    out.plugins.directories.clear();
    for (const auto& directory : directories) out.plugins.directories.push_back(placed(directory));
    plugins.read("trust", out.plugins.trust);
    plugins.read("load_timeout_s", out.plugins.load_timeout_s);
    plugins.read("generations", out.plugins.generations);
    std::string state_dir = (out.data_dir / "plugins").string();
    plugins.read("state_dir", state_dir);
    out.plugins.state_dir = placed(state_dir);
    out.plugins.trust_keys = placed("trust");
    base.read(plugins, "trust_keys", out.plugins.trust_keys);
    out.plugins.lock = placed("plugins.lock");
    base.read(plugins, "lock", out.plugins.lock);
    out.plugins.store = out.plugins.state_dir / "store";
    base.read(plugins, "store", out.plugins.store);

    for (const auto& section : root.list("providers")) out.providers.push_back(provider(section));
    for (const auto& section : root.list("http_routes")) out.http_routes.push_back(http_routes(section));
    root.section("metrics").read("public", out.metrics.is_public);
    return out;
}

}  // namespace acp::config
