// local: the log of a workload as a stream: the past of all replicas merged by
// time, then, when asked, what comes.
#pragma once

#include <filesystem>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "sessions.h"

namespace acp::local {

/// Throws sdk::Failure (ACP_E_NOT_FOUND) for a replica that never was. The
/// body ends when the past is written, or with `follow` when the stream
/// closes or the workload is removed.
Sessions::Body open_log(const std::filesystem::path& workload_folder, const sdk::LogQuery& query);

}  // namespace acp::local
