// docker: from a deployment spec to the desired state, refusing what the
// Engine cannot do.
#pragma once

#include <string>
#include <string_view>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "desired.h"

namespace acp::docker {

inline constexpr std::uint32_t kReplicasMax = 100;
/// Labels below this prefix are the provider's own.
inline constexpr std::string_view kLabelPrefix = "io.alphaswarm.cp.";

bool valid_service_id(std::string_view id) noexcept;

/// These throw sdk::Failure (ACP_E_INVALID, ACP_E_UNSUPPORTED) with a JSON
/// pointer in the message and no value.
void check_replicas(std::uint32_t replicas, bool fixed_port);
void check_variable(const std::string& name, const std::string& value);
void check_file(const std::string& path, const std::string& content);
Desired desired_from_spec(const sdk::DeploymentSpec& spec);

/// "500m" or "0.5" -> 500000000; throws std::invalid_argument.
std::int64_t parse_cpu(const std::string& quantity);
/// "256Mi", "1G" or "1048576" -> bytes; throws std::invalid_argument.
std::int64_t parse_memory(const std::string& quantity);

}  // namespace acp::docker
