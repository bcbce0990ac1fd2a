#define CATCH_CONFIG_RUNNER
#include "providers/docker_fixture.h"

#include <Poco/JSON/Parser.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdio>
#include <stdexcept>

#include "client/abi.h"
#include "unit/client/caller.h"

int main(int argc, char** argv) {
    if (acp::test::docker::socket_path().empty()) {
        std::puts("skipped: ACP_TEST_DOCKER_SOCKET does not name the socket of a Docker Engine");
        return 77;
    }
    return Catch::Session().run(argc, argv);
}

namespace acp::test::docker {

namespace {

std::string environment(const char* name, const char* fallback) {
    const char* value = ::getenv(name);
    return value != nullptr ? value : fallback;
}

std::string ask_engine(const std::string& method, const std::string& path, const std::string& body) {
    Caller caller;
    caller.url = "unix://" + socket_path() + ":" + path;
    caller.method = method;
    caller.body = body;
    if (!body.empty()) caller.fields = {{"Content-Type", "application/json"}};
    if (caller.run() != ACP_OK) throw std::runtime_error(caller.message);
    if (caller.status >= 300) throw std::runtime_error(method + " " + path + ": " + caller.reply);
    return caller.reply;
}

}  // namespace

FakeHost& host() {
    static FakeHost the_host;
    static const bool added = [] {
        the_host.add(ACP_IID_HOST_HTTP_CLIENT, client::http_client_table());
        return true;
    }();
    static_cast<void>(added);
    return the_host;
}

LoadedPlugin& plugin() {
    static LoadedPlugin the_plugin(ACP_TEST_PLUGIN, host());
    return the_plugin;
}

std::string socket_path() {
    return environment("ACP_TEST_DOCKER_SOCKET", "");
}
std::string image() {
    return environment("ACP_TEST_DOCKER_IMAGE", "acp-test:latest");
}

Fixture::Fixture(const std::string& more_config) {
    static std::atomic<int> count{0};
    alias_ = "t" + std::to_string(::getpid()) + "-" + std::to_string(++count);
    config_ = R"({"socket":")" + socket_path() + R"(","network":"none","stop_timeout_s":2,"pull":"never")" +
              more_config + "}";
    std::string pattern = "/tmp/acp-docker-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    state_dir_ = pattern;
    recreate();
}

Fixture::~Fixture() {
    provider_.reset();
    try {
        for (const auto& c : containers({}))
            engine("DELETE", "/containers/" + c->getValue<std::string>("Id") + "?force=1&v=1");
    } catch (const std::exception& e) {
        std::fprintf(stderr, "cleaning up: %s\n", e.what());
    }
    std::error_code ignored;
    std::filesystem::remove_all(state_dir_, ignored);
}

void Fixture::recreate() {
    provider_.reset();
    provider_ = std::make_unique<ProviderClient>(host(), plugin(), alias_, config_, state_dir_.string());
}

bool Fixture::reaches(const std::string& id, int32_t phase) {
    return wait_until([&] {
        const Answer answer = provider_->status(id);
        return answer.ok() && answer.status().phase == phase;
    });
}

std::string Fixture::log(const std::string& id) {
    FakeStream stream(4U << 20);
    const Answer answer = provider_->logs(id, stream);
    if (!answer.ok()) throw std::runtime_error(answer.message);
    if (!stream.read_to_end()) throw std::runtime_error("the log does not end");
    std::string out;
    for (const std::string& line : stream.output().writes) out += line.substr(line.find(' ', line.find(' ') + 1) + 1);
    return out;
}

bool Fixture::log_gets(const std::string& id, const std::string& text) {
    return wait_until([&] { return log(id).find(text) != std::string::npos; });
}

FakeStream::Output Fixture::run(const std::string& id, std::vector<std::string> argv, const std::string& replica) {
    FakeStream stream;
    const Answer answer = provider_->exec(id, stream, {std::move(argv), false, false, replica});
    if (!answer.ok()) throw std::runtime_error(answer.message);
    if (!stream.read_to_end()) throw std::runtime_error("the command does not end");
    if (stream.finish_status() != ACP_OK) throw std::runtime_error(stream.finish_message());
    if (!stream.wait_released()) throw std::runtime_error("the stream is not released");
    return stream.output();
}

std::vector<Poco::JSON::Object::Ptr> Fixture::containers(const std::string& id) {
    std::string label = "io.alphaswarm.cp.alias%3D" + alias_;
    if (!id.empty()) label += "%22%2C%22io.alphaswarm.cp.service%3D" + id;
    const std::string reply =
        ask_engine("GET", "/v1.41/containers/json?all=1&filters=%7B%22label%22%3A%5B%22" + label + "%22%5D%7D", {});
    const auto list = Poco::JSON::Parser().parse(reply).extract<Poco::JSON::Array::Ptr>();
    std::vector<Poco::JSON::Object::Ptr> out;
    for (unsigned i = 0; i < list->size(); ++i) out.push_back(list->getObject(i));
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return a->getArray("Names")->template getElement<std::string>(0) <
               b->getArray("Names")->template getElement<std::string>(0);
    });
    return out;
}

std::vector<std::string> Fixture::names(const std::string& id) {
    std::vector<std::string> out;
    for (const auto& c : containers(id)) out.push_back(c->getArray("Names")->getElement<std::string>(0).substr(1));
    return out;
}

std::string Fixture::container_id(const std::string& id, std::uint32_t replica) {
    for (const auto& c : containers(id))
        if (c->getObject("Labels")->getValue<std::string>("io.alphaswarm.cp.replica") == std::to_string(replica))
            return c->getValue<std::string>("Id");
    return {};
}

Poco::JSON::Object::Ptr Fixture::inspect(const std::string& container) {
    return parse(ask_engine("GET", "/v1.41/containers/" + container + "/json", {}));
}

void Fixture::engine(const std::string& method, const std::string& path, const std::string& body) {
    ask_engine(method, "/v1.41" + path, body);
}

sdk::DeploymentSpec shell(const std::string& id, const std::string& script, std::uint32_t replicas) {
    sdk::DeploymentSpec spec;
    spec.service_id = id;
    spec.image = image();
    spec.replicas = replicas;
    spec.command = {"/bin/sh", "-c", script};
    return rehash(std::move(spec));
}

sdk::DeploymentSpec rehash(sdk::DeploymentSpec spec) {
    std::string all = spec.image + '\n' + std::to_string(spec.replicas) + spec.resources_json + spec.metadata_json;
    for (const auto& part : spec.command) all += '\n' + part;
    for (const auto& part : spec.args) all += '\n' + part;
    for (const auto& [name, value] : spec.env) all += '\n' + name + '=' + value;
    for (const auto& [name, value] : spec.labels) all += '\n' + name + '=' + value;
    for (const auto& port : spec.ports)
        all += '\n' + std::to_string(port.container_port) + ':' + std::to_string(port.host_port);
    spec.spec_hash = std::to_string(std::hash<std::string>()(all));
    return spec;
}

Poco::JSON::Object::Ptr parse(const std::string& json) {
    return Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
}

}  // namespace acp::test::docker
