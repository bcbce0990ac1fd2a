#include "app/checks_wire.h"

namespace acp::app {

namespace {

using json::Object;

json::Array::Ptr list_of(const std::vector<std::string>& texts) {
    auto list = json::array();
    for (const auto& text : texts) list->add(text);
    return list;
}

json::Array::Ptr list_of(const std::set<std::string>& texts) {
    return list_of(std::vector<std::string>(texts.begin(), texts.end()));
}

template <typename Container>
Container texts_of(const Object::Ptr& from, const std::string& name) {
    Container all;
    if (const auto list = from->getArray(name))
        for (std::size_t i = 0; i < list->size(); ++i)
            all.insert(all.end(), list->get(static_cast<unsigned>(i)).convert<std::string>());
    return all;
}

Object::Ptr sample_json(const sdk::DeploymentSpec& spec) {
    auto env = json::object();
    for (const auto& [name, value] : spec.env) env->set(name, value);
    return json::object({{"service_id", spec.service_id},
                         {"image", spec.image},
                         {"command", list_of(spec.command)},
                         {"args", list_of(spec.args)},
                         {"env", env},
                         {"metadata_json", spec.metadata_json},
                         {"resources_json", spec.resources_json},
                         {"spec_hash", spec.spec_hash}});
}

sdk::DeploymentSpec sample_of(const Object::Ptr& from) {
    sdk::DeploymentSpec spec;
    spec.service_id = json::text_or(from, "service_id");
    spec.image = json::text_or(from, "image");
    spec.command = texts_of<std::vector<std::string>>(from, "command");
    spec.args = texts_of<std::vector<std::string>>(from, "args");
    for (const auto& [name, value] : *from->getObject("env")) spec.env.emplace_back(name, value.convert<std::string>());
    spec.metadata_json = json::text_or(from, "metadata_json");
    spec.resources_json = json::text_or(from, "resources_json");
    spec.spec_hash = json::text_or(from, "spec_hash");
    return spec;
}

conformance::Result result_of(const Object::Ptr& from) {
    conformance::Result result;
    result.id = json::text_or(from, "id");
    const std::string outcome = json::text_or(from, "outcome");
    for (const auto known : {conformance::Outcome::passed, conformance::Outcome::failed, conformance::Outcome::not_applicable})
        if (outcome == conformance::outcome_name(known)) result.outcome = known;
    result.message = json::text_or(from, "message");
    result.expected = json::text_or(from, "expected");
    result.found = json::text_or(from, "found");
    result.took = std::chrono::milliseconds(from->optValue<std::int64_t>("took_ms", 0));
    return result;
}

std::string line(const Object::Ptr& object) { return json::dump(object) + "\n"; }

}  // namespace

std::string request_line(const conformance::Options& o) {
    // Quirks stay with the parent, which knows of crashes, too.
    return line(json::object({{"plugin", o.plugin_path},
                              {"config", o.config_json},
                              {"state_dir", o.state_dir},
                              {"sample", sample_json(o.sample)},
                              {"interfaces", list_of(o.interfaces)},
                              {"patience_ms", static_cast<std::int64_t>(o.patience.count())},
                              {"done", list_of(o.done)},
                              {"failed", list_of(o.failed)}}));
}

Result<conformance::Options> parse_request(const std::string& text) {
    const auto request = json::parse_object(text, {32, std::size_t{8} << 20});
    if (!request) return fail(request.error());
    conformance::Options options;
    options.plugin_path = json::text_or(*request, "plugin");
    options.config_json = json::text_or(*request, "config");
    options.state_dir = json::text_or(*request, "state_dir");
    options.sample = sample_of((*request)->getObject("sample"));
    options.interfaces = texts_of<std::set<std::string>>(*request, "interfaces");
    options.patience = std::chrono::milliseconds((*request)->getValue<std::int64_t>("patience_ms"));
    options.done = texts_of<std::set<std::string>>(*request, "done");
    options.failed = texts_of<std::set<std::string>>(*request, "failed");
    return options;
}

json::Object::Ptr result_json(const conformance::Result& result) {
    auto object = json::object({{"id", result.id}, {"outcome", conformance::outcome_name(result.outcome)}});
    if (!result.message.empty()) object->set("message", result.message);
    if (!result.expected.empty()) object->set("expected", result.expected);
    if (!result.found.empty()) object->set("found", result.found);
    if (!result.reason.empty()) object->set("reason", result.reason);
    if (result.stale_quirk) object->set("stale_quirk", true);
    object->set("took_ms", static_cast<std::int64_t>(result.took.count()));
    return object;
}

std::string start_line(const std::string& id) { return line(json::object({{"start", id}})); }
std::string result_line(const conformance::Result& result) { return line(json::object({{"result", result_json(result)}})); }
std::string error_line(const std::string& message) { return line(json::object({{"error", message}})); }
std::string end_line() { return line(json::object({{"end", true}})); }

Event parse_event(const std::string& text) {
    Event event;
    const auto parsed = json::parse_object(text);
    if (!parsed) return event;
    const Object::Ptr& object = *parsed;
    if (object->has("start")) {
        event.kind = Event::Kind::start;
        event.id = json::text_or(object, "start");
    } else if (object->has("error")) {
        event.kind = Event::Kind::error;
        event.id = json::text_or(object, "error");
    } else if (object->has("end")) {
        event.kind = Event::Kind::end;
    } else if (const auto result = object->getObject("result")) {
        event.kind = Event::Kind::result;
        event.result = result_of(result);
    }
    return event;
}

}  // namespace acp::app
