// providers: an instance of provider `local` with a state folder of its own.
#pragma once

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/provider_client.h"

namespace acp::test {

/// The host and the plugin of this test binary.
FakeHost& host();
LoadedPlugin& plugin();

class LocalFixture {
public:
    explicit LocalFixture(const std::string& config_json = "{}");
    /// Ends every workload, whatever the test left, and checks that no
    /// supervisor reported a defect (a sanitizer's report would be one).
    ~LocalFixture();

    ProviderClient& provider() { return *provider_; }
    const std::filesystem::path& state_dir() const { return state_dir_; }
    std::filesystem::path folder(const std::string& id) const { return state_dir_ / "workloads" / id; }
    /// Destroys the instance; `recreate` follows.
    void end() { provider_.reset(); }
    /// What a restart of the control plane is to the plugin.
    void recreate(const std::string& config_json = "{}");

    /// The workload's status, repeated until `phase`; false when it does not come.
    bool reaches(const std::string& id, int32_t phase);
    /// raw.replicas[number] of the status.
    Poco::JSON::Object::Ptr replica(const std::string& id, unsigned number);
    int pid(const std::string& id, unsigned number = 0);
    /// All log lines that exist now, without time and replica.
    std::string log(const std::string& id);
    bool log_gets(const std::string& id, const std::string& text);

private:
    std::filesystem::path state_dir_;
    std::unique_ptr<ProviderClient> provider_;
};

/// A spec whose hash follows from its content.
sdk::DeploymentSpec spec(const std::string& id, std::vector<std::string> command, std::uint32_t replicas = 1);
sdk::DeploymentSpec shell(const std::string& id, const std::string& script, std::uint32_t replicas = 1);
/// To be called after changing a spec.
sdk::DeploymentSpec rehash(sdk::DeploymentSpec spec);

bool alive(int pid);
/// Processes below this one that have ended but were not waited for.
/// Children of this process (supervisors, that is) that ended and were not
/// reaped. What a workload's own processes have not reaped yet does not count.
int zombies();
Poco::JSON::Object::Ptr parse(const std::string& json);

}  // namespace acp::test
