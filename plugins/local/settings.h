// local: the configuration of one instance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run_file.h"

namespace acp::local {

/// JSON Schemas of the plugin entry.
extern const std::string_view kConfigSchema;
extern const std::string_view kResourceSchema;

struct Settings {
    std::string supervisor_path;              // absolute
    std::string path;                         // PATH of workloads and of command look-up
    std::vector<std::string> allow_commands;  // absolute paths or folders; empty: all
    std::optional<Identity> run_as;
    std::int64_t stop_grace_ms = 10'000;
    std::int64_t start_timeout_ms = 10'000;
    std::int64_t log_max_bytes = 10 * 1024 * 1024;
    std::int64_t log_files = 3;
};

/// Throws sdk::Failure (ACP_E_INVALID) naming the key.
Settings parse_settings(const std::string& config_json, const std::string& plugin_dir);

/// The absolute, normalised path of what `command` names: itself when
/// absolute, else the first executable of that name in `settings.path`.
/// `where` names the field in the message. Throws sdk::Failure: ACP_E_INVALID
/// when it cannot be executed or is not in allow_commands.
std::string resolve_executable(const Settings& settings, const std::string& command, const std::string& where);

}  // namespace acp::local
