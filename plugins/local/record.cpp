#include "record.h"

#include <limits>

#include "files.h"
#include "json.h"

namespace acp::local {

namespace {

constexpr std::size_t kRecordMax = 8 * 1024 * 1024;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

JsonObject spec_object(const sdk::DeploymentSpec& s) {
    JsonObject o = new Poco::JSON::Object;
    o->set("service_id", s.service_id);
    o->set("image", s.image);
    o->set("namespace", s.namespace_);
    o->set("replicas", std::int64_t{s.replicas});
    o->set("command", to_array(s.command));
    o->set("args", to_array(s.args));
    o->set("env", to_object(s.env));
    o->set("labels", to_object(s.labels));
    Poco::JSON::Array::Ptr ports = new Poco::JSON::Array;
    for (const auto& p : s.ports) {
        JsonObject port = new Poco::JSON::Object;
        port->set("name", p.name);
        port->set("protocol", p.protocol);
        port->set("container_port", std::int64_t{p.container_port});
        port->set("host_port", std::int64_t{p.host_port});
        ports->add(port);
    }
    o->set("ports", ports);
    o->set("resources", s.resources_json);
    o->set("metadata", s.metadata_json);
    o->set("spec_hash", s.spec_hash);
    return o;
}

sdk::DeploymentSpec to_spec(const Poco::JSON::Object& object) {
    const Reader r(object, "/spec");
    sdk::DeploymentSpec s;
    s.service_id = r.string("service_id");
    s.image = r.string("image");
    s.namespace_ = r.string("namespace");
    s.replicas = static_cast<std::uint32_t>(r.integer("replicas", 0, std::numeric_limits<std::uint32_t>::max()));
    s.command = r.strings("command");
    s.args = r.strings("args");
    s.env = r.pairs_or_none("env");
    s.labels = r.pairs_or_none("labels");
    for (const auto& item : *r.array_or_none("ports")) {
        if (item.type() != typeid(JsonObject)) throw JsonError("/spec/ports must hold objects");
        const Reader p(*item.extract<JsonObject>(), "/spec/ports");
        s.ports.push_back({p.string("name"), p.string("protocol"),
                           static_cast<std::uint16_t>(p.integer("container_port", 0, 65535)),
                           static_cast<std::uint16_t>(p.integer("host_port", 0, 65535))});
    }
    s.resources_json = r.string("resources");
    s.metadata_json = r.string("metadata");
    s.spec_hash = r.string("spec_hash");
    return s;
}

}  // namespace

std::optional<Record> load_record(const std::filesystem::path& workload_folder) {
    const auto text = read_file(workload_folder / "spec.json", kRecordMax);
    if (!text) return std::nullopt;
    const auto object = parse_object(*text);
    const Reader r(*object, "");
    Record record;
    record.spec = to_spec(*r.object("spec"));
    record.replicas = static_cast<std::uint32_t>(r.integer("replicas", 0, std::numeric_limits<std::uint32_t>::max()));
    record.revision = static_cast<std::uint64_t>(r.integer("revision", 0, kMax));
    record.changed_unix_ms = r.integer("changed_unix_ms", 0, kMax);
    return record;
}

void save_record(const std::filesystem::path& workload_folder, const Record& record) {
    Poco::JSON::Object o;
    o.set("spec", spec_object(record.spec));
    o.set("replicas", std::int64_t{record.replicas});
    o.set("revision", static_cast<std::int64_t>(record.revision));
    o.set("changed_unix_ms", record.changed_unix_ms);
    write_file(workload_folder / "spec.json", to_text(o), 0600, Durable::yes);
}

}  // namespace acp::local
