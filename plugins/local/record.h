// local: what is kept of a workload, in `<workload folder>/spec.json` (mode 0600).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "alphaswarm-cp/sdk/provider.hpp"

namespace acp::local {

struct Record {
    sdk::DeploymentSpec spec;
    std::uint32_t replicas = 0;  // wanted now; `stop` makes it 0, `scale` changes it
    /// Rises with every change that running replicas must take by a restart; a
    /// replica whose supervisor runs another revision is replaced.
    std::uint64_t revision = 0;
    std::int64_t changed_unix_ms = 0;
};

/// Nothing when there is none. Throws JsonError or std::system_error.
std::optional<Record> load_record(const std::filesystem::path& workload_folder);
/// Durable when it returns. Throws std::system_error.
void save_record(const std::filesystem::path& workload_folder, const Record& record);

}  // namespace acp::local
