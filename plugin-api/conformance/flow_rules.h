// conformance: what ext/auth_flow.h asks of descriptions and decisions.
#pragma once

#include <string>
#include <vector>

#include "alphaswarm-cp/conformance/auth_flow_client.hpp"

namespace acp::conformance {

/// What is wrong, in words; empty: nothing.
std::string fault_of(const std::vector<sdk::AuthEndpoint>& endpoints, const std::vector<std::string>& fields);
std::string fault_of(const Decided& decided);

}  // namespace acp::conformance
