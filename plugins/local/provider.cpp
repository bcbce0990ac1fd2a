#include "provider.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "exec_session.h"
#include "json.h"
#include "log_session.h"

namespace acp::local {

namespace {

namespace fs = std::filesystem;
using sdk::Failure;

constexpr const char* kNoSecrets =
    "provider local has no source of secrets: a workload's variables are plain values, changed by apply_config";
constexpr const char* kNoNamespaces =
    "processes of one host share it: provider local has no namespaces to make or delete, only labels by that name";

// A disk or process table that is full is the host's state, not our defect.
template <typename Body>
auto on_host(Body&& body) {
    try {
        return body();
    } catch (const std::system_error& e) {
        throw Failure(ACP_E_UNAVAILABLE, "provider local: " + std::string(e.what()), true);
    }
}

}  // namespace

LocalProvider::LocalProvider(sdk::Host host, const sdk::InstanceConfig& config)
    : host_(host),
      source_("acp.local/" + config.alias),
      shared_{parse_settings(config.config_json, config.plugin_dir), fs::path(config.state_dir) / "workloads", {}} {
    if (!fs::path(config.state_dir).is_absolute()) throw Failure(ACP_E_INVALID, "state_dir must be an absolute path");
    fs::create_directories(shared_.folder);
    adopt_all();
}

void LocalProvider::adopt_all() {
    for (const auto& entry : fs::directory_iterator(shared_.folder)) {
        const std::string id = entry.path().filename();
        if (id.starts_with(".removed-")) {
            fs::remove_all(entry.path());  // a removal that was interrupted
            continue;
        }
        if (!valid_service_id(id)) continue;
        try {
            auto workload = std::make_shared<Workload>(shared_, id);
            workload->adopt();
            if (workload->known()) workloads_[id] = std::move(workload);
        } catch (const std::exception& e) {
            damaged_.push_back(id);
            host_.log(ACP_LOG_ERROR, source_,
                      "workload " + id + " cannot be taken over from " + entry.path().string() + ": " + e.what() +
                          "; start it again to write its files anew");
        }
    }
}

LocalProvider::Ref LocalProvider::find(const std::string& id, bool or_new) {
    std::lock_guard lock(mutex_);
    auto it = workloads_.find(id);
    if (it != workloads_.end() && (or_new || it->second->known())) return it->second;
    if (!or_new) throw Failure(ACP_E_NOT_FOUND, "provider local has no workload \"" + sdk::clip(id, 63) + "\"");
    return workloads_[id] = std::make_shared<Workload>(shared_, id);
}

void LocalProvider::forget(Ref workload, const std::string& id) {
    std::lock_guard lock(mutex_);
    // Two references: the map's and ours. More come only under this mutex.
    if (!workload->known() && workload.use_count() == 2) workloads_.erase(id);
}

std::vector<sdk::Capability> LocalProvider::capabilities() const {
    std::vector<sdk::Capability> all;
    for (const char* operation : {"start", "stop", "scale", "restart", "status", "list", "get_config", "apply_config",
                                  "exec", "logs", "metrics", "delete", "health"})
        all.push_back({operation, true, {}});
    all.push_back({"rotate_secret", false, kNoSecrets});
    all.push_back({"provision_namespace", false, kNoNamespaces});
    all.push_back({"deprovision_namespace", false, kNoNamespaces});
    return all;
}

sdk::DeploymentStatus LocalProvider::start(const sdk::Call& call, const sdk::DeploymentSpec& spec) {
    if (spec.is_kept_one()) return on_host([&] { return find(spec.service_id)->start_again(call); });
    check_spec(shared_.settings, spec);
    Ref workload = find(spec.service_id, true);
    try {
        return on_host([&] { return workload->start(call, spec); });
    } catch (...) {
        forget(std::move(workload), spec.service_id);
        throw;
    }
}

sdk::DeploymentStatus LocalProvider::stop(const sdk::Call& call, const std::string& id) {
    return on_host([&] { return find(id)->stop(call); });
}

sdk::DeploymentStatus LocalProvider::scale(const sdk::Call& call, const std::string& id, std::uint32_t replicas) {
    return on_host([&] { return find(id)->scale(call, replicas); });
}

sdk::DeploymentStatus LocalProvider::restart(const sdk::Call& call, const std::string& id) {
    return on_host([&] { return find(id)->restart(call); });
}

void LocalProvider::remove(const sdk::Call& call, const std::string& id) {
    Ref workload = find(id);
    on_host([&] { workload->remove(call); });
    forget(std::move(workload), id);
}

sdk::DeploymentStatus LocalProvider::status(const sdk::Call&, const std::string& id) {
    return find(id)->status();
}

std::vector<sdk::DeploymentStatus> LocalProvider::list(const sdk::Call& call, const std::string& namespace_) {
    std::vector<Ref> all;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, workload] : workloads_) all.push_back(workload);
    }
    std::vector<sdk::DeploymentStatus> statuses;
    const Deadline deadline(call, 60'000);
    for (const auto& workload : all) {
        deadline.check("the list of workloads");
        try {
            auto status = workload->status();
            if (namespace_.empty() || status.namespace_ == namespace_) statuses.push_back(std::move(status));
        } catch (const Failure& e) {
            if (e.status() != ACP_E_NOT_FOUND) throw;  // removed meanwhile
        }
    }
    return statuses;
}

