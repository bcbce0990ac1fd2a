// workloads: every action on a workload, from a validated request through the
// ledger to the provider and back.
#pragma once

#include <string>

#include "alphaswarm-cp/sdk/deployment.hpp"
#include "base/result.h"
#include "json/json.h"
#include "json/schema.h"

namespace acp::workloads {

/// [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?: a DNS label, so that every provider can use it as a name.
bool is_service_id(std::string_view id) noexcept;

/// A spec as a client sent it. Checked by `schema` (components/schemas/
/// DeploymentSpec); violations carry JSON pointers. `service_id` is the path's;
/// a different one in the body is refused. `provider` gets the body's provider, if any.
Result<sdk::DeploymentSpec> parse_spec(json::Object::Ptr body, const json::Schema& schema, const std::string& service_id,
                                       std::string& provider);

std::string_view phase_name(std::int32_t phase) noexcept;
/// DeploymentStatus as the REST interface shows it.
json::Object::Ptr status_json(const sdk::DeploymentStatus& status, const std::string& provider);

}  // namespace acp::workloads
