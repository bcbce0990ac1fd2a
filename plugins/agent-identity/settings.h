// agent-identity: the instance's configuration.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "flow/token_endpoint.h"

namespace acp::agent_identity {

/// JSON Schema of the plugin entry.
extern const std::string_view kConfigSchema;

/// An agent identity blueprint at Entra: the application whose credential speaks for its agents.
struct Blueprint {
    flow::TokenEndpoint endpoint;
};

struct Agent {
    std::string id;
    std::vector<std::string> clients;  ///< registered clients that may act as this agent
    const Blueprint* blueprint = nullptr;  ///< null: an agent of this server's own, itself a registered client
    std::vector<std::string> resources;    ///< with a blueprint: audiences whose tokens it may have
};

struct Settings {
    std::map<std::string, Blueprint> blueprints;  ///< by name; agents point into it
    std::map<std::string, Agent> agents;          ///< by id
};

/// Throws sdk::Failure, ACP_E_INVALID, without a value of the configuration.
Settings read_settings(const std::string& config_json);

}  // namespace acp::agent_identity