std::string LocalProvider::get_config(const sdk::Call&, const std::string& id) {
    return find(id)->config();
}

std::string LocalProvider::apply_config(const sdk::Call& call, const std::string& id, const std::string& patch,
                                        bool dry_run) {
    return on_host([&] { return find(id)->apply_config(call, patch, dry_run); });
}

std::string LocalProvider::rotate_secret(const sdk::Call&, const std::string& id, const std::string&, bool) {
    find(id);
    throw Failure(ACP_E_UNSUPPORTED, kNoSecrets);
}

std::string LocalProvider::metrics(const sdk::Call&, const std::string& id) {
    return find(id)->metrics();
}

std::string LocalProvider::provision_namespace(const sdk::Call&, const std::string&, const std::string&) {
    throw Failure(ACP_E_UNSUPPORTED, kNoNamespaces);
}

void LocalProvider::deprovision_namespace(const sdk::Call&, const std::string&) {
    throw Failure(ACP_E_UNSUPPORTED, kNoNamespaces);
}

sdk::HealthReport LocalProvider::health(const sdk::Call&) {
    sdk::HealthReport report;
    const auto worse = [&](int32_t state, const std::string& message) {
        report.state = std::max(report.state, state);
        report.message += (report.message.empty() ? "" : "; ") + message;
    };
    if (::access(shared_.settings.supervisor_path.c_str(), X_OK) != 0)
        worse(ACP_HEALTH_DOWN, "cannot execute the supervisor " + shared_.settings.supervisor_path + ": " +
                                   ::strerror(errno) + "; set `supervisor_path`");
    if (::access(shared_.folder.c_str(), W_OK | X_OK) != 0)
        worse(ACP_HEALTH_DOWN, "cannot write to " + shared_.folder.string() + ": " + ::strerror(errno));
    std::lock_guard lock(mutex_);
    for (const auto& id : damaged_)
        worse(ACP_HEALTH_DEGRADED, "the files of workload " + id + " are damaged; start it again to write them anew");
    Poco::JSON::Object details;
    details.set("supervisor", shared_.settings.supervisor_path);
    details.set("state_dir", shared_.folder.parent_path().string());
    details.set("workloads", workloads_.size());
    report.details_json = to_text(details);
    return report;
}

void LocalProvider::logs(const sdk::Call&, const std::string& id, const sdk::LogQuery& query, sdk::Stream& stream) {
    const Ref workload = find(id);
    on_host([&] { sessions_.open(stream, [&] { return open_log(workload->folder(), query); }); });
}

void LocalProvider::exec(const sdk::Call& call, const std::string& id, const sdk::ExecRequest& request,
                         sdk::Stream& stream) {
    if (request.argv.empty()) throw Failure(ACP_E_INVALID, "the command to run is missing; give at least argv[0]");
    Launch launch = find(id)->launch_inside(request.replica);
    launch.executable = resolve_executable(shared_.settings, request.argv.front(), "argv[0]");
    launch.argv = request.argv;
    on_host([&] {
        sessions_.open(stream, [&] { return start_exec(call, launch, request, shared_.settings.supervisor_path); });
    });
}

}  // namespace acp::local
