#include "providers/local_fixture.h"

#include <Poco/JSON/Parser.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "process_table.h"

namespace acp::test {

namespace fs = std::filesystem;

FakeHost& host() {
    static FakeHost one;
    return one;
}

LoadedPlugin& plugin() {
    static LoadedPlugin one(ACP_TEST_PLUGIN, host());
    return one;
}

LocalFixture::LocalFixture(const std::string& config_json) {
    std::string name = fs::temp_directory_path() / "acp-local-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a temporary folder");
    state_dir_ = name;
    try {
        recreate(config_json);
    } catch (...) {
        fs::remove_all(state_dir_);
        throw;
    }
}

LocalFixture::~LocalFixture() {
    const auto left = provider_->list().statuses;
    for (const auto& status : left) provider_->stop(status.service_id);
    std::string defects;
    if (fs::exists(state_dir_ / "workloads"))
        for (const auto& entry : fs::recursive_directory_iterator(state_dir_ / "workloads"))
            if (entry.path().filename() == "supervisor.err" && entry.file_size() > 0)
                defects += entry.path().string() + " ";
    CHECK(defects == "");
    for (const auto& status : left) CHECK(provider_->remove(status.service_id).ok());
    CHECK(wait_until([] { return zombies() == 0; }));
    provider_.reset();
    fs::remove_all(state_dir_);
}

void LocalFixture::recreate(const std::string& config_json) {
    provider_.reset();
    provider_ = std::make_unique<ProviderClient>(host(), plugin(), "local", config_json, state_dir_);
}

bool LocalFixture::reaches(const std::string& id, int32_t phase) {
    return wait_until([&] {
        const auto answer = provider_->status(id);
        return answer.ok() && answer.status().phase == phase;
    });
}

Poco::JSON::Object::Ptr LocalFixture::replica(const std::string& id, unsigned number) {
    const auto answer = provider_->status(id);
    REQUIRE(answer.ok());
    auto all = parse(answer.status().raw_json)->getArray("replicas");
    for (unsigned i = 0; i < all->size(); ++i)
        if (all->getObject(i)->getValue<std::string>("replica") == std::to_string(number)) return all->getObject(i);
    FAIL("no replica " << number << " in " << answer.status().raw_json);
    return {};
}

int LocalFixture::pid(const std::string& id, unsigned number) {
    return replica(id, number)->getValue<int>("pid");
}

std::string LocalFixture::log(const std::string& id) {
    FakeStream stream;
    REQUIRE(provider_->logs(id, stream).ok());
    REQUIRE(stream.read_to_end());
    std::string text;
    for (const auto& line : stream.output().writes) {
        const auto replica = line.find(' ') + 1;
        text += line.substr(line.find(' ', replica) + 1);
    }
    return text;
}

bool LocalFixture::log_gets(const std::string& id, const std::string& text) {
    return wait_until([&] { return log(id).find(text) != std::string::npos; });
}

sdk::DeploymentSpec rehash(sdk::DeploymentSpec spec) {
    std::string all = spec.image + '\1' + spec.metadata_json + '\1' + spec.resources_json;
    for (const auto* list : {&spec.command, &spec.args})
        for (const auto& s : *list) all += '\2' + s;
    for (const auto& [name, value] : spec.env) all += '\3' + name + '=' + value;
    spec.spec_hash = std::to_string(std::hash<std::string>()(all)) + "-" + std::to_string(spec.replicas);
    return spec;
}

sdk::DeploymentSpec spec(const std::string& id, std::vector<std::string> command, std::uint32_t replicas) {
    sdk::DeploymentSpec s;
    s.service_id = id;
    s.command = std::move(command);
    s.replicas = replicas;
    return rehash(std::move(s));
}

sdk::DeploymentSpec shell(const std::string& id, const std::string& script, std::uint32_t replicas) {
    return spec(id, {"/bin/sh", "-c", script}, replicas);
}

bool alive(int pid) {
    // A zombie still takes signals.
    for (const auto& row : local::process_table())
        if (row.pid == pid) return !row.zombie;
    return false;
}

int zombies() {
    int count = 0;
    for (const auto& row : local::process_table()) count += row.zombie && row.parent == ::getpid() ? 1 : 0;
    return count;
}

Poco::JSON::Object::Ptr parse(const std::string& json) {
    return Poco::JSON::Parser().parse(json).extract<Poco::JSON::Object::Ptr>();
}

}  // namespace acp::test
