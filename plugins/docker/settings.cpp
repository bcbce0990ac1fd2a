#include "settings.h"

#include <algorithm>
#include <stdexcept>

#include "alphaswarm-cp/sdk/error.hpp"
#include "json.h"

namespace acp::docker {

const char* const kConfigSchema = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "acp.docker",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "socket": {"type": "string", "pattern": "^/.", "maxLength": 107,
      "description": "Path of the Engine's Unix socket; /var/run/docker.sock when neither it nor endpoint is given"},
    "endpoint": {"type": "string", "pattern": "^(unix:///|https?://).",
      "description": "The Engine's address, unix:///path, https://host:port or http://host:port; excludes socket"},
    "ca_file": {"type": "string", "pattern": "^/.", "description": "PEM file that the Engine's certificate is checked against; the system's store when absent. For https endpoints"},
    "certificate_file": {"type": "string", "pattern": "^/.", "description": "PEM certificate that is shown to the Engine; goes with key_file"},
    "key_file": {"type": "string", "pattern": "^/.", "description": "PEM key of certificate_file"},
    "stop_timeout_s": {"type": "integer", "minimum": 0, "maximum": 3600, "default": 10,
      "description": "Seconds between SIGTERM and SIGKILL"},
    "network": {"type": "string", "minLength": 1, "maxLength": 128,
      "description": "Network of the containers, such as bridge, host, none or a name"},
    "pull": {"enum": ["missing", "never", "always"], "default": "missing",
      "description": "When an image is pulled"},
    "publish_address": {"type": "string", "minLength": 1, "maxLength": 45, "default": "127.0.0.1",
      "description": "Host address that ports are published on"}
  },
  "not": {"required": ["socket", "endpoint"]}
})";

const char* const kResourceSchema = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "metadata of a workload on acp.docker",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "restart": {"enum": ["always", "on-failure", "never"], "default": "always"},
    "working_dir": {"type": "string", "pattern": "^/"},
    "user": {"type": "string", "minLength": 1, "maxLength": 128}
  }
})";

namespace {

[[noreturn]] void invalid(const std::string& message) {
    throw sdk::Failure(ACP_E_INVALID, message);
}

std::string absolute(std::string path, const char* key) {
    if (path.size() < 2 || path.front() != '/') invalid(std::string(key) + " must be an absolute path");
    return path;
}

void use_socket(Settings& settings, const std::string& path, const char* key) {
    if (path.size() < 2 || path.front() != '/') invalid(std::string(key) + " must be an absolute path");
    // ":/" ends the socket's path in the client's form of such an address.
    if (path.size() > 107 || path.find(":/") != std::string::npos)
        invalid(std::string(key) + " is longer than 107 bytes or holds \":/\"");
    settings.base_url = "unix://" + path + ":";
    settings.place = path;
}

void use_endpoint(Settings& settings, std::string endpoint) {
    while (!endpoint.empty() && endpoint.back() == '/') endpoint.pop_back();
    if (endpoint.starts_with("unix://")) return use_socket(settings, endpoint.substr(7), "endpoint");
    const std::size_t scheme = endpoint.starts_with("https://") ? 8 : endpoint.starts_with("http://") ? 7 : 0;
    if (scheme == 0 || endpoint.size() == scheme || endpoint.find('/', scheme) != std::string::npos)
        invalid("endpoint must be unix:///path, https://host:port or http://host:port");
    settings.base_url = endpoint;
    settings.place = endpoint;
}

}  // namespace

Settings parse_settings(const std::string& alias, const std::string& config_json) {
    json::Object::Ptr config;
    try {
        config = config_json.empty() ? json::object() : json::parse_object(config_json);
    } catch (const std::invalid_argument& e) {
        invalid(std::string("config: ") + e.what());
    }
    for (const auto& [name, value] : *config) {
        if (name == "stop_timeout_s" ? !value.isInteger() || value.isBoolean() : !value.isString())
            invalid(name + " has the wrong type");
    }
    Settings settings;
    settings.alias = alias;
    if (config->has("socket") && config->has("endpoint")) invalid("give socket or endpoint, not both");
    for (const auto& [name, value] : *config) {
        if (name == "socket") {
            use_socket(settings, value.extract<std::string>(), "socket");
        } else if (name == "endpoint") {
            use_endpoint(settings, value.extract<std::string>());
        } else if (name == "stop_timeout_s") {
            const std::int64_t seconds = json::integer(config, name, -1);
            if (seconds < 0 || seconds > 3600) invalid("stop_timeout_s must be from 0 to 3600");
            settings.stop_timeout_s = static_cast<std::uint32_t>(seconds);
        } else if (name == "ca_file") {
            settings.tls.ca_file = absolute(value.extract<std::string>(), "ca_file");
        } else if (name == "certificate_file") {
            settings.tls.certificate_file = absolute(value.extract<std::string>(), "certificate_file");
        } else if (name == "key_file") {
            settings.tls.key_file = absolute(value.extract<std::string>(), "key_file");
        } else if (name == "network") {
            settings.network = value.extract<std::string>();
        } else if (name == "publish_address") {
            settings.publish_address = value.extract<std::string>();
        } else if (name == "pull") {
            const auto policy = value.extract<std::string>();
            if (policy == "missing") {
                settings.pull = PullPolicy::missing;
            } else if (policy == "never") {
                settings.pull = PullPolicy::never;
            } else if (policy == "always") {
                settings.pull = PullPolicy::always;
            } else {
                invalid("pull must be missing, never or always");
            }
        } else {
            invalid(name + " is not known; known are socket, endpoint, ca_file, certificate_file, key_file, stop_timeout_s, network, pull, publish_address");
        }
    }
    if (settings.tls.certificate_file.empty() != settings.tls.key_file.empty())
        invalid("certificate_file and key_file go together");
    if (settings.tls != sdk::HttpTls{} && !settings.base_url.starts_with("https://"))
        invalid("ca_file, certificate_file and key_file need an https endpoint");
    return settings;
}

}  // namespace acp::docker
