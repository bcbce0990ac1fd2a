// local: what a deployment spec means on this provider.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "run_file.h"
#include "settings.h"

namespace acp::local {

inline constexpr std::uint32_t kReplicasMax = 256;

struct Plan {
    std::string executable;
    std::vector<std::string> argv;
    RestartPolicy restart = RestartPolicy::always;
    std::string working_dir;  // empty: the workload's own folder
    std::int64_t stop_grace_ms = 0;
};

/// Refuses, with ACP_E_INVALID or ACP_E_UNSUPPORTED and the field's name, what
/// cannot be run here. Touches nothing.
Plan check_spec(const Settings& settings, const sdk::DeploymentSpec& spec);

/// Milliseconds between SIGTERM and SIGKILL, without looking at the rest of the spec.
std::int64_t stop_grace_ms(const Settings& settings, const sdk::DeploymentSpec& spec) noexcept;

void check_replicas(std::uint32_t replicas);
/// [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?: also what makes an id safe as a folder name.
bool valid_service_id(std::string_view id) noexcept;
/// Refuses names that no process could use and those this provider sets itself.
void check_variable(const std::string& name, const std::string& value, const std::string& where);

}  // namespace acp::local
