#include "settings.h"

namespace acp::agent_identity {

using flow::Json;
using flow::text;

const std::string_view kConfigSchema = R"({
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "blueprints": {
      "description": "Agent identity blueprints at Microsoft Entra.",
      "type": "array",
      "maxItems": 64,
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "tenant", "client_id"],
        "properties": {
          "name": {"description": "By which agents refer to it.", "type": "string", "minLength": 1, "maxLength": 64},
          "tenant": {"description": "Tenant id or domain of the agent identities.", "type": "string", "pattern": "^[A-Za-z0-9.-]{1,128}$"},
          "base_url": {"description": "In place of the public cloud's address.", "type": "string", "maxLength": 1024},
          "client_id": {"description": "The blueprint's application id.", "type": "string", "minLength": 1, "maxLength": 512},
          "client_secret": {"description": "A secret; or assertion_key.", "type": "string", "minLength": 1, "maxLength": 4096},
          "assertion_key": {"description": "Name of a key of the host that signs client assertions (RFC 7523); empty: the server's own.", "type": "string", "maxLength": 64},
          "ca_file": {"description": "PEM file of the authorities that are trusted instead of the system's.", "type": "string", "maxLength": 4096}
        }
      }
    },
    "agents": {
      "description": "Agents, and the clients that may act as them.",
      "type": "array",
      "maxItems": 1024,
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["id", "clients"],
        "properties": {
          "id": {"description": "With a blueprint the agent identity's application id, else the client_id by which the agent is registered here.", "type": "string", "minLength": 1, "maxLength": 256},
          "clients": {"description": "Registered clients that may act as the agent.", "type": "array", "minItems": 1, "maxItems": 64, "items": {"type": "string", "minLength": 1, "maxLength": 256}},
          "blueprint": {"description": "Name of the blueprint; without one the token is this server's own.", "type": "string", "minLength": 1, "maxLength": 64},
          "resources": {"description": "With a blueprint: audiences whose tokens the agent may have.", "type": "array", "minItems": 1, "maxItems": 64, "items": {"type": "string", "minLength": 1, "maxLength": 512}}
        }
      }
    }
  }
})";

namespace {

[[noreturn]] void invalid(const std::string& message) {
    throw sdk::Failure(ACP_E_INVALID, message);
}

std::string needed(const Json& given, const char* name, const std::string& where) {
    std::string value = text(given, name);
    if (value.empty()) invalid(where + "/" + name + " is needed");
    return value;
}

/// Calls `each` with every object of the list `name` and where it stands.
template <typename Each>
void for_each_object(const Json& config, const char* name, Each each) {
    const auto list = config.find(name);
    if (list == config.end()) return;
    if (!list->is_array()) invalid(std::string("/") + name + " is no array");
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string where = std::string("/") + name + "/" + std::to_string(i);
        if (!(*list)[i].is_object()) invalid(where + " is no object");
        each((*list)[i], where);
    }
}

Blueprint blueprint_of(const Json& given, const std::string& where) {
    flow::only(given, {"name", "tenant", "base_url", "client_id", "client_secret", "assertion_key", "ca_file"}, where);
    if (given.contains("client_secret") == given.contains("assertion_key"))
        invalid(where + " needs client_secret or assertion_key, and not both");
    const std::string base = text(given, "base_url");
    Blueprint out;
    out.endpoint.url = flow::checked_url(base.empty() ? "https://login.microsoftonline.com" : base, where + "/base_url") + "/" +
                       needed(given, "tenant", where) + "/oauth2/v2.0/token";
    out.endpoint.ca_file = text(given, "ca_file");
    out.endpoint.credentials.client_id = needed(given, "client_id", where);
    out.endpoint.credentials.client_secret = text(given, "client_secret");
    out.endpoint.credentials.assertion_key = text(given, "assertion_key");
    if (given.contains("assertion_key")) out.endpoint.credentials.by = flow::Credentials::By::assertion;
    return out;
}

Agent agent_of(const Json& given, const std::string& where, const std::map<std::string, Blueprint>& blueprints) {
    flow::only(given, {"id", "clients", "blueprint", "resources"}, where);
    Agent out;
    out.id = needed(given, "id", where);
    out.clients = flow::texts(given, "clients");
    out.resources = flow::texts(given, "resources");
    if (out.clients.empty()) invalid(where + "/clients is needed: without a client nobody can act as the agent");
    if (given.contains("blueprint") != given.contains("resources"))
        invalid(where + " needs blueprint and resources, or neither");
    if (given.contains("blueprint")) {
        const auto found = blueprints.find(text(given, "blueprint"));
        if (found == blueprints.end()) invalid(where + "/blueprint is none of /blueprints");
        out.blueprint = &found->second;
    }
    return out;
}

}  // namespace

Settings read_settings(const std::string& config_json) {
    Settings out;
    if (config_json.empty()) return out;
    const Json config = flow::object_of(config_json, "config");
    flow::only(config, {"blueprints", "agents"}, "config");
    for_each_object(config, "blueprints", [&](const Json& given, const std::string& where) {
        if (!out.blueprints.emplace(needed(given, "name", where), blueprint_of(given, where)).second)
            invalid(where + "/name is that of another blueprint");
    });
    for_each_object(config, "agents", [&](const Json& given, const std::string& where) {
        Agent agent = agent_of(given, where, out.blueprints);
        std::string id = agent.id;
        if (!out.agents.emplace(std::move(id), std::move(agent)).second) invalid(where + "/id is that of another agent");
    });
    return out;
}

}  // namespace acp::agent_identity
