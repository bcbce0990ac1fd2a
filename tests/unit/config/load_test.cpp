#include "config/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

using namespace acp;
using namespace acp::config;

namespace {

Config loaded(std::string_view text, const Environment& environment = {}, const Overrides& overrides = {}) {
    auto config = load_text(text, "/etc/acp/acp.yaml", environment, overrides);
    if (!config) FAIL(describe(config.error()));
    return *config;
}

class TemporaryFile {
public:
    explicit TemporaryFile(std::string_view text) {
        std::string name = (std::filesystem::temp_directory_path() / "acp-config-XXXXXX").string();
        int fd = ::mkstemp(name.data());
        REQUIRE(fd >= 0);
        ::close(fd);
        path_ = name;
        std::ofstream(path_) << text;
    }
    ~TemporaryFile() { std::filesystem::remove(path_); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a full file", "[config]") {
    Config config = loaded(R"(
data_dir: /var/lib/acp
server:
  listen: "[::1]:0"
  loops: 2
  workers: 4
  query_workers: 3
  worker_queue: 5
  streams: 6
  shutdown_grace_s: 7
  limits:
    header_bytes: 20000
    header_fields: 50
    target_bytes: 9000
    body_bytes: 2000
    header_timeout_s: 1
    idle_timeout_s: 2
    body_timeout_s: 3
    write_timeout_s: 4
    connections: 5
    requests_per_connection: 6
store: {kind: sqlite, path: /srv/l.db}
state: {kind: redis, url: "rediss://cp:pw@cache.example:6380/1", key_file: ../k/state.key}
identity: {issuer: "https://a.example/x", audience: b, token_ttl_s: 60, leeway_s: 0, client_failures: 7, insecure_dev: true, flows: [{alias: robots, plugin: m2m, config: {a: 1}}]}
audit: {on_failure: refuse}
egress: {proxy: "p.example:3128", proxy_credentials: "u:p", direct: [a, .b]}
log: {level: debug, format: text}
workloads: {default_provider: two, action_timeout_s: 9, default_wait_s: 0}
plugins: {directories: [/p, q], trust: locked, state_dir: /s, trust_keys: k, lock: /l.lock, store: ../st, load_timeout_s: 5, generations: 3}
providers:
  - {alias: one, plugin: local}
  - alias: two
    plugin: docker
    config: {endpoint: "unix:///x", n: 5, flag: true, none: null, list: [1, a]}
http_routes:
  - {alias: notes, plugin: org.example.notes}
  - {alias: more, plugin: org.example.notes, mount: /ext/a/b, config: {x: 1}}
metrics: {public: true}
)");
    CHECK(config.server.listen == Endpoint{"::1", 0});
    CHECK(config.server.loops == 2);
    CHECK(config.server.workers == 4);
    CHECK(config.server.query_workers == 3);
    CHECK(config.server.worker_queue == 5);
    CHECK(config.server.streams == 6);
    CHECK(config.server.shutdown_grace_s == 7);
    CHECK(config.server.limits == Limits{20000, 50, 9000, 2000, 1, 2, 3, 4, 5, 6});
    CHECK(config.store == Store{"sqlite", "/srv/l.db"});
    CHECK(config.state == State{"redis", "/var/lib/acp/state.db", "rediss://cp:pw@cache.example:6380/1", "/etc/k/state.key"});
    Identity wanted_identity;
    wanted_identity.issuer = "https://a.example/x";
    wanted_identity.audience = "b";
    wanted_identity.token_ttl_s = 60;
    wanted_identity.leeway_s = 0;
    wanted_identity.client_failures = 7;
    wanted_identity.insecure_dev = true;
    wanted_identity.flows = {{"robots", "m2m", R"({"a":1})", "/identity/flows/0"}};
    CHECK(config.identity == wanted_identity);
    CHECK(config.egress == Egress{Endpoint{"p.example", 3128}, "u:p", {"a", ".b"}});
    CHECK(config.log == Log{"debug", "text"});
    CHECK(config.workloads == Workloads{"two", 9, 0});
    CHECK(config.plugins == Plugins{{"/p", "/etc/acp/q"}, "locked", "/s", "/etc/acp/k", "/l.lock", "/etc/st", 5, 3});
    REQUIRE(config.providers.size() == 2);
    CHECK(config.providers[0] == Provider{"one", "local", "{}", "/providers/0"});
    CHECK(config.providers[1] == Provider{"two", "docker",
                                          R"({"endpoint":"unix:///x","flag":true,"list":[1,"a"],"n":5,"none":null})",
                                          "/providers/1"});
    REQUIRE(config.http_routes.size() == 2);
    CHECK(config.http_routes[0] == HttpRoutes{"notes", "org.example.notes", "/ext/notes", "{}", "/http_routes/0"});
    CHECK(config.http_routes[1] == HttpRoutes{"more", "org.example.notes", "/ext/a/b", R"({"x":1})", "/http_routes/1"});
    CHECK(config.metrics.is_public);
    CHECK(config.origins.at("/providers/1/config/flag").line == 34);
    CHECK(config.origins.at("/providers/1/config/flag/deeper/still").line == 34);
    CHECK(locate(config.origins.at("/providers/1/config/n"), "/providers/1/config/n", "must be string").detail ==
          "/etc/acp/acp.yaml:34:37: key providers[1].config.n: must be string");
}

TEST_CASE("relative paths start from the folder of the file", "[config]") {
    Config config =
        loaded("data_dir: ../state\nstore: {path: l.db}\nstate: {path: s.db, key_file: s.key}\nplugins: {directories: [p, ./q/../r], state_dir: s}\n");
    CHECK(config.file == "/etc/acp/acp.yaml");
    CHECK(config.data_dir == "/etc/state");
    CHECK(config.store.path == "/etc/acp/l.db");
    CHECK(config.state == State{"sqlite", "/etc/acp/s.db", "", "/etc/acp/s.key"});
    CHECK(config.plugins.directories == std::vector<std::filesystem::path>{"/etc/acp/p", "/etc/acp/r"});
    CHECK(config.plugins.state_dir == "/etc/acp/s");
    CHECK(config.plugins.store == "/etc/acp/s/store");

    config = loaded("data_dir: state\n");
    CHECK(config.store.path == "/etc/acp/state/ledger.db");
    CHECK(config.state == State{"sqlite", "/etc/acp/state/state.db", "", "/etc/acp/state/keys/state.key"});
    CHECK(config.plugins.state_dir == "/etc/acp/state/plugins");
    CHECK(config.plugins.store == "/etc/acp/state/plugins/store");
    CHECK(config.plugins.trust_keys == "/etc/acp/trust");
    CHECK(config.plugins.lock == "/etc/acp/plugins.lock");

    CHECK(loaded("data_dir: a\n", {{"ALPHASWARM_CP_DATA_DIR", "b"}}).data_dir == "/etc/acp/b");
    CHECK(loaded("data_dir: a\n", {}, {{}, "c"}).data_dir == std::filesystem::current_path() / "c");
    CHECK(loaded("log: {}\n", {}, {{}, "/abs"}).data_dir == "/abs");
}

TEST_CASE("tls is there when its key is", "[config]") {
    CHECK_FALSE(loaded("data_dir: d\nserver: {listen: 127.0.0.1:1}\n").server.tls);
    Config config = loaded(R"(data_dir: d
server:
  tls:
    certificates:
      - {certificate: tls/a.pem, key: /run/secrets/a.key}
      - {certificate: ../b.pem, key: b.key}
    client_ca: ca.pem
    client_auth: required
    min_version: "1.3"
)");
    REQUIRE(config.server.tls);
    CHECK(*config.server.tls == Tls{{{"/etc/acp/tls/a.pem", "/run/secrets/a.key"}, {"/etc/b.pem", "/etc/acp/b.key"}},
                                    "/etc/acp/ca.pem",
                                    "required",
                                    "1.3"});
    // What the room tls complains of can be given its place.
    CHECK(locate(config.origins.at("/server/tls/certificates/1/key"), "/server/tls/certificates/1/key", "is missing")
              .detail == "/etc/acp/acp.yaml:6:33: key server.tls.certificates[1].key: is missing");
}

TEST_CASE("variables inside values", "[config]") {
    Environment environment{{"N", "5"}, {"HOST", "127.0.0.1"}, {"INJECT", "x, insecure_dev: true"}, {"SECRET", "5"}};
    CHECK(loaded("data_dir: d\nserver:\n  workers: ${N}\n", environment).server.workers == 5);
    CHECK(loaded("data_dir: d\nserver: {listen: \"${HOST}:${PORT:-80}\"}\n", environment).server.listen.text() ==
          "127.0.0.1:80");
    Config config = loaded("data_dir: d\nidentity: {audience: \"${INJECT}\"}\n", environment);
    CHECK(config.identity.audience == "x, insecure_dev: true");
    CHECK_FALSE(config.identity.insecure_dev);
    CHECK(
        loaded(
            "data_dir: d\nproviders:\n  - alias: a\n    plugin: p\n    config:\n      k: \"${SECRET}\"\n      n: ${N}\n"
            "      d: a$$b\n",
            environment)
            .providers[0]
            .config_json == R"({"d":"a$b","k":"5","n":5})");
}

TEST_CASE("the environment sets any key", "[config]") {
    Config config = loaded("data_dir: d\nserver: {workers: 2, streams: 3}\n",
                           {{"ALPHASWARM_CP_SERVER__WORKERS", "7"},
                            {"alphaswarm_cp_server__limits__body_bytes", "4096"},
                            {"ALPHASWARM_CP_Identity__Audience", "'123'"},
                            {"ALPHASWARM_CP_PROVIDERS", "[{alias: a, plugin: p, config: {x: $y}}]"},
                            {"PATH", "/bin"},
                            {"ALPHASWARM_CPX", "1"},
                            {"ALPHASWARM_CP_", "1"}});
    CHECK(config.server.workers == 7);
    CHECK(config.server.streams == 3);
    CHECK(config.server.limits.body_bytes == 4096);
    CHECK(config.identity.audience == "123");
    REQUIRE(config.providers.size() == 1);
    CHECK(config.providers[0].config_json == R"({"x":"$y"})");
    CHECK(config.origins.at("/server/workers").text() == "environment variable ALPHASWARM_CP_SERVER__WORKERS");
    CHECK(config.origins.at("/providers/0/alias").text() == "environment variable ALPHASWARM_CP_PROVIDERS");
    CHECK(config.origins.at("/server/streams").line == 2);
}

TEST_CASE("the command line is stronger than the environment", "[config]") {
    Config config = loaded("data_dir: d\nserver: {listen: 127.0.0.1:1}\n",
                           {{"ALPHASWARM_CP_SERVER__LISTEN", "127.0.0.1:2"}, {"ALPHASWARM_CP_DATA_DIR", "e"}},
                           {"127.0.0.1:3", "/f"});
    CHECK(config.server.listen.port == 3);
    CHECK(config.data_dir == "/f");
}

TEST_CASE("files are read", "[config]") {
    TemporaryFile file("data_dir: d\nserver: {workers: 3}\n");
    auto config = load(file.path(), {});
    if (!config) FAIL(describe(config.error()));
    CHECK(config->server.workers == 3);
    CHECK(config->data_dir == file.path().parent_path() / "d");
}

TEST_CASE("files that cannot be read are named", "[config]") {
    auto missing = load("/nonexistent/acp.yaml", {});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().slug == "config_unreadable");
    CHECK(describe(missing.error()) ==
          "cannot read the configuration /nonexistent/acp.yaml: No such file or directory; name the file with "
          "--config\n");
    CHECK(describe(load("/", {}).error()).find("it is a folder") != std::string::npos);
    TemporaryFile big("data_dir: d\n#" + std::string(1U << 20, 'x'));
    CHECK(describe(load(big.path(), {}).error()).find("more than 1 MiB") != std::string::npos);
    if (::geteuid() == 0) {
        TemporaryFile open("data_dir: d\n");
        REQUIRE(::chmod(open.path().c_str(), 0666) == 0);
        CHECK(describe(load(open.path(), {}).error()).find("chmod go-w") != std::string::npos);
        REQUIRE(::chmod(open.path().c_str(), 0644) == 0);
        CHECK(load(open.path(), {}));
    }
}

TEST_CASE("the sample files load", "[config]") {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(ACP_CONFIG_DIR)) {
        if (entry.path().extension() != ".yaml") continue;
        ++count;
        std::ifstream stream(entry.path());
        std::string text{std::istreambuf_iterator<char>(stream), {}};
        INFO(entry.path());
        auto config = load_text(text, entry.path(), {}, {});
        if (!config) FAIL(describe(config.error()));
        CHECK(config->workloads.default_provider);
        CHECK_FALSE(config->identity.insecure_dev);
        CHECK(config->server.listen.is_loopback());
    }
    CHECK(count >= 2);
}
