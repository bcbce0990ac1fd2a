// config: the operator's YAML file, checked against config/schema.json and
// turned into typed values. Every other room takes its settings from here; no
// room below reads files or the environment for settings.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/address.h"
#include "config/identity.h"
#include "config/origins.h"

namespace acp::config {

// The meaning, unit and range of each key stand in schema.json; the values
// here are the defaults, and a test holds both together. _s is seconds.

struct Limits {
    std::int64_t header_bytes = 16384;
    std::int64_t header_fields = 100;
    std::int64_t target_bytes = 8192;
    std::int64_t body_bytes = 1048576;
    std::int64_t header_timeout_s = 10;
    std::int64_t idle_timeout_s = 60;
    std::int64_t body_timeout_s = 60;
    std::int64_t write_timeout_s = 30;
    std::int64_t connections = 10000;
    std::int64_t requests_per_connection = 0;  ///< 0: no bound
    std::int64_t http2_streams = 100;
    std::int64_t http2_control_frames_per_s = 200;
    bool operator==(const Limits&) const = default;
};

struct TlsCertificate {
    std::filesystem::path certificate;
    std::filesystem::path key;
    bool operator==(const TlsCertificate&) const = default;
};

struct Tls {
    std::vector<TlsCertificate> certificates;
    std::filesystem::path client_ca;  ///< empty exactly when client_auth is "none"
    std::string client_auth = "none";
    std::string min_version = "1.2";
    bool operator==(const Tls&) const = default;
};

struct Server {
    Endpoint listen{"127.0.0.1", 9000};
    std::string public_url;             ///< empty: see public_origin
    std::filesystem::path unix_socket;  ///< empty: none
    std::vector<std::string> trusted_proxies;
    std::optional<Tls> tls;  ///< without: plain HTTP
    std::int64_t loops = 0;  ///< 0: one for each core
    std::int64_t workers = 16;
    std::int64_t query_workers = 8;
    std::int64_t caller_workers = 8;
    std::int64_t worker_queue = 256;
    std::int64_t streams = 256;
    std::int64_t shutdown_grace_s = 30;
    Limits limits;
    bool operator==(const Server&) const = default;
};

struct Store {
    std::string kind = "sqlite";
    std::filesystem::path path;
    bool operator==(const Store&) const = default;
};

struct State {
    std::string kind = "sqlite";
    std::filesystem::path path;  ///< set for every kind, used by sqlite
    std::string url;             ///< a secret; empty exactly when kind is sqlite or memory
    std::filesystem::path key_file;
    bool operator==(const State&) const = default;
};

struct Audit {
    std::string on_failure = "refuse";
    bool operator==(const Audit&) const = default;
};

struct Egress {
    std::optional<Endpoint> proxy;
    std::string proxy_credentials;  ///< a secret
    std::vector<std::string> direct;
    bool operator==(const Egress&) const = default;
};

struct Log {
    std::string level = "info";
    std::string format = "json";
    bool operator==(const Log&) const = default;
};

struct Workloads {
    std::optional<std::string> default_provider;
    std::int64_t action_timeout_s = 60;
    std::int64_t default_wait_s = 30;
    bool operator==(const Workloads&) const = default;
};

struct Plugins {
    std::vector<std::filesystem::path> directories{"/usr/lib/alphaswarm-cp/plugins"};
    std::string trust = "any";
    std::filesystem::path state_dir;
    std::filesystem::path trust_keys;  ///< folder of PEM files; need not exist while trust is "any"
    std::filesystem::path lock;        ///< need not exist unless trust is "locked"
    std::filesystem::path store;
    std::int64_t load_timeout_s = 30;
    std::int64_t generations = 8;
    bool operator==(const Plugins&) const = default;
};

struct Provider {
    std::string alias;
    std::string plugin;
    std::string config_json = "{}";  ///< may hold secrets
    std::string pointer;             ///< of this entry, for Config::origins
    bool operator==(const Provider&) const = default;
};

struct HttpRoutes {
    std::string alias;
    std::string plugin;
    std::string mount;
    std::string config_json = "{}";  ///< may hold secrets
    std::string pointer;
    bool operator==(const HttpRoutes&) const = default;
};

struct Metrics {
    bool is_public = false;
    bool operator==(const Metrics&) const = default;
};

/// All paths are absolute. Immutable after load.
struct Config {
    std::filesystem::path file;
    std::filesystem::path data_dir;
    Server server;
    Store store;
    State state;
    Identity identity;
    Audit audit;
    Egress egress;
    Log log;
    Workloads workloads;
    Plugins plugins;
    std::vector<Provider> providers;
    std::vector<HttpRoutes> http_routes;
    Metrics metrics;
    /// Where each value was written, so that a plugin's complaint about
    /// "/image" of its configuration can name the line:
    /// locate(origins.at(p), p, what) with p = provider.pointer + "/config/image".
    Origins origins;
    bool operator==(const Config&) const = default;
};

/// The JSON Schema of the file, as `config schema` prints it.
std::string_view schema_text() noexcept;

/// Scheme, host and port by which clients reach the server, "https://cp.example":
/// server.public_url, else those of the issuer or of server.listen.
std::string public_origin(const Config& config);

/// The limits in effect, one JSON object: GET /manage/limits and
/// `serve --print-limits`. Members are named as in the file.
std::string limits_json(const Config& config);

}  // namespace acp::config
