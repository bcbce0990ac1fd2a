// local: the environment of a process. Deny by default: nothing of the control
// plane's own environment, which holds its secrets, is ever passed on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "record.h"
#include "settings.h"
#include "workload_config.h"

namespace acp::local {

/// NAME=value, by name: PATH, HOME, LANG, PORT (of the first port), then the
/// spec's and configuration's own, then ACP_SERVICE_ID, ACP_REPLICA, ACP_CONFIG_DIR.
std::vector<std::string> process_environment(const Settings& settings, const Record& record,
                                             const WorkloadConfig& config, const std::filesystem::path& workload_folder,
                                             const std::string& working_dir, std::uint32_t replica);

/// The entries by which a process of this replica is known, see process_table.h.
std::vector<std::string> replica_marks(const std::filesystem::path& workload_folder, std::uint32_t replica);

}  // namespace acp::local
