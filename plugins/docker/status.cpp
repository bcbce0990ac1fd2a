#include "status.h"

#include <algorithm>

#include "timestamp.h"

namespace acp::docker {

namespace {

struct Count {
    std::uint32_t ready = 0, starting = 0, alive = 0;
    std::uint32_t impaired = 0;  ///< run, but are unhealthy or paused
    std::uint32_t done = 0;      ///< ended by themselves with code 0
    std::uint32_t down = 0;      ///< everything else, crash loops among it
};

bool is_starting(const Container& c) {
    return c.state == "created" || (c.state == "running" && c.health == "starting");
}

Count count(const std::vector<Container>& containers) {
    Count n;
    for (const Container& c : containers) {
        if (c.alive()) ++n.alive;
        if (c.ready()) {
            ++n.ready;
        } else if (is_starting(c)) {
            ++n.starting;
        } else if (c.state == "running" || c.state == "paused") {
            ++n.impaired;
        } else if (c.state == "exited" && c.exit_code == 0) {
            ++n.done;
        } else {
            ++n.down;
        }
    }
    return n;
}

int32_t phase_of(std::uint32_t wanted, const Count& n, bool may_end) {
    if (wanted == 0) return n.alive > 0 ? ACP_PHASE_STOPPING : ACP_PHASE_STOPPED;
    // Beside the wanted ones there are others: an update or a scale-down runs.
    if (n.ready > wanted) return ACP_PHASE_UPDATING;
    const bool trouble = n.impaired + n.down + n.done > 0;
    if (n.ready == wanted) return trouble ? ACP_PHASE_DEGRADED : ACP_PHASE_RUNNING;
    if (n.ready > 0) return trouble || n.starting == 0 ? ACP_PHASE_DEGRADED : ACP_PHASE_STARTING;
    if (n.impaired > 0) return ACP_PHASE_DEGRADED;
    if (n.down > 0) return ACP_PHASE_FAILED;
    if (n.starting > 0) return ACP_PHASE_STARTING;
    // A job that is allowed to end has done its work; gone containers have not.
    return n.done > 0 && may_end ? ACP_PHASE_STOPPED : ACP_PHASE_FAILED;
}

std::string reason_of(const Container& c) {
    if (c.state == "running") return c.health == "unhealthy" ? "Unhealthy" : "Starting";
    if (c.state == "restarting") return "Restarting";
    if (c.state == "paused") return "Paused";
    if (c.state == "created") return "Created";
    return "Exited";
}

json::Object::Ptr condition(const std::string& type, bool holds, const std::string& reason,
                            const std::string& message) {
    json::Object::Ptr out = json::object();
    out->set("type", type);
    out->set("status", holds ? "True" : "False");
    out->set("reason", reason);
    out->set("message", message);
    return out;
}

std::string conditions(std::uint32_t wanted, const Count& n, const std::vector<Container>& containers) {
    json::Array::Ptr out = json::array();
    const bool available = n.ready >= wanted;
    out->add(condition("Available", available, available ? "ReplicasReady" : "ReplicasMissing",
                       std::to_string(n.ready) + " of " + std::to_string(wanted) + " replicas are ready"));
    for (const Container& c : containers) {
        if (wanted == 0 || c.ready()) continue;
        std::string message = "replica " + std::to_string(c.replica) + " is " + c.state;
        if (!c.health.empty()) message += ", " + c.health;
        if (c.state == "exited" || c.state == "restarting") message += ", exit code " + std::to_string(c.exit_code);
        if (!c.error.empty()) message += ": " + c.error;
        out->add(condition("ReplicaReady", false, reason_of(c), message));
    }
    return json::dump(out);
}

std::string endpoints(const std::optional<Desired>& desired, const std::vector<Container>& containers) {
    json::Array::Ptr out = json::array();
    for (const Container& c : containers) {
        for (const Endpoint& e : c.endpoints) {
            std::string name = std::to_string(e.container_port) + "/" + e.protocol;
            if (desired)
                for (const auto& port : desired->ports)
                    if (port.container_port == e.container_port && port.protocol == e.protocol && !port.name.empty())
                        name = port.name;
            json::Object::Ptr item = json::object();
            item->set("name", name);
            item->set("host", e.host);
            item->set("port", e.port);
            item->set("protocol", e.protocol);
            out->add(item);
        }
    }
    return json::dump(out);
}

std::string raw(const std::vector<Container>& containers) {
    json::Array::Ptr list = json::array();
    for (const Container& c : containers) {
        json::Object::Ptr item = json::object();
        item->set("id", c.id);
        item->set("name", c.name);
        item->set("replica", c.replica);
        item->set("image", c.image);
        item->set("state", c.state);
        item->set("health", c.health);
        item->set("exit_code", c.exit_code);
        list->add(item);
    }
    json::Object::Ptr out = json::object();
    out->set("containers", list);
    return json::dump(out);
}

}  // namespace

sdk::DeploymentStatus describe(const std::string& service_id, const std::optional<Desired>& desired,
                               const std::vector<Container>& containers) {
    const Count n = count(containers);
    sdk::DeploymentStatus out;
    out.service_id = service_id;
    out.replicas_desired = desired ? desired->replicas : n.alive;
    out.replicas_ready = n.ready;
    out.phase = phase_of(out.replicas_desired, n, desired && desired->restart != "always");
    out.image = desired ? desired->image : containers.empty() ? std::string() : containers.front().image;
    out.namespace_ = desired ? desired->namespace_ : containers.empty() ? std::string() : containers.front().namespace_;
    for (const Container& c : containers)
        out.last_transition_unix_ms = std::max(out.last_transition_unix_ms, c.changed_unix_ms);
    out.conditions_json = conditions(out.replicas_desired, n, containers);
    out.endpoints_json = endpoints(desired, containers);
    out.raw_json = raw(containers);
    return out;
}

}  // namespace acp::docker
