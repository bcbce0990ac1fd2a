// Every mistake is reported with file, line, column, key and a way out.
#include <algorithm>
#include <catch2/catch.hpp>

#include "config/load.h"

using namespace acp;
using namespace acp::config;

namespace {

Error refused(std::string_view text, const Environment& environment = {}, const Overrides& overrides = {}) {
    auto config = load_text(text, "f.yaml", environment, overrides);
    INFO(text);
    REQUIRE_FALSE(config);
    CHECK(config.error().code == Code::invalid);
    CHECK(config.error().slug == "config_invalid");
    return config.error();
}

std::string told(std::string_view text, const Environment& environment = {}, const Overrides& overrides = {}) {
    return describe(refused(text, environment, overrides));
}

}  // namespace

TEST_CASE("unknown keys", "[config]") {
    CHECK(told("data_dir: d\nserver:\n  lisen: 127.0.0.1:1\n")
              .find("f.yaml:3:3: key server.lisen: unknown key; did you mean listen? known: caller_workers, limits, listen, ") == 0);
    CHECK(told("data_dir: d\ntopology: {}\n").find("f.yaml:2:1: key topology: unknown key; known: audit, data_dir, ") ==
          0);
    CHECK(told("data_dir: d\nproviders:\n  - alias: a\n    plugin: p\n    confg: {}\n") ==
          "f.yaml:5:5: key providers[0].confg: unknown key; did you mean config? known: alias, config, plugin\n");
    Error error = refused("data_dir: d\nserver:\n  lisen: 1\n");
    REQUIRE(error.violations.size() == 1);
    CHECK(error.violations[0].pointer == "f.yaml:3:server.lisen");
    CHECK(error.message == "the configuration f.yaml has a mistake");
}

TEST_CASE("wrong types and values", "[config]") {
    CHECK(told("data_dir: d\nserver:\n  workers: many\n") ==
          "f.yaml:3:3: key server.workers: must be integer, is string; write a number without quotes\n");
    CHECK(told("data_dir: d\nserver:\n  workers: \"5\"\n") ==
          "f.yaml:3:3: key server.workers: must be integer, is string; write a number without quotes\n");
    CHECK(told("data_dir: d\nmetrics: {public: yes}\n") ==
          "f.yaml:2:11: key metrics.public: must be boolean, is string; write true or false without quotes\n");
    CHECK(told("data_dir: 5\n") == "f.yaml:1:1: key data_dir: must be string, is integer; put it in quotes\n");
    CHECK(told("data_dir:\n") == "f.yaml:1:1: key data_dir: must be string, is null; give a value or remove the key\n");
    CHECK(told("data_dir: d\nserver:\n") ==
          "f.yaml:2:1: key server: must be object, is null; give a value or remove the key\n");
    CHECK(told("data_dir: d\nserver: {workers: 0}\n") == "f.yaml:2:10: key server.workers: must be at least 1\n");
    CHECK(told("data_dir: d\nserver: {loops: 65}\n") == "f.yaml:2:10: key server.loops: must be at most 64\n");
    CHECK(told("data_dir: d\nstore: {kind: postgres}\n") == "f.yaml:2:9: key store.kind: must be \"sqlite\"\n");
    CHECK(told("data_dir: d\nlog: {level: loud}\n") ==
          "f.yaml:2:7: key log.level: must be one of \"trace\", \"debug\", \"info\", \"warn\", \"error\"\n");
    CHECK(told("data_dir: d\nidentity: {issuer: me}\n").find("f.yaml:2:12: key identity.issuer: must match ") == 0);
    CHECK(told("data_dir: d\nplugins: {directories: [a, 5]}\n") ==
          "f.yaml:2:28: key plugins.directories[1]: must be string, is integer; put it in quotes\n");
    CHECK(told("data_dir: d\nproviders: {alias: a}\n") == "f.yaml:2:1: key providers: must be array, is object\n");
    CHECK(told("data_dir: d\nproviders: [{alias: a, plugin: p, config: []}]\n") ==
          "f.yaml:2:35: key providers[0].config: must be object, is array\n");
}

