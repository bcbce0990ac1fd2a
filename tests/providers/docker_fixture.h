// providers: an instance of provider `docker` on the Engine that
// ACP_TEST_DOCKER_SOCKET names. Its image (ACP_TEST_DOCKER_IMAGE, else
// acp-test:latest) is a static busybox with /bin/sh and the usual applets.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/provider_client.h"

namespace acp::test::docker {

FakeHost& host();
LoadedPlugin& plugin();
std::string socket_path();
std::string image();

class Fixture {
public:
    explicit Fixture(const std::string& more_config = {});
    /// Removes every container of this instance, whatever the test left.
    ~Fixture();

    ProviderClient& provider() { return *provider_; }
    const std::string& alias() const { return alias_; }
    const std::filesystem::path& state_dir() const { return state_dir_; }
    /// What a restart of the control plane is to the plugin.
    void recreate();

    bool reaches(const std::string& id, int32_t phase);
    /// The log lines that are there now, without time and replica.
    std::string log(const std::string& id);
    bool log_gets(const std::string& id, const std::string& text);
    /// Output of a command, and its exit code in `status`.
    FakeStream::Output run(const std::string& id, std::vector<std::string> argv, const std::string& replica = {});

    /// What the Engine itself says, without the plugin: its containers of this
    /// workload, by name.
    std::vector<Poco::JSON::Object::Ptr> containers(const std::string& id);
    std::vector<std::string> names(const std::string& id);
    std::string container_id(const std::string& id, std::uint32_t replica = 1);
    Poco::JSON::Object::Ptr inspect(const std::string& container);
    void engine(const std::string& method, const std::string& path, const std::string& body = {});

private:
    std::string alias_, config_;
    std::filesystem::path state_dir_;
    std::unique_ptr<ProviderClient> provider_;
};

/// A shell script as a workload; its hash follows from its content.
sdk::DeploymentSpec shell(const std::string& id, const std::string& script, std::uint32_t replicas = 1);
/// To be called after changing a spec.
sdk::DeploymentSpec rehash(sdk::DeploymentSpec spec);
Poco::JSON::Object::Ptr parse(const std::string& json);

/// A script that runs until it is told to stop, and then ends at once.
inline const std::string kServe = "trap 'exit 0' TERM; echo up; while true; do sleep 0.1; done";

}  // namespace acp::test::docker
