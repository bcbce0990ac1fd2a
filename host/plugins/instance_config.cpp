#include "plugins/instance_config.h"

#include "abi/error.h"
#include "json/json.h"
#include "json/schema.h"

namespace acp::plugins {

bool refuse(Fault& fault, std::string stage, std::string message, std::string expected, std::string found, std::string remedy) {
    fault = {std::move(stage), std::move(message), std::move(expected), std::move(found), std::move(remedy)};
    return false;
}

bool check_config(const Library& library, const std::string& config_json, Fault& fault) {
    const std::string schema_text = abi::text(library.entry().config_schema_json);
    if (schema_text.empty()) return true;
    auto document = json::parse(schema_text);
    if (!document) return refuse(fault, "config", "the plugin's own config schema is malformed", "a JSON Schema", document.error().message, "report it to the plugin's vendor");
    auto schema = json::Schema::compile(*document);
    if (!schema) return refuse(fault, "config", "the plugin's own config schema is malformed", "a JSON Schema", schema.error().message, "report it to the plugin's vendor");
    auto config = json::parse(config_json);
    if (!config) return refuse(fault, "config", "the instance's config is no JSON", "an object", config.error().message, "mend `config` of this instance");
    auto violations = schema->check(*config);
    if (violations.empty()) return true;
    std::string found;
    for (const auto& v : violations) found += (found.empty() ? "" : "; ") + ("config" + v.pointer) + ": " + v.detail;
    return refuse(fault, "config", "the instance's config does not fit the plugin", "what the plugin's config schema asks for", found,
                  "mend `config` of this instance");
}

}  // namespace acp::plugins
