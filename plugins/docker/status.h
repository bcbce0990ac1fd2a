// docker: from containers to the status that is told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "containers.h"
#include "desired.h"

namespace acp::docker {

/// `containers` are inspected ones of this workload; `desired` is empty when
/// the record was lost, and then as many are wanted as there are.
sdk::DeploymentStatus describe(const std::string& service_id, const std::optional<Desired>& desired,
                               const std::vector<Container>& containers);

}  // namespace acp::docker
