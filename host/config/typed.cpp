#include "config/typed.h"

#include "json/pointer.h"

namespace acp::config {

namespace {

/// One map of the document. Keys that are missing leave the default alone.
class Section {
public:
    Section(const json::Var& document, std::string pointer) : document_(document), pointer_(std::move(pointer)) {}

    Section section(const std::string& name) const { return {document_, json::child(pointer_, name)}; }
    const std::string& pointer() const { return pointer_; }
    bool is_given() const { return json::find(document_, pointer_).has_value(); }

    void read(const std::string& name, std::string& out) const {
        if (auto value = find(name)) out = value->extract<std::string>();
    }
    void read(const std::string& name, std::optional<std::string>& out) const {
        if (auto value = find(name)) out = value->extract<std::string>();
    }
    void read(const std::string& name, std::int64_t& out) const {
        if (auto value = find(name)) out = value->convert<std::int64_t>();
    }
    void read(const std::string& name, bool& out) const {
        if (auto value = find(name)) out = value->convert<bool>();
    }
    void read(const std::string& name, std::vector<std::string>& out) const {
        auto value = find(name);
        if (!value) return;
        out.clear();
        for (const auto& element : *value->extract<json::Array::Ptr>()) out.push_back(element.extract<std::string>());
    }
    void read_json(const std::string& name, std::string& out) const {
        if (auto value = find(name)) out = json::canonical(*value);
    }

    std::vector<Section> list(const std::string& name) const {
        std::vector<Section> out;
        auto value = find(name);
        if (!value) return out;
        for (std::size_t i = 0; i < value->extract<json::Array::Ptr>()->size(); ++i)
            out.emplace_back(document_, json::child(json::child(pointer_, name), i));
        return out;
    }

private:
    std::optional<json::Var> find(const std::string& name) const {
        return json::find(document_, json::child(pointer_, name));
    }

    const json::Var& document_;
    std::string pointer_;
};

/// Where relative paths start from.
struct Base {
    std::filesystem::path folder;

    std::filesystem::path placed(const std::string& path) const { return (folder / path).lexically_normal(); }
    /// Leaves `out` alone when the key is missing.
    void read(const Section& section, const std::string& name, std::filesystem::path& out) const {
        std::optional<std::string> path;
        section.read(name, path);
        if (path) out = placed(*path);
    }
};

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
    section.read("loops", out.loops);
    section.read("workers", out.workers);
    section.read("query_workers", out.query_workers);
    section.read("worker_queue", out.worker_queue);
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

Flow flow(const Section& section) {
    Flow out;
    section.read("alias", out.alias);
    section.read("plugin", out.plugin);
    section.read_json("config", out.config_json);
    out.pointer = section.pointer();
    return out;
}

Identity identity(const Section& section) {
    Identity out;
    section.read("issuer", out.issuer);
    section.read("audience", out.audience);
    section.read("token_ttl_s", out.token_ttl_s);
    section.read("leeway_s", out.leeway_s);
    section.read("insecure_dev", out.insecure_dev);
    for (const auto& one : section.list("flows")) out.flows.push_back(flow(one));
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
    out.identity = identity(root.section("identity"));
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
