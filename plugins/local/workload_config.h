// local: the configuration of a workload, {"env":{},"files":{}}.
//
// Kept in `<workload folder>/config.json` as what differs from the spec's
// environment, so that it outlives a new spec. Files are put into
// `<workload folder>/config/`, which the process finds in ACP_CONFIG_DIR.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "alphaswarm-cp/sdk/provider.hpp"

namespace acp::local {

class WorkloadConfig {
public:
    /// Empty when there is none. Throws JsonError or std::system_error.
    static WorkloadConfig load(const std::filesystem::path& workload_folder);
    /// Durable when it returns; writes the files too. Throws std::system_error.
    void save(const std::filesystem::path& workload_folder) const;
    /// Makes `config/` hold exactly the files. Throws std::system_error.
    void write_files(const std::filesystem::path& workload_folder) const;

    /// Variables of the process: the spec's with the changes made here.
    std::map<std::string, std::string> environment(const sdk::DeploymentSpec& spec) const;
    std::string to_json(const sdk::DeploymentSpec& spec) const;
    /// The configuration after an RFC 7396 merge patch. Throws sdk::Failure
    /// (ACP_E_INVALID) with a JSON pointer.
    WorkloadConfig patched(const sdk::DeploymentSpec& spec, const std::string& patch_json) const;

    bool operator==(const WorkloadConfig&) const = default;

private:
    std::map<std::string, std::optional<std::string>> env_;  // no value: taken out of the spec's
    std::map<std::string, std::string> files_;
};

}  // namespace acp::local
