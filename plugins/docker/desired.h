// docker: what should run, as the plugin remembers it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "json.h"

namespace acp::docker {

struct PublishedPort {
    std::string name;
    std::string protocol = "tcp";
    std::uint16_t container_port = 0;
    std::uint16_t host_port = 0;  ///< 0: the Engine chooses
};

struct Desired {
    std::string service_id, spec_hash, image, namespace_;
    /// Rises with every change that containers must take by being replaced.
    std::int64_t revision = 1;
    std::uint32_t spec_replicas = 1;
    std::uint32_t replicas = 1;  ///< wanted now: `scale` changes it, `stop` makes it 0
    std::vector<std::string> command, args;
    json::Pairs env, labels;
    std::vector<PublishedPort> ports;
    std::int64_t nano_cpus = 0;     ///< 0: no limit
    std::int64_t memory_bytes = 0;  ///< 0: no limit
    std::string restart = "always", working_dir, user;
    json::Pairs files;  ///< absolute path -> content

    bool has_fixed_port() const noexcept;
};

std::string to_json(const Desired& desired);
/// Throws std::invalid_argument.
Desired desired_from_json(const std::string& text);

}  // namespace acp::docker