TEST_CASE("missing keys are reported where they belong", "[config]") {
    CHECK(told("log: {level: info}\n") == "f.yaml:1:1: missing key data_dir\n");
    CHECK(told("data_dir: d\nproviders:\n  - alias: a\n  - plugin: p\n    alias: b\n") ==
          "f.yaml:3:5: key providers[0]: missing key plugin\n");
}

TEST_CASE("what is no map at all", "[config]") {
    CHECK(told("") == "f.yaml:1:1: the file is empty; data_dir at least is needed, config schema prints all keys\n");
    CHECK(told("# nothing\n") == told(""));
    CHECK(told("- a\n- b\n") == "f.yaml:1:1: must be object, is array\n");
    CHECK(told("just text\n") == "f.yaml:1:1: must be object, is string\n");
    CHECK(told("5\n", {{"ALPHASWARM_CP_DATA_DIR", "d"}}) == "f.yaml:1:1: must be object, is integer\n");
}

TEST_CASE("broken YAML", "[config]") {
    CHECK(told("data_dir: d\nserver:\n\tlisten: x\n") == "f.yaml:3:1: a tab in the indentation; use spaces\n");
    CHECK(told("data_dir: d\ndata_dir: e\n") ==
          "f.yaml:2:1: key data_dir: the key occurs twice, first on line 1; keep one\n");
    CHECK(told("data_dir: d\n---\nlog: {}\n") == "f.yaml:2:1: a second document begins here; keep one in the file\n");
    CHECK(told("data_dir: [d\n").find("f.yaml:") == 0);
}

TEST_CASE("aliases", "[config]") {
    CHECK(told("data_dir: d\nproviders:\n  - {alias: Bad Name, plugin: p}\n") ==
          "f.yaml:3:6: key providers[0].alias: must match ^[a-z0-9-]{1,32}$\n");
    CHECK(told("data_dir: d\nproviders:\n  - {alias: a, plugin: p}\n  - {alias: a, plugin: q}\n") ==
          "f.yaml:4:6: key providers[1].alias: the alias is taken by providers[0] (f.yaml:3:6); choose another\n");
    // Of whatever kind: the alias names the instance's folder.
    CHECK(told("data_dir: d\nproviders:\n  - {alias: a, plugin: p}\nhttp_routes:\n  - {alias: a, plugin: q}\n") ==
          "f.yaml:5:6: key http_routes[0].alias: the alias is taken by providers[0] (f.yaml:3:6); choose another\n");
    CHECK(told("data_dir: d\nproviders:\n  - {alias: a, plugin: p}\nidentity:\n  flows:\n    - {alias: a, plugin: q}\n") ==
          "f.yaml:6:8: key identity.flows[0].alias: the alias is taken by providers[0] (f.yaml:3:6); choose another\n");
    CHECK(told("data_dir: d\nidentity: {flows: [{alias: a}]}\n").find("key identity.flows[0]") != std::string::npos);
    // The instance's folder would be the plugins' store.
    CHECK(told("data_dir: d\nproviders: [{alias: store, plugin: p}]\n")
              .find("f.yaml:2:14: key providers[0].alias: is the name of the plugins' store") == 0);
    CHECK(load_text("data_dir: d\nproviders: [{alias: store, plugin: p}]\nplugins: {store: s}\n", "f.yaml", {}, {}));
    CHECK(told("data_dir: d\nproviders: [{alias: a, plugin: p}]\nworkloads: {default_provider: b}\n") ==
          "f.yaml:3:13: key workloads.default_provider: names no provider; the aliases in providers are a\n");
    CHECK(told("data_dir: d\negress: {proxy: 'http://p:1'}\n") ==
          "f.yaml:2:10: key egress.proxy: is no address; write HOST:PORT or [IPV6]:PORT with a port from 1 to 65535\n");
    CHECK(told("data_dir: d\negress: {proxy_credentials: 'ab'}\n") ==
          "f.yaml:2:10: key egress.proxy_credentials: are for no proxy; set proxy, or remove this key\n"
          "f.yaml:2:10: key egress.proxy_credentials: have no colon; write USER:PASSWORD\n");
    CHECK(told("data_dir: d\nworkloads: {default_provider: b}\n") ==
          "f.yaml:2:13: key workloads.default_provider: names no provider: there are none; add one to providers\n");
}

