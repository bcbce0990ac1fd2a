// docker: the actions on workloads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "containers.h"
#include "engine.h"
#include "locks.h"
#include "store.h"

namespace acp::docker {

class Lifecycle {
public:
    Lifecycle(Engine& engine, Containers& containers, const Store& store)
        : engine_(engine), containers_(containers), store_(store) {}

    sdk::DeploymentStatus start(const sdk::Call& call, const sdk::DeploymentSpec& spec);
    /// As its spec has it; what runs is left as it is.
    sdk::DeploymentStatus start_again(const sdk::Call& call, const std::string& id);
    sdk::DeploymentStatus stop(const sdk::Call& call, const std::string& id);
    sdk::DeploymentStatus scale(const sdk::Call& call, const std::string& id, std::uint32_t replicas);
    sdk::DeploymentStatus restart(const sdk::Call& call, const std::string& id);
    void remove(const sdk::Call& call, const std::string& id);
    sdk::DeploymentStatus status(const sdk::Call& call, const std::string& id);
    std::vector<sdk::DeploymentStatus> list(const sdk::Call& call, const std::string& namespace_);

    /// {"env":{},"files":{}} of the workload.
    std::string get_config(const sdk::Call& call, const std::string& id);
    std::string apply_config(const sdk::Call& call, const std::string& id, const std::string& patch, bool dry_run);

    /// Its containers, at least one; with `replica` just that one. Throws
    /// sdk::Failure: ACP_E_NOT_FOUND for an unknown workload or replica.
    std::vector<Container> containers_of(const sdk::Call& call, const std::string& id, const std::string& replica);
    /// Throws ACP_E_NOT_FOUND when the workload has neither record nor container.
    void require_known(const sdk::Call& call, const std::string& id);

private:
    Desired require_record(const sdk::Call& call, const std::string& id);
    /// Saves `next` and makes it real; on failure `before` is the record again.
    void change(const sdk::Call& call, const std::optional<Desired>& before, const Desired& next);
    std::vector<Container> inspected(const sdk::Call& call, std::vector<Container> containers);

    Engine& engine_;
    Containers& containers_;
    const Store& store_;
    ServiceLocks locks_;
};

}  // namespace acp::docker
