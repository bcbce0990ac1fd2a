#include "desired.h"

#include <algorithm>
#include <stdexcept>

namespace acp::docker {

namespace {

constexpr std::int64_t kFormat = 1;

json::Array::Ptr ports_to_json(const std::vector<PublishedPort>& ports) {
    json::Array::Ptr out = json::array();
    for (const auto& port : ports) {
        json::Object::Ptr item = json::object();
        item->set("name", port.name);
        item->set("protocol", port.protocol);
        item->set("container_port", port.container_port);
        item->set("host_port", port.host_port);
        out->add(item);
    }
    return out;
}

std::vector<PublishedPort> ports_from_json(const json::Array::Ptr& list) {
    std::vector<PublishedPort> out;
    for (unsigned i = 0; i < list->size(); ++i) {
        const json::Object::Ptr item = list->getObject(i);
        if (!item) throw std::invalid_argument("a port is no object");
        out.push_back({json::text(item, "name"), json::text(item, "protocol"),
                       static_cast<std::uint16_t>(json::integer(item, "container_port")),
                       static_cast<std::uint16_t>(json::integer(item, "host_port"))});
    }
    return out;
}

}  // namespace

bool Desired::has_fixed_port() const noexcept {
    return std::any_of(ports.begin(), ports.end(), [](const PublishedPort& port) { return port.host_port != 0; });
}

std::string to_json(const Desired& d) {
    json::Object::Ptr out = json::object();
    out->set("format", kFormat);
    out->set("service_id", d.service_id);
    out->set("spec_hash", d.spec_hash);
    out->set("revision", d.revision);
    out->set("spec_replicas", d.spec_replicas);
    out->set("replicas", d.replicas);
    out->set("image", d.image);
    out->set("namespace", d.namespace_);
    out->set("command", json::array_of(d.command));
    out->set("args", json::array_of(d.args));
    out->set("env", json::object_of(d.env));
    out->set("labels", json::object_of(d.labels));
    out->set("ports", ports_to_json(d.ports));
    out->set("nano_cpus", d.nano_cpus);
    out->set("memory_bytes", d.memory_bytes);
    out->set("restart", d.restart);
    out->set("working_dir", d.working_dir);
    out->set("user", d.user);
    out->set("files", json::object_of(d.files));
    return json::dump(out);
}

Desired desired_from_json(const std::string& text) {
    const json::Object::Ptr in = json::parse_object(text);
    if (json::integer(in, "format") != kFormat) throw std::invalid_argument("the record's format is unknown");
    Desired d;
    d.service_id = json::text(in, "service_id");
    d.spec_hash = json::text(in, "spec_hash");
    d.revision = json::integer(in, "revision");
    d.spec_replicas = static_cast<std::uint32_t>(json::integer(in, "spec_replicas"));
    d.replicas = static_cast<std::uint32_t>(json::integer(in, "replicas"));
    d.image = json::text(in, "image");
    d.namespace_ = json::text(in, "namespace");
    d.command = json::texts(in, "command");
    d.args = json::texts(in, "args");
    d.env = json::pairs(in, "env");
    d.labels = json::pairs(in, "labels");
    d.ports = ports_from_json(json::list(in, "ports"));
    d.nano_cpus = json::integer(in, "nano_cpus");
    d.memory_bytes = json::integer(in, "memory_bytes");
    d.restart = json::text(in, "restart");
    d.working_dir = json::text(in, "working_dir");
    d.user = json::text(in, "user");
    d.files = json::pairs(in, "files");
    if (d.service_id.empty() || d.image.empty() || d.revision < 1)
        throw std::invalid_argument("the record is incomplete");
    return d;
}

}  // namespace acp::docker