TEST_CASE("addresses", "[config]") {
    CHECK(told("data_dir: d\nserver:\n  listen: \"9000\"\n") ==
          "f.yaml:3:3: key server.listen: is no address; write HOST:PORT or [IPV6]:PORT with a port up to 65535\n");
    CHECK(told("data_dir: d\n", {}, {"nonsense", {}}).find("option --listen: key server.listen: is no address") == 0);
    CHECK(told("data_dir: d\n", {}, {{}, ""}).find("option --data-dir: key data_dir: must not be empty") == 0);
}

TEST_CASE("insecure_dev stays on loopback", "[config]") {
    constexpr std::string_view open =
        "data_dir: d\nserver: {listen: \"0.0.0.0:9000\"}\nidentity: {insecure_dev: true}\n";
    CHECK(told(open).find("f.yaml:3:12: key identity.insecure_dev: true lets everybody in") == 0);
    CHECK(load_text(open, "f.yaml", {}, {"127.0.0.1:0", {}}));
    constexpr std::string_view closed = "data_dir: d\nidentity: {insecure_dev: true}\n";
    CHECK(load_text(closed, "f.yaml", {}, {}));
    CHECK(told(closed, {}, {"0.0.0.0:0", {}}).find("f.yaml:2:12: key identity.insecure_dev") == 0);
    CHECK(told(closed, {{"ALPHASWARM_CP_SERVER__LISTEN", "192.0.2.1:1"}}).find("f.yaml:2:12: ") == 0);
}

TEST_CASE("mounts", "[config]") {
    CHECK(told("data_dir: d\nhttp_routes: [{alias: a, plugin: p, mount: /manage/x}]\n")
              .find("f.yaml:2:37: key http_routes[0].mount: must match ^/ext(/") == 0);
    CHECK(told("data_dir: d\nhttp_routes: [{alias: a, plugin: p, mount: /ext/../manage}]\n") ==
          "f.yaml:2:37: key http_routes[0].mount: must not hold the segments . and ..\n");
    CHECK(told("data_dir: d\nhttp_routes:\n  - {alias: a, plugin: p}\n  - {alias: b, plugin: p, mount: /ext/a}\n") ==
          "f.yaml:4:27: key http_routes[1].mount: the mount is taken by http_routes[0] (f.yaml:3:5); choose another\n");
    CHECK(told("data_dir: d\nhttp_routes: [{alias: a, plugin: p, mount: /ext}]\n").find("must match") !=
          std::string::npos);
}

TEST_CASE("sizes that contradict each other", "[config]") {
    CHECK(told("data_dir: d\nserver: {limits: {target_bytes: 20000}}\n")
              .find("f.yaml:2:19: key server.limits.target_bytes: target_bytes is more than header_bytes") == 0);
    CHECK(told("data_dir: d\nserver: {limits: {header_bytes: 4096}}\n")
              .find("f.yaml:2:19: key server.limits.header_bytes: target_bytes is more than header_bytes") == 0);
}

