#include "create_body.h"

namespace acp::docker {

namespace {

json::Object::Ptr labels_of(const Settings& settings, const Desired& desired, std::uint32_t replica) {
    json::Object::Ptr labels = json::object_of(desired.labels);
    labels->set(kLabelManaged, "true");
    labels->set(kLabelAlias, settings.alias);
    labels->set(kLabelService, desired.service_id);
    labels->set(kLabelReplica, std::to_string(replica));
    labels->set(kLabelHash, desired.spec_hash);
    labels->set(kLabelRevision, std::to_string(desired.revision));
    labels->set(kLabelNamespace, desired.namespace_);
    return labels;
}

json::Object::Ptr restart_policy(const std::string& restart) {
    json::Object::Ptr policy = json::object();
    // "unless-stopped": a container that `stop` ended stays down when the Engine restarts.
    policy->set("Name", restart == "never" ? "no" : restart == "on-failure" ? "on-failure" : "unless-stopped");
    return policy;
}

json::Object::Ptr port_bindings(const Settings& settings, const Desired& desired) {
    json::Object::Ptr bindings = json::object();
    for (const auto& port : desired.ports) {
        json::Object::Ptr binding = json::object();
        binding->set("HostIp", settings.publish_address);
        binding->set("HostPort", port.host_port == 0 ? std::string() : std::to_string(port.host_port));
        const std::string key = std::to_string(port.container_port) + "/" + port.protocol;
        json::Array::Ptr list = json::list(bindings, key);
        list->add(binding);
        bindings->set(key, list);
    }
    return bindings;
}

}  // namespace

std::string create_body(const Settings& settings, const Desired& desired, std::uint32_t replica) {
    json::Object::Ptr body = json::object();
    body->set("Image", desired.image);
    if (!desired.command.empty()) body->set("Entrypoint", json::array_of(desired.command));
    // A command without args must not get those of the image.
    if (!desired.command.empty() || !desired.args.empty()) body->set("Cmd", json::array_of(desired.args));
    json::Array::Ptr env = json::array();
    for (const auto& [name, value] : desired.env) env->add(name + "=" + value);
    body->set("Env", env);
    body->set("Labels", labels_of(settings, desired, replica));
    if (!desired.working_dir.empty()) body->set("WorkingDir", desired.working_dir);
    if (!desired.user.empty()) body->set("User", desired.user);
    body->set("StopTimeout", settings.stop_timeout_s);

    json::Object::Ptr host = json::object();
    host->set("RestartPolicy", restart_policy(desired.restart));
    if (!settings.network.empty()) host->set("NetworkMode", settings.network);
    if (desired.nano_cpus != 0) host->set("NanoCpus", desired.nano_cpus);
    if (desired.memory_bytes != 0) host->set("Memory", desired.memory_bytes);
    if (!desired.ports.empty()) {
        json::Object::Ptr exposed = json::object();
        for (const auto& port : desired.ports)
            exposed->set(std::to_string(port.container_port) + "/" + port.protocol, json::object());
        body->set("ExposedPorts", exposed);
        host->set("PortBindings", port_bindings(settings, desired));
    }
    body->set("HostConfig", host);
    return json::dump(body);
}

}  // namespace acp::docker
