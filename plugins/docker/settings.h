// docker: the configuration of one instance.
#pragma once

#include <cstdint>
#include <string>

#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::docker {

/// JSON Schemas of the plugin's entry.
extern const char* const kConfigSchema;
extern const char* const kResourceSchema;

enum class PullPolicy : std::uint8_t { missing, never, always };

struct Settings {
    std::string alias;
    std::string base_url = "unix:///var/run/docker.sock:";  ///< a path is appended
    sdk::HttpTls tls;                                       ///< for an https address
    std::string place = "/var/run/docker.sock";             ///< the Engine's address in messages
    std::uint32_t stop_timeout_s = 10;
    std::string network;  ///< empty: the Engine's default
    PullPolicy pull = PullPolicy::missing;
    std::string publish_address = "127.0.0.1";  ///< where ports are published
};

/// Throws sdk::Failure (ACP_E_INVALID) naming the key.
Settings parse_settings(const std::string& alias, const std::string& config_json);

}  // namespace acp::docker
