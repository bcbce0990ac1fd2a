// local: the provider `local`, supervised processes on this host.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "sessions.h"
#include "workload.h"

namespace acp::local {

class LocalProvider : public sdk::Provider {
public:
    /// Takes over the workloads found in the state folder, running or not;
    /// starts and stops none.
    LocalProvider(sdk::Host host, const sdk::InstanceConfig& config);

    std::vector<sdk::Capability> capabilities() const override;
    sdk::DeploymentStatus start(const sdk::Call&, const sdk::DeploymentSpec&) override;
    sdk::DeploymentStatus stop(const sdk::Call&, const std::string& id) override;
    sdk::DeploymentStatus scale(const sdk::Call&, const std::string& id, std::uint32_t replicas) override;
    sdk::DeploymentStatus restart(const sdk::Call&, const std::string& id) override;
    void remove(const sdk::Call&, const std::string& id) override;
    sdk::DeploymentStatus status(const sdk::Call&, const std::string& id) override;
    std::vector<sdk::DeploymentStatus> list(const sdk::Call&, const std::string& namespace_) override;
    std::string get_config(const sdk::Call&, const std::string& id) override;
    std::string apply_config(const sdk::Call&, const std::string& id, const std::string& patch, bool dry_run) override;
    std::string rotate_secret(const sdk::Call&, const std::string& id, const std::string& secret,
                              bool restart) override;
    std::string metrics(const sdk::Call&, const std::string& id) override;
    std::string provision_namespace(const sdk::Call&, const std::string& name, const std::string& spec) override;
    void deprovision_namespace(const sdk::Call&, const std::string& name) override;
    sdk::HealthReport health(const sdk::Call&) override;
    void logs(const sdk::Call&, const std::string& id, const sdk::LogQuery&, sdk::Stream&) override;
    void exec(const sdk::Call&, const std::string& id, const sdk::ExecRequest&, sdk::Stream&) override;

private:
    using Ref = std::shared_ptr<Workload>;
    /// Throws ACP_E_NOT_FOUND; `or_new` makes one that is not known yet.
    Ref find(const std::string& id, bool or_new = false);
    /// Drops the workload unless it is known or in use elsewhere.
    void forget(Ref workload, const std::string& id);
    void adopt_all();

    sdk::Host host_;
    std::string source_;  // of log messages
    Shared shared_;
    std::mutex mutex_;  // guards what follows
    std::map<std::string, Ref> workloads_;
    std::vector<std::string> damaged_;  // folders that could not be taken over
    Sessions sessions_;                 // last: its threads end before the rest goes
};

}  // namespace acp::local