TEST_CASE("tls", "[config]") {
    CHECK(told("data_dir: d\nserver: {tls: {}}\n") == "f.yaml:2:10: key server.tls: missing key certificates\n");
    CHECK(told("data_dir: d\nserver: {tls: {min_version: \"1.3\"}}\n") ==
          "f.yaml:2:10: key server.tls: missing key certificates\n");
    CHECK(told("data_dir: d\nserver: {tls: {certificates: []}}\n").find("f.yaml:2:16: key server.tls.certificates: ") ==
          0);
    CHECK(told("data_dir: d\nserver:\n  tls:\n    certificates:\n      - certificate: c.pem\n") ==
          "f.yaml:5:9: key server.tls.certificates[0]: missing key key\n");
    const std::string pair = "data_dir: d\nserver:\n  tls:\n    certificates: [{certificate: c, key: k}]\n";
    CHECK(told(pair + "    min_version: 1.3\n") ==
          "f.yaml:5:5: key server.tls.min_version: must be string, is number; put it in quotes\n");
    CHECK(told(pair + "    min_version: \"1.1\"\n") ==
          "f.yaml:5:5: key server.tls.min_version: must be one of \"1.2\", \"1.3\"\n");
    CHECK(told(pair + "    client_auth: required\n") ==
          "f.yaml:5:5: key server.tls.client_auth: names no authority to check certificates by; set client_ca to its "
          "PEM file\n");
    CHECK(told(pair + "    client_ca: ca.pem\n") ==
          "f.yaml:5:5: key server.tls.client_ca: no client is asked for a certificate; set client_auth to optional or "
          "required, or remove this key\n");
    CHECK(told(pair + "    client_auth: maybe\n") ==
          "f.yaml:5:5: key server.tls.client_auth: must be one of \"none\", \"optional\", \"required\"\n");
}

TEST_CASE("state", "[config]") {
    const auto told_of = [](const std::string& section) { return told("data_dir: d\nstate: " + section + "\n"); };
    CHECK(told_of("{kind: files}") == "f.yaml:2:9: key state.kind: must be one of \"sqlite\", \"memory\", \"postgresql\", \"redis\"\n");
    for (const std::string kind : {"redis", "postgresql"})
        CHECK(told_of("{kind: " + kind + "}") ==
              "f.yaml:2:9: key state.kind: names a database but not where it is; set url, for example url: ${STATE_URL}\n");
    for (const std::string kind : {"", "kind: memory, ", "kind: sqlite, "})
        CHECK(told_of("{" + kind + "url: 'redis://:hunter2@h'}").find("key state.url: is for the kinds postgresql and redis; set kind") != std::string::npos);
    CHECK(told_of("{kind: redis, url: 'postgresql://h'}") ==
          "f.yaml:2:22: key state.url: must begin with redis://, rediss:// or unix://, as kind is redis\n");
    CHECK(told_of("{kind: postgresql, url: 'redis://h'}") == "f.yaml:2:27: key state.url: must begin with postgresql://, as kind is postgresql\n");
    CHECK(told_of("{kind: memory, path: s.db}") == "f.yaml:2:23: key state.path: is for the kind sqlite; remove this key, or set kind to sqlite\n");
    CHECK(told_of("{kind: memory, key_file: k}") ==
          "f.yaml:2:23: key state.key_file: is not needed in memory, whose key ends with the process; remove this key\n");
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_STATE__KIND", "redis"}}).find("environment variable ALPHASWARM_CP_STATE__KIND: key state.kind: names a database") == 0);
    CHECK(load_text("data_dir: d\n", "f.yaml", {{"ALPHASWARM_CP_STATE__KIND", "redis"}, {"ALPHASWARM_CP_STATE__URL", "redis://h"}}, {}));
    CHECK(told_of("{kind: redis, url: 'hunter2', path: hunter2}").find("hunter2") == std::string::npos);
}

