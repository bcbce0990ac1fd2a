// Workload::converge: stop what is not wanted, replace what is outdated one by
// one, start what is missing.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "environment.h"
#include "workload.h"

namespace acp::local {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kKillSlackMs = 5'000;  // for a stop that has no deadline, beyond the grace

void ensure_folder(const fs::path& path, ::mode_t mode) {
    fs::create_directories(path);
    if (::chmod(path.c_str(), mode) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot set the mode of " + path.string());
}

}  // namespace

void Workload::converge(const sdk::Call& call) {
    const Snapshot now = snapshot();
    stop_surplus(call, now.record);
    if (now.record.replicas == 0) return;
    // Once more: the executable may have gone since the record was written.
    const Plan plan = check_spec(shared_.settings, now.record.spec);
    prepare_folders(now.config);
    const RunFiles run_file = [&](std::uint32_t replica) {
        RunFile file;
        file.revision = now.record.revision;
        file.launch.executable = plan.executable;
        file.launch.argv = plan.argv;
        file.launch.working_dir = plan.working_dir.empty() ? (folder_ / "work").string() : plan.working_dir;
        file.launch.env =
            process_environment(shared_.settings, now.record, now.config, folder_, file.launch.working_dir, replica);
        file.launch.identity = shared_.settings.run_as;
        file.restart = plan.restart;
        file.stop_grace_ms = plan.stop_grace_ms;
        file.log_max_bytes = shared_.settings.log_max_bytes;
        file.log_files = shared_.settings.log_files;
        return file;
    };
    replace_outdated(call, now.record, run_file);
    launch_missing(call, now.record, run_file);
}

void Workload::prepare_folders(const WorkloadConfig& config) const {
    // Closed by the state folder above; these modes matter for `run_as`, where
    // the operator opened that to the user.
    ensure_folder(folder_, 0711);
    ensure_folder(folder_ / "config", 0755);
    ensure_folder(folder_ / "work", 0755);
    ensure_folder(folder_ / "replicas", 0700);
    if (const auto& identity = shared_.settings.run_as)
        if (::lchown((folder_ / "work").c_str(), identity->uid, identity->gid) != 0)
            throw std::system_error(errno, std::generic_category(), "cannot hand over " + (folder_ / "work").string());
    config.write_files(folder_);
}

void Workload::stop_surplus(const sdk::Call& call, const Record& record) {
    std::vector<std::pair<Replica, Fd>> leaving;
    for (const auto& replica : replicas_in(folder_)) {
        if (replica.number() < record.replicas) continue;
        if (Fd supervisor = replica.request_stop())
            leaving.emplace_back(replica, std::move(supervisor));
        else if (replica.look().lost())
            replica.sweep();
    }
    for (const auto& [replica, supervisor] : leaving) {
        await_stop(call, replica, supervisor);
        call.log(ACP_LOG_INFO, "workload " + id_ + ": " + replica.name() + " stopped");
    }
}

void Workload::replace_outdated(const sdk::Call& call, const Record& record, const RunFiles& run_file) {
    for (std::uint32_t number = 0; number < record.replicas; ++number) {
        const Replica replica(folder_, number);
        const auto view = replica.look();
        const bool current = view.state && view.state->revision == record.revision && !is_final(view.state->phase) &&
                             view.state->phase != Phase::stopping;
        if (!view.supervised || current) continue;
        if (const Fd supervisor = replica.request_stop()) await_stop(call, replica, supervisor);
        replica.launch(run_file(number), shared_.settings.supervisor_path, shared_.reaper)
            .wait(Deadline(call, shared_.settings.start_timeout_ms));
        call.log(ACP_LOG_INFO, "workload " + id_ + ": " + replica.name() + " replaced");
    }
}

void Workload::launch_missing(const sdk::Call& call, const Record& record, const RunFiles& run_file) {
    std::vector<Replica::Launching> launching;
    for (std::uint32_t number = 0; number < record.replicas; ++number) {
        const Replica replica(folder_, number);
        const auto view = replica.look();
        if (view.supervised) continue;
        if (view.state && view.lost()) replica.sweep();
        launching.push_back(replica.launch(run_file(number), shared_.settings.supervisor_path, shared_.reaper));
        call.log(ACP_LOG_INFO, "workload " + id_ + ": " + replica.name() + " is being started");
    }
    const Deadline deadline(call, shared_.settings.start_timeout_ms);
    for (const auto& one : launching) one.wait(deadline);
}

void Workload::await_stop(const sdk::Call& call, const Replica& replica, const Fd& supervisor) const {
    const std::int64_t grace_ms = stop_grace_ms(shared_.settings, snapshot().record.spec);
    Deadline(call, grace_ms + kKillSlackMs)
        .wait_readable(supervisor.get(), replica.name() + " of workload " + id_ +
                                             " to stop; it is killed once its grace of " + std::to_string(grace_ms) +
                                             " ms is over");
    // Commands that `exec` runs in it end with it.
    replica.sweep();
}

}  // namespace acp::local
