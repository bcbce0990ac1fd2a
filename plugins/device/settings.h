// device: the instance's configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace acp::device {

/// JSON Schema of the plugin entry.
extern const std::string_view kConfigSchema;

struct Settings {
    std::int64_t expires_s = 600;  ///< from start to approval and token
    std::int64_t interval_s = 5;   ///< that a client waits between two polls at first
};

/// Throws sdk::Failure, ACP_E_INVALID.
Settings read_settings(const std::string& config_json);

}  // namespace acp::device
