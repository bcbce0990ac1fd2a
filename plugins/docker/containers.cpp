#include "containers.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "create_body.h"
#include "tar.h"
#include "timestamp.h"

namespace acp::docker {

namespace {

constexpr std::int64_t kGraceMs = 30'000;  // what the Engine may need beyond a stop timeout

template <typename Number>
Number number_of(const std::string& text) {
    Number value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Container from_list(const json::Object::Ptr& item) {
    Container c;
    const json::Object::Ptr labels = json::child(item, "Labels");
    c.id = json::text(item, "Id");
    for (const std::string& name : json::texts(item, "Names"))
        if (c.name.empty() && name.size() > 1) c.name = name.substr(1);  // "/name"
    c.service_id = json::text(labels, kLabelService);
    c.spec_hash = json::text(labels, kLabelHash);
    c.namespace_ = json::text(labels, kLabelNamespace);
    c.replica = number_of<std::uint32_t>(json::text(labels, kLabelReplica));
    c.revision = number_of<std::int64_t>(json::text(labels, kLabelRevision));
    c.image = json::text(item, "Image");
    c.state = json::text(item, "State");
    const json::Array::Ptr ports = json::list(item, "Ports");
    for (unsigned i = 0; i < ports->size(); ++i) {
        const json::Object::Ptr port = ports->getObject(i);
        if (!port || json::integer(port, "PublicPort") == 0) continue;
        c.endpoints.push_back({json::text(port, "IP"), json::text(port, "Type"),
                               static_cast<std::uint16_t>(json::integer(port, "PrivatePort")),
                               static_cast<std::uint16_t>(json::integer(port, "PublicPort"))});
    }
    return c;
}

std::string filter_of(const std::string& alias, const std::string& service_id) {
    json::Array::Ptr labels = json::array();
    labels->add(std::string(kLabelManaged) + "=true");
    labels->add(std::string(kLabelAlias) + "=" + alias);
    if (!service_id.empty()) labels->add(std::string(kLabelService) + "=" + service_id);
    json::Object::Ptr filter = json::object();
    filter->set("label", labels);
    return escape(json::dump(filter));
}

}  // namespace

std::vector<Container> Containers::list(const sdk::Call& call, const std::string& service_id) {
    const json::Array::Ptr items =
        engine_.get_array(call, "/containers/json?all=1&filters=" + filter_of(engine_.settings().alias, service_id));
    std::vector<Container> out;
    for (unsigned i = 0; i < items->size(); ++i) {
        const json::Object::Ptr item = items->getObject(i);
        if (item) out.push_back(from_list(item));
    }
    std::sort(out.begin(), out.end(), [](const Container& a, const Container& b) {
        return std::tie(a.service_id, a.replica, a.name) < std::tie(b.service_id, b.replica, b.name);
    });
    return out;
}

bool Containers::inspect(const sdk::Call& call, Container& container) {
    json::Object::Ptr body;
    try {
        body = engine_.get_object(call, "/containers/" + container.id + "/json");
    } catch (const sdk::Failure& f) {
        if (f.status() == ACP_E_NOT_FOUND) return false;
        throw;
    }
    const json::Object::Ptr state = json::child(body, "State");
    container.state = json::text(state, "Status");
    container.exit_code = json::integer(state, "ExitCode");
    container.error = json::text(state, "Error");
    container.health = json::text(json::child(state, "Health"), "Status");
    if (container.health == "none") container.health.clear();
    const std::int64_t changed =
        std::max(parse_timestamp(json::text(state, "StartedAt")), parse_timestamp(json::text(state, "FinishedAt")));
    container.changed_unix_ms = std::max<std::int64_t>(changed, 0) / 1'000'000;
    container.image = json::text(json::child(body, "Config"), "Image");
    return true;
}

std::string Containers::final_name(const std::string& service_id, std::uint32_t replica) const {
    return engine_.settings().alias + "-" + service_id + "-" + std::to_string(replica);
}

std::string Containers::create(const sdk::Call& call, const Desired& desired, std::uint32_t replica,
                               const std::string& name) {
    Ask ask;
    ask.method = "POST";
    ask.path = "/containers/create?name=" + escape(name);
    ask.body = create_body(engine_.settings(), desired, replica);
    std::string id;
    try {
        id = json::text(json::parse_object(engine_.ask(call, ask).body), "Id");
    } catch (const sdk::Failure& f) {
        // On this path 404 speaks of the image or the network, not of a workload.
        if (f.status() == ACP_E_NOT_FOUND) throw sdk::Failure(ACP_E_INVALID, f.message());
        throw;
    }
    if (id.empty()) throw sdk::Failure(ACP_E_PROVIDER, "the Docker Engine made a container without an id");
    try {
        if (!desired.files.empty()) put_files(call, id, desired.files);
    } catch (...) {
        remove(call, id);
        throw;
    }
    return id;
}

void Containers::put_files(const sdk::Call& call, const std::string& id, const json::Pairs& files) {
    Ask ask;
    ask.method = "PUT";
    ask.path = "/containers/" + id + "/archive?path=%2F";
    ask.content_type = "application/x-tar";
    ask.body = make_tar(files);
    engine_.ask(call, ask);
}

void Containers::start(const sdk::Call& call, const std::string& id) {
    Ask ask;
    ask.method = "POST";
    ask.path = "/containers/" + id + "/start";
    ask.accept = {304};  // it runs already
    try {
        engine_.ask(call, ask);
    } catch (const sdk::Failure& f) {
        // A command that is not in the image comes as 400 or 404.
        if (f.status() == ACP_E_NOT_FOUND) throw sdk::Failure(ACP_E_INVALID, f.message());
        throw;
    }
}

void Containers::stop(const sdk::Call& call, const std::string& id) {
    const std::uint32_t timeout = engine_.settings().stop_timeout_s;
    Ask ask;
    ask.method = "POST";
    ask.path = "/containers/" + id + "/stop?t=" + std::to_string(timeout);
    ask.idle_timeout_ms = timeout * std::int64_t{1000} + kGraceMs;
    ask.accept = {304, 404};
    engine_.ask(call, ask);
}

void Containers::restart(const sdk::Call& call, const std::string& id) {
    const std::uint32_t timeout = engine_.settings().stop_timeout_s;
    Ask ask;
    ask.method = "POST";
    ask.path = "/containers/" + id + "/restart?t=" + std::to_string(timeout);
    ask.idle_timeout_ms = timeout * std::int64_t{1000} + kGraceMs;
    engine_.ask(call, ask);
}

void Containers::remove(const sdk::Call& call, const std::string& id) {
    Ask ask;
    ask.method = "DELETE";
    ask.path = "/containers/" + id + "?force=1&v=1";
    ask.accept = {404, 409};  // 409: its removal is in progress
    engine_.ask(call, ask);
}

void Containers::rename(const sdk::Call& call, const std::string& id, const std::string& name) {
    Ask ask;
    ask.method = "POST";
    ask.path = "/containers/" + id + "/rename?name=" + escape(name);
    engine_.ask(call, ask);
}

}  // namespace acp::docker
