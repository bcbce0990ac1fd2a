#include "status.h"

#include <algorithm>

#include "json.h"

namespace acp::local {

namespace {

using Poco::JSON::Array;

struct Counts {
    std::uint32_t running = 0, outdated = 0, coming = 0, completed = 0, surplus = 0;
};

Counts count(const Record& record, const std::vector<ReplicaView>& views) {
    Counts n;
    for (const auto& view : views) {
        if (view.number >= record.replicas) {
            n.surplus += view.supervised ? 1 : 0;
        } else if (view.running()) {
            ++n.running;
            if (view.state->revision != record.revision) ++n.outdated;
        } else if (view.in(Phase::exited)) {
            ++n.completed;
        } else if (view.supervised && !view.in(Phase::failed)) {
            ++n.coming;
        }
    }
    return n;
}

int32_t phase_of(const Record& record, const Counts& n, Activity activity) {
    if (record.replicas == 0) return n.surplus > 0 ? ACP_PHASE_STOPPING : ACP_PHASE_STOPPED;
    if (activity == Activity::stopping) return ACP_PHASE_STOPPING;
    if (n.outdated > 0) return activity == Activity::none ? ACP_PHASE_DEGRADED : ACP_PHASE_UPDATING;
    if (n.running == record.replicas) return ACP_PHASE_RUNNING;
    if (activity == Activity::starting) return ACP_PHASE_STARTING;
    if (n.running > 0) return ACP_PHASE_DEGRADED;
    if (n.coming > 0) return ACP_PHASE_STARTING;
    return n.completed == record.replicas ? ACP_PHASE_STOPPED : ACP_PHASE_FAILED;
}

// Why a wanted replica is not ready: reason and sentence.
std::pair<const char*, std::string> cause(const ReplicaView& view) {
    if (view.running()) return {"Outdated", "runs an earlier revision of the workload; start it again to replace it"};
    if (!view.state && !view.supervised) return {"NotStarted", "has not been started; start the workload to mend it"};
    if (view.lost()) return {"SupervisorLost", "its supervisor ended unexpectedly; start the workload to mend it"};
    if (!view.state) return {"Starting", "is being started"};
    switch (view.state->phase) {
        case Phase::backoff:
            return {"BackOff", view.state->message};
        case Phase::exited:
            return {"Completed", view.state->message};
        case Phase::failed:
            return {"Failed", view.state->message};
        case Phase::stopped:
            return {"Stopped", view.state->message};
        case Phase::stopping:
            return {"Stopping", "is being stopped"};
        case Phase::starting:
        case Phase::running:
            break;
    }
    return {"Starting", "is being started"};
}

JsonObject condition(const char* type, bool status, const std::string& reason, const std::string& message) {
    JsonObject o = new Poco::JSON::Object;
    o->set("type", type);
    o->set("status", status ? "True" : "False");
    o->set("reason", reason);
    o->set("message", message);
    return o;
}

Array conditions(const Record& record, const std::vector<ReplicaView>& views) {
    Array all;
    for (std::uint32_t number = 0; number < record.replicas; ++number) {
        const auto it = std::find_if(views.begin(), views.end(), [&](const auto& v) { return v.number == number; });
        const ReplicaView view = it == views.end() ? ReplicaView{number, false, std::nullopt} : *it;
        if (view.running() && view.state->revision == record.revision) continue;
        const auto [reason, message] = cause(view);
        all.add(condition("ReplicaReady", false, reason, "replica " + std::to_string(number) + ": " + message));
    }
    if (!record.spec.resources_json.empty() && parse_object(record.spec.resources_json)->size() > 0)
        all.add(condition("ResourcesNotEnforced", true, "NoControlGroup",
                          "provider local does not enforce `resources`; use provider docker where limits matter"));
    return all;
}

Array endpoints(const Record& record) {
    Array all;
    for (const auto& port : record.spec.ports) {
        JsonObject o = new Poco::JSON::Object;
        o->set("name", port.name);
        o->set("host", "127.0.0.1");
        o->set("port", std::int64_t{port.host_port != 0 ? port.host_port : port.container_port});
        o->set("protocol", port.protocol);
        all.add(o);
    }
    return all;
}

Poco::JSON::Object raw(const Record& record, const std::vector<ReplicaView>& views) {
    Poco::JSON::Object o;
    o.set("revision", static_cast<std::int64_t>(record.revision));
    o.set("spec_hash", record.spec.spec_hash);
    Array replicas;
    for (const auto& view : views) {
        JsonObject r = new Poco::JSON::Object;
        r->set("replica", std::to_string(view.number));
        r->set("supervised", view.supervised);
        if (view.state) {
            r->set("phase", to_string(view.state->phase));
            r->set("pid", view.supervised ? view.state->pid : 0);
            r->set("supervisor_pid", view.supervised ? view.state->supervisor_pid : 0);
            r->set("revision", static_cast<std::int64_t>(view.state->revision));
            r->set("restarts", view.state->restarts);
            r->set("started_at_unix_ms", view.state->start_unix_ms);
            if (view.state->exit_code) r->set("exit_code", *view.state->exit_code);
            if (view.state->signal) r->set("signal", *view.state->signal);
            r->set("message", view.state->message);
            r->set("log_lost", view.state->log_lost);
        }
        replicas.add(r);
    }
    o.set("replicas", replicas);
    return o;
}

}  // namespace

sdk::DeploymentStatus describe(const Record& record, const std::vector<ReplicaView>& views, Activity activity) {
    const Counts n = count(record, views);
    sdk::DeploymentStatus status;
    status.service_id = record.spec.service_id;
    status.image = record.spec.image;
    status.namespace_ = record.spec.namespace_;
    status.phase = phase_of(record, n, activity);
    status.replicas_desired = record.replicas;
    status.replicas_ready = n.running;
    status.last_transition_unix_ms = record.changed_unix_ms;
    for (const auto& view : views)
        if (view.state)
            status.last_transition_unix_ms = std::max(status.last_transition_unix_ms, view.state->since_unix_ms);
    status.conditions_json = to_text(conditions(record, views));
    status.endpoints_json = to_text(n.running > 0 ? endpoints(record) : Array());
    status.raw_json = to_text(raw(record, views));
    return status;
}

}  // namespace acp::local
