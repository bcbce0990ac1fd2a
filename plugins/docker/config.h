// docker: a workload's configuration, {"env":{},"files":{}}.
#pragma once

#include <string>

#include "desired.h"

namespace acp::docker {

std::string config_of(const Desired& desired);
/// Applies an RFC 7396 merge patch. Throws sdk::Failure (ACP_E_INVALID) with a
/// pointer to what is wrong; `desired` is then unchanged.
void patch_config(Desired& desired, const std::string& patch);

}  // namespace acp::docker
