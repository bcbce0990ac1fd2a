#include "settings.h"

#include "alphaswarm-cp/sdk/error.hpp"
#include "flow/json.h"

namespace acp::device {

const std::string_view kConfigSchema = R"({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "expires_s": {"description": "Seconds that a person has to approve and the device to fetch its token.", "type": "integer", "minimum": 60, "maximum": 1800, "default": 600},
    "interval_s": {"description": "Seconds that a device waits between two polls at first.", "type": "integer", "minimum": 1, "maximum": 60, "default": 5}
  }
})";

namespace {

std::int64_t seconds(const flow::Json& config, const char* name, std::int64_t fallback, std::int64_t least, std::int64_t most) {
    if (!config.contains(name)) return fallback;
    const std::int64_t value = flow::integer(config, name, -1);
    if (value < least || value > most)
        throw sdk::Failure(ACP_E_INVALID, "/" + std::string(name) + " is no whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

}  // namespace

Settings read_settings(const std::string& config_json) {
    Settings out;
    if (config_json.empty()) return out;
    const flow::Json config = flow::object_of(config_json, "config");
    flow::only(config, {"expires_s", "interval_s"}, "config");
    out.expires_s = seconds(config, "expires_s", out.expires_s, 60, 1800);
    out.interval_s = seconds(config, "interval_s", out.interval_s, 1, 60);
    return out;
}

}  // namespace acp::device
