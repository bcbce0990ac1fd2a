// workloads: a command run to its end, with its output collected.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "plugins/provider.h"
#include "workloads/actions.h"

namespace acp::workloads {

struct ExecCommand {
    sdk::ExecRequest request;
    std::string input;                         ///< for standard input, then its end
    std::size_t output_bytes = 1U << 20;       ///< kept of each of stdout and stderr
};

/// Runs it within the call's deadline. The response holds the output, the
/// record only its size and digest. [may-block]
Result<Performed> exec_to_end(const plugins::Provider& provider, const plugins::CallContext& call, const std::string& id, const ExecCommand& command);

}  // namespace acp::workloads
