#include "provider.h"

#include <algorithm>
#include <memory>

#include "exec_session.h"
#include "log_session.h"
#include "metrics.h"

namespace acp::docker {

namespace {

using sdk::Failure;

constexpr const char* kNoSecrets = "the Docker Engine has secrets for Swarm services only, not for containers";
constexpr const char* kNoNamespaces = "the Docker Engine has no namespaces";

std::string create_exec(Engine& engine, const sdk::Call& call, const Container& container,
                        const sdk::ExecRequest& request) {
    json::Object::Ptr body = json::object();
    body->set("AttachStdin", request.want_stdin);
    body->set("AttachStdout", true);
    body->set("AttachStderr", true);
    body->set("Tty", request.tty);
    body->set("Cmd", json::array_of(request.argv));
    Ask ask;
    ask.method = "POST";
    ask.path = "/containers/" + container.id + "/exec";
    ask.body = json::dump(body);
    const std::string id = json::text(json::parse_object(engine.ask(call, ask).body), "Id");
    if (id.empty()) throw Failure(ACP_E_PROVIDER, "the Docker Engine made a command without an id");
    return id;
}

}  // namespace

DockerProvider::DockerProvider(const sdk::Host& host, const sdk::InstanceConfig& config)
    : engine_(host, parse_settings(config.alias, config.config_json)),
      store_(config.state_dir),
      containers_(engine_),
      lifecycle_(engine_, containers_, store_) {}

std::vector<sdk::Capability> DockerProvider::capabilities() const {
    std::vector<sdk::Capability> out;
    for (const char* operation : {"start", "stop", "scale", "restart", "status", "list", "get_config", "apply_config",
                                  "exec", "logs", "metrics", "delete", "health"})
        out.push_back({operation, true, {}});
    out.push_back({"rotate_secret", false, kNoSecrets});
    out.push_back({"provision_namespace", false, kNoNamespaces});
    out.push_back({"deprovision_namespace", false, kNoNamespaces});
    return out;
}

sdk::DeploymentStatus DockerProvider::start(const sdk::Call& call, const sdk::DeploymentSpec& spec) {
    return lifecycle_.start(call, spec);
}
sdk::DeploymentStatus DockerProvider::stop(const sdk::Call& call, const std::string& id) {
    return lifecycle_.stop(call, id);
}
sdk::DeploymentStatus DockerProvider::scale(const sdk::Call& call, const std::string& id, uint32_t replicas) {
    return lifecycle_.scale(call, id, replicas);
}
sdk::DeploymentStatus DockerProvider::restart(const sdk::Call& call, const std::string& id) {
    return lifecycle_.restart(call, id);
}
void DockerProvider::remove(const sdk::Call& call, const std::string& id) {
    lifecycle_.remove(call, id);
}
sdk::DeploymentStatus DockerProvider::status(const sdk::Call& call, const std::string& id) {
    return lifecycle_.status(call, id);
}
std::vector<sdk::DeploymentStatus> DockerProvider::list(const sdk::Call& call, const std::string& namespace_) {
    return lifecycle_.list(call, namespace_);
}
std::string DockerProvider::get_config(const sdk::Call& call, const std::string& id) {
    return lifecycle_.get_config(call, id);
}
std::string DockerProvider::apply_config(const sdk::Call& call, const std::string& id, const std::string& patch,
                                         bool dry_run) {
    return lifecycle_.apply_config(call, id, patch, dry_run);
}

std::string DockerProvider::rotate_secret(const sdk::Call& call, const std::string& id, const std::string&, bool) {
    lifecycle_.require_known(call, id);
    throw Failure(ACP_E_UNSUPPORTED, kNoSecrets);
}
std::string DockerProvider::provision_namespace(const sdk::Call&, const std::string&, const std::string&) {
    throw Failure(ACP_E_UNSUPPORTED, kNoNamespaces);
}
void DockerProvider::deprovision_namespace(const sdk::Call&, const std::string&) {
    throw Failure(ACP_E_UNSUPPORTED, kNoNamespaces);
}

std::string DockerProvider::metrics(const sdk::Call& call, const std::string& id) {
    return measure(engine_, call, lifecycle_.containers_of(call, id, {}));
}

sdk::HealthReport DockerProvider::health(const sdk::Call& call) {
    try {
        const EngineVersion version = engine_.version(call);
        json::Object::Ptr details = json::object();
        details->set("engine", version.engine);
        details->set("api", choose_api(version, engine_.settings().place));
        return {ACP_HEALTH_UP, {}, json::dump(details)};
    } catch (const Failure& f) {
        if (f.status() == ACP_E_CANCELLED) throw;
        return {ACP_HEALTH_DOWN, f.message(), {}};
    }
}

void DockerProvider::logs(const sdk::Call& call, const std::string& id, const sdk::LogQuery& query,
                          sdk::Stream& stream) {
    lifecycle_.containers_of(call, id, query.replica);  // fails before the first write
    auto session = std::make_shared<LogSession>(engine_, lifecycle_, id, query, std::move(stream));
    sessions_.run([session](const std::atomic<bool>& stopping) { session->run(stopping); });
}

void DockerProvider::exec(const sdk::Call& call, const std::string& id, const sdk::ExecRequest& request,
                          sdk::Stream& stream) {
    if (request.argv.empty() || request.argv.front().empty()) throw Failure(ACP_E_INVALID, "the command is empty");
    const std::vector<Container> all = lifecycle_.containers_of(call, id, request.replica);
    const auto found = std::find_if(all.begin(), all.end(), [](const Container& c) { return c.state == "running"; });
    if (found == all.end())
        throw Failure(ACP_E_CONFLICT, "no replica of workload " + id + " runs: start it before running commands in it");
    auto session = std::make_shared<ExecSession>(engine_, create_exec(engine_, call, *found, request), request);
    sessions_.run([session](const std::atomic<bool>& stopping) { session->run(stopping); });
    session->await_start(call);
    session->attach(std::move(stream));
}

}  // namespace acp::docker
