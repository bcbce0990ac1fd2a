// docker: what a workload uses.
#pragma once

#include <string>
#include <vector>

#include "containers.h"

namespace acp::docker {

/// {"cpu_seconds","memory_bytes","replicas":[{"replica","cpu_seconds","memory_bytes"}]}
/// of the containers that run.
std::string measure(Engine& engine, const sdk::Call& call, const std::vector<Container>& containers);

}  // namespace acp::docker
