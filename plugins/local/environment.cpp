#include "environment.h"

#include <map>

namespace acp::local {

std::vector<std::string> process_environment(const Settings& settings, const Record& record,
                                             const WorkloadConfig& config, const std::filesystem::path& workload_folder,
                                             const std::string& working_dir, std::uint32_t replica) {
    std::map<std::string, std::string> all = {{"PATH", settings.path}, {"HOME", working_dir}, {"LANG", "C.UTF-8"}};
    if (!record.spec.ports.empty()) {
        const auto& port = record.spec.ports.front();
        all["PORT"] = std::to_string(port.host_port != 0 ? port.host_port : port.container_port);
    }
    for (const auto& [name, value] : config.environment(record.spec)) all[name] = value;
    std::vector<std::string> entries;
    for (const auto& [name, value] : all) entries.push_back(name + "=" + value);
    entries.push_back("ACP_SERVICE_ID=" + record.spec.service_id);
    for (auto& mark : replica_marks(workload_folder, replica)) entries.push_back(std::move(mark));
    return entries;
}

std::vector<std::string> replica_marks(const std::filesystem::path& workload_folder, std::uint32_t replica) {
    return {"ACP_REPLICA=" + std::to_string(replica), "ACP_CONFIG_DIR=" + (workload_folder / "config").string()};
}

}  // namespace acp::local
