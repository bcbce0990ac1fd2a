#include "workloads/deployment.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/clock.h"

namespace acp::workloads {

namespace {

json::Object::Ptr object_at(const json::Object::Ptr& body, const char* name) {
    return body->has(name) ? body->getObject(name) : json::Object::Ptr();
}

std::vector<std::string> strings_at(const json::Object::Ptr& body, const char* name) {
    std::vector<std::string> out;
    if (!body->has(name)) return out;
    for (const auto& item : *body->getArray(name)) out.push_back(item.extract<std::string>());
    return out;
}

sdk::Pairs pairs_at(const json::Object::Ptr& body, const char* name) {
    sdk::Pairs out;
    if (auto members = object_at(body, name))
        for (const auto& key : members->getNames()) out.emplace_back(key, members->get(key).extract<std::string>());
    return out;
}

std::string text_of(const json::Object::Ptr& body, const char* name) {
    auto members = object_at(body, name);
    return members ? json::canonical(members) : std::string();
}

std::vector<sdk::Port> ports_of(const json::Object::Ptr& body) {
    std::vector<sdk::Port> out;
    if (!body->has("ports")) return out;
    for (const auto& item : *body->getArray("ports")) {
        auto port = item.extract<json::Object::Ptr>();
        sdk::Port p;
        p.name = json::text_or(port, "name");
        p.protocol = json::text_or(port, "protocol", "tcp");
        p.container_port = static_cast<std::uint16_t>(port->getValue<int>("container_port"));
        p.host_port = static_cast<std::uint16_t>(port->optValue<int>("host_port", 0));
        out.push_back(std::move(p));
    }
    return out;
}

/// Text that a plugin gave as JSON; what does not parse is left out.
void set_parsed(json::Object::Ptr into, const char* name, const std::string& text, const json::Var& otherwise) {
    auto value = text.empty() ? Result<json::Var>(tl::in_place, otherwise) : json::parse(text, {32, 4U << 20});
    into->set(name, value ? *value : otherwise);
}

}  // namespace

bool is_service_id(std::string_view id) noexcept {
    auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !id.empty() && id.size() <= 63 && alnum(id.front()) && alnum(id.back()) &&
           std::all_of(id.begin(), id.end(), [&](char c) { return alnum(c) || c == '-'; });
}

Result<sdk::DeploymentSpec> parse_spec(json::Object::Ptr body, const json::Schema& schema, const std::string& service_id,
                                       std::string& provider) {
    auto violations = schema.check(body);
    const std::string named = json::text_or(body, "service_id", service_id);
    if (named != service_id)
        violations.push_back({"/service_id", "must be '" + service_id + "', as in the path"});
    if (!violations.empty()) {
        Error e;
        e.code = Code::invalid;
        e.slug = "invalid_spec";
        e.message = "the deployment spec is not valid: " + violations.front().pointer + ": " + violations.front().detail;
        e.violations = std::move(violations);
        return fail(std::move(e));
    }
    if (auto secrets = object_at(body, "env_from_secrets"); secrets && secrets->size() > 0)
        return fail(Code::unsupported, "feature_unavailable",
                    "env_from_secrets needs a secret store, which this version does not have; pass env, or let the workload read its secrets itself");
    provider = json::text_or(body, "provider");

    sdk::DeploymentSpec spec;
    body->set("service_id", service_id);
    spec.service_id = service_id;
    spec.image = json::text_or(body, "image");
    spec.namespace_ = json::text_or(body, "namespace");
    spec.replicas = static_cast<std::uint32_t>(body->optValue<int>("replicas", 1));
    spec.command = strings_at(body, "command");
    spec.args = strings_at(body, "args");
    spec.env = pairs_at(body, "env");
    spec.labels = pairs_at(body, "labels");
    spec.ports = ports_of(body);
    spec.resources_json = text_of(body, "resources");
    spec.metadata_json = text_of(body, "metadata");
    spec.health_check_path = json::text_or(body, "health_check_path");
    spec.health_check_port = static_cast<std::uint32_t>(body->optValue<int>("health_check_port", 0));
    if (spec.command.empty() && spec.image.empty())
        return fail(Code::invalid, "invalid_spec", "the deployment spec needs an image or a command");
    spec.spec_json = json::canonical(body);
    spec.spec_hash = sha256_hex(spec.spec_json);
    return spec;
}

std::string_view phase_name(std::int32_t phase) noexcept {
    switch (phase) {
        case ACP_PHASE_PENDING: return "pending";
        case ACP_PHASE_STARTING: return "starting";
        case ACP_PHASE_RUNNING: return "running";
        case ACP_PHASE_DEGRADED: return "degraded";
        case ACP_PHASE_UPDATING: return "updating";
        case ACP_PHASE_STOPPING: return "stopping";
        case ACP_PHASE_STOPPED: return "stopped";
        case ACP_PHASE_FAILED: return "failed";
        default: return "unknown";
    }
}

json::Object::Ptr status_json(const sdk::DeploymentStatus& s, const std::string& provider) {
    auto out = json::object({{"service_id", s.service_id},
                             {"provider", provider},
                             {"phase", std::string(phase_name(s.phase))},
                             {"replicas_desired", s.replicas_desired},
                             {"replicas_ready", s.replicas_ready},
                             {"image", s.image},
                             {"namespace", s.namespace_},
                             {"last_transition_at", s.last_transition_unix_ms > 0 ? json::Var(rfc3339_ms(s.last_transition_unix_ms)) : json::Var()}});
    set_parsed(out, "conditions", s.conditions_json, json::array());
    set_parsed(out, "endpoints", s.endpoints_json, json::array());
    set_parsed(out, "raw", s.raw_json, json::Var());
    return out;
}

}  // namespace acp::workloads