TEST_CASE("environment", "[config]") {
    CHECK(told("data_dir: d\nserver:\n  listen: ${LISTEN}\n") ==
          "f.yaml:3:3: key server.listen: environment variable LISTEN is not set; set it, or write "
          "${LISTEN:-default}\n");
    CHECK(told("data_dir: $HOME\n").find("f.yaml:1:1: key data_dir: a dollar sign alone; write $$") == 0);
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_SERVER__LISEN", "x"}})
              .find("environment variable ALPHASWARM_CP_SERVER__LISEN: key server.lisen: unknown key; did you mean "
                    "listen?") == 0);
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_SERVER_LISTEN", "x"}})
              .find("environment variable ALPHASWARM_CP_SERVER_LISTEN: key server_listen: unknown key") == 0);
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_SERVER__WORKERS", "x"}}) ==
          "environment variable ALPHASWARM_CP_SERVER__WORKERS: key server.workers: must be integer, is string; write a "
          "number without quotes\n");
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_SERVER__WORKERS", "[1"}})
              .find("environment variable ALPHASWARM_CP_SERVER__WORKERS:1:") == 0);
    CHECK(
        told("data_dir: d\n", {{"ALPHASWARM_CP_SERVER__WORKERS", "5"}, {"ALPHASWARM_CP_server__workers", "6"}}) ==
        "environment variable ALPHASWARM_CP_server__workers: sets the same key as ALPHASWARM_CP_SERVER__WORKERS; keep "
        "one\n");
    CHECK(told("data_dir: d\nproviders: [{alias: a, plugin: p}]\n", {{"ALPHASWARM_CP_PROVIDERS__0__ALIAS", "b"}}) ==
          "environment variable ALPHASWARM_CP_PROVIDERS__0__ALIAS: key providers: is no map but array; set it as a "
          "whole\n");
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_LOG____LEVEL", "info"}}).find("unknown key") != std::string::npos);
    CHECK(told("data_dir: d\n", {{"ALPHASWARM_CP_LOG", "{level: info, level: warn}"}})
              .find("environment variable ALPHASWARM_CP_LOG: key log.level: the key occurs twice") == 0);
}

TEST_CASE("all mistakes of a file are told at once", "[config]") {
    Error error = refused(R"(data_dir: ${MISSING}
server:
  listen: nonsense
  workers: many
  lisen: 1
identity:
  insecure_dev: "true"
providers:
  - {alias: a, plugin: p}
  - {alias: a}
  - {alias: A, plugin: p, more: 1}
workloads:
  default_provider: b
  default_provider: c
)",
                          {{"ALPHASWARM_CP_LOG__LEVEL", "loud"}});
    std::vector<std::string> places;
    for (const auto& violation : error.violations) places.push_back(violation.pointer);
    std::sort(places.begin(), places.end());
    CHECK(places == std::vector<std::string>{
                        "environment variable ALPHASWARM_CP_LOG__LEVEL:log.level",
                        "f.yaml:10:providers[1]",
                        "f.yaml:10:providers[1].alias",
                        "f.yaml:11:providers[2].alias",
                        "f.yaml:11:providers[2].more",
                        "f.yaml:13:workloads.default_provider",
                        "f.yaml:14:workloads.default_provider",
                        "f.yaml:1:data_dir",
                        "f.yaml:3:server.listen",
                        "f.yaml:4:server.workers",
                        "f.yaml:5:server.lisen",
                        "f.yaml:7:identity.insecure_dev",
                    });
    CHECK(error.message == "the configuration f.yaml has 12 mistakes");
}

TEST_CASE("values are never told", "[config]") {
    Environment environment{
        {"SECRET", "hunter2"}, {"ALPHASWARM_CP_STORE__KIND", "hunter2"}, {"ALPHASWARM_CP_LOG__LEVEL", "[hunter2"}};
    auto text = told(
        "data_dir: {a: hunter2}\nserver: {listen: hunter2, workers: \"${SECRET}\"}\n"
        "identity: {issuer: hunter2, token_ttl_s: hunter2}\nproviders: [{alias: a, plugin: \"hunter2 x\"}]\n"
        "workloads: {default_provider: hunter2}\nhttp_routes: [{alias: a, plugin: p, mount: hunter2}]\n",
        environment);
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') >= 9);
}
