// alphaswarm-cp plugin SDK: the data of acp.provider/1 and its siblings as
// owned C++ values, used on both sides of the boundary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/provider.h"
#include "alphaswarm-cp/sdk/error.hpp"
#include "alphaswarm-cp/sdk/sized.hpp"

namespace acp::sdk {

/// Hands `value` to the caller's sink. Throws Failure for one that takes nothing.
template <typename Sink, typename Value>
void emit_into(const Sink* sink, Value value) {
    const Sink known = whole(sink);
    if (!known.emit) throw Failure(ACP_E_INVALID, "the caller's sink has no function to take results");
    known.emit(known.ctx, value);
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Port {
    std::string name;
    std::string protocol = "tcp";
    uint16_t container_port = 0;
    uint16_t host_port = 0;
};

/// Owned copy of acp_deployment_spec.
struct DeploymentSpec {
    std::string service_id, image, namespace_;
    uint32_t replicas = 1;
    std::vector<std::string> command, args;
    Pairs env, env_from_secrets, labels;
    std::vector<Port> ports;
    std::string resources_json, metadata_json, spec_json, spec_hash;
    std::string health_check_path;
    uint32_t health_check_port = 0;

    /// The caller means the spec that the provider keeps; see acp_provider.start.
    bool is_kept_one() const noexcept {
        return spec_json.empty() && spec_hash.empty() && image.empty() && command.empty();
    }

    static DeploymentSpec from(const acp_deployment_spec& given) {
        const acp_deployment_spec raw = whole(&given);
        DeploymentSpec s;
        s.service_id = text(raw.service_id);
        s.image = text(raw.image);
        s.namespace_ = text(raw.namespace_);
        s.replicas = raw.replicas;
        for (size_t i = 0; i < raw.command_count; ++i) s.command.push_back(text(raw.command[i]));
        for (size_t i = 0; i < raw.args_count; ++i) s.args.push_back(text(raw.args[i]));
        s.env = pairs(raw.env, raw.env_count);
        s.env_from_secrets = pairs(raw.env_from_secrets, raw.env_from_secrets_count);
        s.labels = pairs(raw.labels, raw.labels_count);
        for (size_t i = 0; i < raw.ports_count; ++i) {
            const auto* base = reinterpret_cast<const unsigned char*>(raw.ports) + i * raw.port_size;
            const acp_port port = whole(reinterpret_cast<const acp_port*>(base));
            s.ports.push_back({text(port.name), text(port.protocol), port.container_port, port.host_port});
        }
        s.resources_json = text(raw.resources_json);
        s.metadata_json = text(raw.metadata_json);
        s.spec_json = text(raw.spec_json);
        s.spec_hash = text(raw.spec_hash);
        s.health_check_path = text(raw.health_check_path);
        s.health_check_port = raw.health_check_port;
        return s;
    }

private:
    static Pairs pairs(const acp_pair* raw, size_t count) {
        Pairs out;
        out.reserve(count);
        for (size_t i = 0; i < count; ++i) out.emplace_back(text(raw[i].name), text(raw[i].value));
        return out;
    }
};

struct DeploymentStatus {
    std::string service_id, image, namespace_;
    int32_t phase = ACP_PHASE_UNKNOWN;
    uint32_t replicas_desired = 0, replicas_ready = 0;
    int64_t last_transition_unix_ms = 0;
    std::string conditions_json, endpoints_json, raw_json;

    /// Throws Failure for a sink that takes nothing.
    void emit(const acp_status_sink* sink) const {
        acp_deployment_status raw{};
        raw.struct_size = sizeof raw;
        raw.phase = phase;
        raw.service_id = str(service_id);
        raw.replicas_desired = replicas_desired;
        raw.replicas_ready = replicas_ready;
        raw.image = str(image);
        raw.namespace_ = str(namespace_);
        raw.last_transition_unix_ms = last_transition_unix_ms;
        raw.conditions_json = str(conditions_json);
        raw.endpoints_json = str(endpoints_json);
        raw.raw_json = str(raw_json);
        emit_into(sink, &raw);
    }
};

struct Capability {
    std::string operation;
    bool supported = true;
    std::string reason;
};

struct LogQuery {
    bool follow = false;
    int64_t tail_lines = -1;
    int64_t since_unix_ns = 0;
    std::string replica;
};

struct ExecRequest {
    std::vector<std::string> argv;
    bool tty = false, want_stdin = false;
    std::string replica;
};

struct HealthReport {
    int32_t state = ACP_HEALTH_UP;
    std::string message, details_json;
};

struct InstanceConfig {
    std::string alias, config_json, plugin_dir, state_dir;
};

}  // namespace acp::sdk
