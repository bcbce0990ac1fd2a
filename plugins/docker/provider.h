// docker: the provider, as the SDK wants it.
#pragma once

#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "containers.h"
#include "engine.h"
#include "lifecycle.h"
#include "sessions.h"
#include "store.h"

namespace acp::docker {

class DockerProvider : public sdk::Provider {
public:
    DockerProvider(const sdk::Host& host, const sdk::InstanceConfig& config);

    std::vector<sdk::Capability> capabilities() const override;
    sdk::DeploymentStatus start(const sdk::Call& call, const sdk::DeploymentSpec& spec) override;
    sdk::DeploymentStatus stop(const sdk::Call& call, const std::string& id) override;
    sdk::DeploymentStatus scale(const sdk::Call& call, const std::string& id, uint32_t replicas) override;
    sdk::DeploymentStatus restart(const sdk::Call& call, const std::string& id) override;
    void remove(const sdk::Call& call, const std::string& id) override;
    sdk::DeploymentStatus status(const sdk::Call& call, const std::string& id) override;
    std::vector<sdk::DeploymentStatus> list(const sdk::Call& call, const std::string& namespace_) override;
    std::string get_config(const sdk::Call& call, const std::string& id) override;
    std::string apply_config(const sdk::Call& call, const std::string& id, const std::string& patch,
                             bool dry_run) override;
    std::string rotate_secret(const sdk::Call& call, const std::string& id, const std::string& secret,
                              bool restart) override;
    std::string metrics(const sdk::Call& call, const std::string& id) override;
    std::string provision_namespace(const sdk::Call& call, const std::string& name, const std::string& spec) override;
    void deprovision_namespace(const sdk::Call& call, const std::string& name) override;
    sdk::HealthReport health(const sdk::Call& call) override;
    void logs(const sdk::Call& call, const std::string& id, const sdk::LogQuery& query, sdk::Stream& stream) override;
    void exec(const sdk::Call& call, const std::string& id, const sdk::ExecRequest& request,
              sdk::Stream& stream) override;

private:
    Engine engine_;
    Store store_;
    Containers containers_;
    Lifecycle lifecycle_;
    Sessions sessions_;  ///< last: its threads use the others
};

}  // namespace acp::docker
