// workloads: how a command ended, from the Kubernetes Status document that a
// provider writes last (channel STATUS of alphaswarm-cp/stream.h).
#pragma once

#include <string>

#include "base/result.h"

namespace acp::workloads {

/// The exit code; -1 when the document does not tell. `message` gets the
/// document's words about a failure.
int exit_code(const std::string& status_text, std::string& message);

/// The document for a stream that ended without one.
std::string status_success();
std::string status_failure(const Error& error);

}  // namespace acp::workloads
