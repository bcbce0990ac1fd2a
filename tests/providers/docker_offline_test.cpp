// Provider `docker` without a Docker Engine: configuration, and Engines that
// are dead, foreign, too old or broken.
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>

#include "client/abi.h"
#include "support/provider_client.h"
#include "unit/client/tiny_server.h"

using namespace acp::test;
using Catch::Contains;

namespace {

FakeHost& host() {
    static FakeHost the_host;
    static const bool added = [] {
        the_host.add(ACP_IID_HOST_HTTP_CLIENT, acp::client::http_client_table());
        return true;
    }();
    static_cast<void>(added);
    return the_host;
}

LoadedPlugin& plugin() {
    static LoadedPlugin the_plugin(ACP_TEST_PLUGIN, host());
    return the_plugin;
}

acp::sdk::DeploymentSpec spec() {
    acp::sdk::DeploymentSpec s;
    s.service_id = "web";
    s.image = "bb:latest";
    s.spec_hash = "1";
    return s;
}

std::string reply(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

/// An Engine that answers /version with `version` and everything else with `other`.
TinyServer::Script engine(const std::string& version, const std::string& other) {
    return [=](int fd, const std::string& request) {
        TinyServer::send(fd, request.starts_with("GET /version ") ? version : other);
    };
}

const std::string kVersion = reply(200, R"({"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"})");

std::string socket_config(const std::string& path) {
    return R"({"socket":")" + path + R"("})";
}

}  // namespace

TEST_CASE("docker: the entry says what the plugin is") {
    const acp_plugin_entry& entry = plugin().entry();
    CHECK(acp::sdk::view(entry.id) == "acp.docker");
    CHECK_THAT(acp::sdk::text(entry.config_schema_json), Contains("\"additionalProperties\": false"));
    CHECK_THAT(acp::sdk::text(entry.resource_schema_json), Contains("\"restart\""));
}

TEST_CASE("docker: configurations that are refused name the key") {
    ScratchFolder folder;
    struct Row {
        const char* config;
        const char* key;
    };
    const std::vector<Row> rows = {
        {R"({"sockets":"/x"})", "sockets"},
        {R"({"socket":"relative"})", "socket"},
        {R"({"socket":1})", "socket"},
        {R"({"socket":"/a","endpoint":"unix:///b"})", "socket"},
        {R"({"endpoint":"https://a:2376/path"})", "endpoint"},
        {R"({"endpoint":"https://a:2376","certificate_file":"/c.pem"})", "key_file"},
        {R"({"endpoint":"https://a:2376","ca_file":"c.pem"})", "ca_file"},
        {R"({"endpoint":"http://a:2375","ca_file":"/c.pem"})", "https"},
        {R"({"endpoint":"http://a:2375/path"})", "endpoint"},
        {R"({"endpoint":"tcp://a:2375"})", "endpoint"},
        {R"({"stop_timeout_s":-1})", "stop_timeout_s"},
        {R"({"stop_timeout_s":"5"})", "stop_timeout_s"},
        {R"({"pull":"sometimes"})", "pull"},
        {"[]", "config"},
        {"{", "config"},
    };
    for (const Row& row : rows) {
        INFO(row.config);
        CHECK_THROWS_WITH(ProviderClient(host(), plugin(), "docker", row.config, folder.path()), Contains(row.key));
    }
}

TEST_CASE("docker: a dead socket is unavailable, with its name and the remedy") {
    ScratchFolder folder;
    const std::string path = folder.path() + "/docker.sock";
    ProviderClient provider(host(), plugin(), "box", socket_config(path), folder.path());
    const Answer answer = provider.start(spec());
    CHECK(answer.code == ACP_E_UNAVAILABLE);
    CHECK_THAT(answer.message, Contains(path) && Contains("start dockerd") && Contains("box"));
    CHECK(provider.status("web").code == ACP_E_UNAVAILABLE);
    CHECK(provider.list().code == ACP_E_UNAVAILABLE);
    const auto health = provider.health();
    CHECK(health.state == ACP_HEALTH_DOWN);
    CHECK_THAT(health.message, Contains(path));
}

TEST_CASE("docker: the API version is negotiated") {
    ScratchFolder folder;
    struct Row {
        const char* api;
        const char* min_api;
        const char* used;  // empty: refused
    };
    const std::vector<Row> rows = {{"1.41", "1.12", "1.41"}, {"1.51", "1.24", "1.43"}, {"1.24", "", "1.24"},
                                   {"1.52", "1.44", "1.44"}, {"1.23", "1.12", ""},     {"", "", ""},
                                   {"new", "", ""}};
    for (const Row& row : rows) {
        INFO(row.api);
        TinyServer server(engine(reply(200, std::string(R"({"Version":"x","ApiVersion":")") + row.api +
                                                R"(","MinAPIVersion":")" + row.min_api + "\"}"),
                                 reply(200, "[]")));
        ProviderClient provider(host(), plugin(), "docker", R"({"endpoint":")" + server.base() + "\"}", folder.path());
        const Answer answer = provider.list();
        if (*row.used == '\0') {
            CHECK(answer.code == ACP_E_PROVIDER);
            CHECK_THAT(answer.message, Contains("1.24"));
            CHECK(provider.health().state == ACP_HEALTH_DOWN);
        } else {
            CHECK(answer.message == "");
            const std::string prefix = std::string("GET /v") + row.used + "/containers/json?";
            CHECK(server.requests().back().substr(0, prefix.size()) == prefix);
        }
    }
}

TEST_CASE("docker: the Engine's own message is passed on, by its meaning") {
    ScratchFolder folder;
    struct Row {
        int status;
        acp_status code;
    };
    for (const Row row : {Row{500, ACP_E_PROVIDER}, Row{403, ACP_E_DENIED}, Row{503, ACP_E_UNAVAILABLE}}) {
        TinyServer server(engine(kVersion, reply(row.status, R"({"message":"the disk is on fire"})")));
        ProviderClient provider(host(), plugin(), "docker", R"({"endpoint":")" + server.base() + "\"}", folder.path());
        const Answer answer = provider.list();
        CHECK(answer.code == row.code);
        CHECK_THAT(answer.message, Contains("the disk is on fire"));
    }
}

TEST_CASE("docker: answers that make no sense are the backend's fault") {
    ScratchFolder folder;
    for (const std::string& other : {reply(200, "<html>"), reply(200, "{}"), reply(200, ""), reply(502, "<html>"),
                                     std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[]")}) {
        TinyServer server(engine(kVersion, other));
        ProviderClient provider(host(), plugin(), "docker", R"({"endpoint":")" + server.base() + "\"}", folder.path());
        CHECK(provider.list().code == ACP_E_PROVIDER);
    }
    TinyServer foreign(engine(reply(404, "not found"), ""));
    ProviderClient provider(host(), plugin(), "docker", R"({"endpoint":")" + foreign.base() + "\"}", folder.path());
    CHECK_FALSE(provider.list().ok());
}

TEST_CASE("docker: an image is pulled when missing, and a failed pull says why") {
    ScratchFolder folder;
    const auto script = [](int fd, const std::string& request) {
        if (request.starts_with("GET /version ")) return TinyServer::send(fd, kVersion);
        if (request.starts_with("GET /v1.41/containers/json")) return TinyServer::send(fd, reply(200, "[]"));
        if (request.starts_with("GET /v1.41/images/"))
            return TinyServer::send(fd, reply(404, R"({"message":"no such image"})"));
        TinyServer::send(
            fd, reply(200, "{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{},\"error\":\"toomanyrequests\"}\r\n"));
    };
    TinyServer server(script);
    const std::string config = R"({"endpoint":")" + server.base() + "\"";
    acp::sdk::DeploymentSpec s = spec();
    s.image = "registry.example:5000/team/app";
    SECTION("missing") {
        ProviderClient provider(host(), plugin(), "docker", config + "}", folder.path());
        const Answer answer = provider.start(s);
        CHECK(answer.code == ACP_E_PROVIDER);
        CHECK_THAT(answer.message, Contains("toomanyrequests") && Contains(s.image));
        CHECK_THAT(server.requests().back(),
                   Contains("POST /v1.41/images/create?fromImage=registry.example%3A5000%2Fteam%2Fapp%3Alatest "));
    }
    SECTION("never") {
        ProviderClient provider(host(), plugin(), "docker", config + R"(,"pull":"never"})", folder.path());
        CHECK(provider.start(s).code == ACP_E_INVALID);
    }
    ProviderClient after(host(), plugin(), "docker", config + "}", folder.path());
    CHECK(after.list().statuses.empty());
}

TEST_CASE("docker: what the Engine cannot do is said in the matrix and in the call") {
    ScratchFolder folder;
    TinyServer server(engine(kVersion, reply(200, "[]")));
    ProviderClient provider(host(), plugin(), "docker", R"({"endpoint":")" + server.base() + "\"}", folder.path());
    std::size_t unsupported = 0;
    for (const auto& capability : provider.capabilities()) {
        if (capability.supported) continue;
        ++unsupported;
        CHECK_FALSE(capability.reason.empty());
    }
    CHECK(unsupported == 3);
    CHECK(provider.capabilities().size() == 16);
    CHECK(provider.provision_namespace("a", "{}").code == ACP_E_UNSUPPORTED);
    CHECK(provider.deprovision_namespace("a").code == ACP_E_UNSUPPORTED);
}

TEST_CASE("docker: ports are published, and health counts") {
    ScratchFolder folder;
    std::atomic<bool> created{false};
    std::atomic<const char*> health{"healthy"};
    TinyServer server([&](int fd, const std::string& request) {
        const auto is = [&](const char* line) { return request.starts_with(line); };
        if (is("GET /version ")) return TinyServer::send(fd, kVersion);
        if (is("GET /v1.41/images/")) return TinyServer::send(fd, reply(200, "{}"));
        if (is("POST /v1.41/containers/create?name=docker-web-1 ")) {
            created = true;
            return TinyServer::send(fd, reply(201, R"({"Id":"c1","Warnings":[]})"));
        }
        if (is("POST /v1.41/containers/c1/start ")) return TinyServer::send(fd, "HTTP/1.1 204 No Content\r\n\r\n");
        if (is("GET /v1.41/containers/json?"))
            return TinyServer::send(fd, reply(200, !created ? "[]" : R"([{"Id":"c1","Names":["/docker-web-1"],
                "Image":"bb:latest","State":"running","Ports":[{"IP":"127.0.0.1","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
                {"PrivatePort":81,"Type":"tcp"}],"Labels":{"io.alphaswarm.cp.service":"web","io.alphaswarm.cp.replica":"1",
                "io.alphaswarm.cp.revision":"1","io.alphaswarm.cp.spec-hash":"1"}}])"));
        if (is("GET /v1.41/containers/c1/json "))
            return TinyServer::send(fd, reply(200, R"({"State":{"Status":"running","StartedAt":"2026-01-31T08:15:00.5Z",
                "FinishedAt":"0001-01-01T00:00:00Z","Health":{"Status":")" +
                                                       std::string(health.load()) + R"("}}})"));
        TinyServer::send(fd, reply(500, "{}"));
    });
    ProviderClient provider(host(), plugin(), "docker", R"({"endpoint":")" + server.base() + "\"}", folder.path());
    acp::sdk::DeploymentSpec s = spec();
    s.ports = {{"http", "tcp", 80, 8080}, {"any", "udp", 53, 0}};
    const Answer answer = provider.start(s);
    REQUIRE(answer.message == "");
    std::string body;
    for (const std::string& request : server.requests())
        if (request.find("/containers/create") != std::string::npos) body = request;
    CHECK_THAT(body, Contains(R"("80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}])"));
    CHECK_THAT(body, Contains(R"("53/udp":[{"HostIp":"127.0.0.1","HostPort":""}])"));
    CHECK(answer.status().phase == ACP_PHASE_RUNNING);
    CHECK(answer.status().endpoints_json == R"([{"name":"http","host":"127.0.0.1","port":8080,"protocol":"tcp"}])");
    CHECK(answer.status().last_transition_unix_ms == 1'769'847'300'500);
    health = "starting";
    CHECK(provider.status("web").status().phase == ACP_PHASE_STARTING);
    CHECK(provider.status("web").status().replicas_ready == 0);
    health = "unhealthy";
    CHECK(provider.status("web").status().phase == ACP_PHASE_DEGRADED);
    CHECK_THAT(provider.status("web").status().conditions_json, Contains("Unhealthy"));
}

TEST_CASE("docker: a long name is quoted in whole characters") {
    ScratchFolder folder;
    ProviderClient provider(host(), plugin(), "box", socket_config(folder.path() + "/docker.sock"), folder.path());
    acp::sdk::DeploymentSpec kept;
    std::string quoted = " ";
    for (int i = 0; i < 100; ++i) kept.service_id += "\xc3\xa4";
    for (int i = 0; i < 31; ++i) quoted += "\xc3\xa4";
    const Answer answer = provider.start(kept);
    CHECK(answer.code == ACP_E_NOT_FOUND);
    CHECK_THAT(answer.message, Catch::EndsWith(quoted));
}
