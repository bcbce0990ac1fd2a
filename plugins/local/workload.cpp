#include "workload.h"

#include <algorithm>

#include "environment.h"
#include "status.h"

namespace acp::local {

namespace fs = std::filesystem;
using sdk::Failure;

/// A change in progress: at most one per workload.
class Workload::Turn {
public:
    Turn(Workload& workload, const Deadline& deadline, Activity activity) : workload_(workload) {
        std::unique_lock lock(workload_.mutex_);
        while (workload_.activity_ != Activity::none) {
            workload_.turn_over_.wait_for(lock, std::chrono::milliseconds(std::max(1, deadline.slice_ms())));
            if (workload_.activity_ != Activity::none)
                deadline.check("another change of workload " + workload_.id_ + " to end");
        }
        workload_.activity_ = activity;
    }
    ~Turn() {
        {
            std::lock_guard lock(workload_.mutex_);
            workload_.activity_ = Activity::none;
        }
        workload_.turn_over_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    Workload& workload_;
};

namespace {

// Above every revision that can be on disk, also where a damaged record was lost.
std::uint64_t revision_after(std::uint64_t revision) {
    return std::max(revision + 1, static_cast<std::uint64_t>(unix_ms()));
}

}  // namespace

Workload::Workload(Shared& shared, std::string id)
    : shared_(shared), id_(std::move(id)), folder_(shared.folder / id_) {}

void Workload::adopt() {
    auto record = load_record(folder_);
    if (!record) return;
    auto config = WorkloadConfig::load(folder_);
    std::lock_guard lock(mutex_);
    record_ = std::move(record);
    config_ = std::move(config);
}

bool Workload::known() const {
    std::lock_guard lock(mutex_);
    return record_.has_value();
}

Workload::Snapshot Workload::snapshot() const {
    std::lock_guard lock(mutex_);
    if (!record_) throw Failure(ACP_E_NOT_FOUND, "there is no workload \"" + id_ + "\"");
    return {*record_, config_};
}

std::vector<ReplicaView> Workload::views() const {
    std::vector<ReplicaView> all;
    for (const auto& replica : replicas_in(folder_)) all.push_back(replica.look());
    return all;
}

void Workload::persist(Record next) {
    next.changed_unix_ms = unix_ms();
    fs::create_directories(folder_);
    save_record(folder_, next);
    std::lock_guard lock(mutex_);
    record_ = std::move(next);
}

sdk::DeploymentStatus Workload::start(const sdk::Call& call, const sdk::DeploymentSpec& spec) {
    {
        const Turn turn(*this, Deadline(call, shared_.settings.start_timeout_ms), Activity::starting);
        const bool had = known();
        Record next = had ? snapshot().record : Record{};
        const bool same = had && !spec.spec_hash.empty() && next.spec.spec_hash == spec.spec_hash;
        if (!same) {
            next.spec = spec;
            next.replicas = spec.replicas;
            next.revision = revision_after(next.revision);
            persist(std::move(next));
        } else if (next.replicas == 0) {
            next.replicas = spec.replicas;
            persist(std::move(next));
        }
        converge(call);
    }
    return status();
}

sdk::DeploymentStatus Workload::start_again(const sdk::Call& call) {
    return resize(call, Activity::starting,
                  [](const Record& now) { return now.replicas > 0 ? now.replicas : now.spec.replicas; });
}

sdk::DeploymentStatus Workload::scale(const sdk::Call& call, std::uint32_t replicas) {
    check_replicas(replicas);
    return resize(call, replicas == 0 ? Activity::stopping : Activity::starting,
                  [replicas](const Record&) { return replicas; });
}

sdk::DeploymentStatus Workload::stop(const sdk::Call& call) {
    return scale(call, 0);
}

sdk::DeploymentStatus Workload::resize(const sdk::Call& call, Activity activity, const Replicas& wanted) {
    {
        const Turn turn(*this, Deadline(call, shared_.settings.start_timeout_ms), activity);
        Record next = snapshot().record;
        const std::uint32_t replicas = wanted(next);
        if (next.replicas != replicas) {
            next.replicas = replicas;
            persist(std::move(next));
        }
        converge(call);
    }
    return status();
}

sdk::DeploymentStatus Workload::restart(const sdk::Call& call) {
    {
        const Turn turn(*this, Deadline(call, shared_.settings.start_timeout_ms), Activity::starting);
        Record next = snapshot().record;
        if (next.replicas == 0)
            throw Failure(ACP_E_CONFLICT, "workload \"" + id_ + "\" is stopped; start it instead of restarting it");
        next.revision = revision_after(next.revision);
        persist(std::move(next));
        converge(call);
    }
    return status();
}

void Workload::remove(const sdk::Call& call) {
    const Turn turn(*this, Deadline(call, shared_.settings.start_timeout_ms), Activity::stopping);
    Record next = snapshot().record;
    next.replicas = 0;
    persist(std::move(next));
    converge(call);
    // Away under one name first: half a workload is never found again.
    const fs::path away = shared_.folder / (".removed-" + id_ + "-" + std::to_string(unix_ms()));
    fs::rename(folder_, away);
    {
        std::lock_guard lock(mutex_);
        record_.reset();
        config_ = {};
    }
    fs::remove_all(away);
}

sdk::DeploymentStatus Workload::status() const {
    const Record record = snapshot().record;
    Activity activity;
    {
        std::lock_guard lock(mutex_);
        activity = activity_;
    }
    return describe(record, views(), activity);
}

std::string Workload::config() const {
    const Snapshot now = snapshot();
    return now.config.to_json(now.record.spec);
}

std::string Workload::apply_config(const sdk::Call& call, const std::string& patch, bool dry_run) {
    if (dry_run) {
        const Snapshot now = snapshot();
        return now.config.patched(now.record.spec, patch).to_json(now.record.spec);
    }
    const Turn turn(*this, Deadline(call, shared_.settings.start_timeout_ms), Activity::starting);
    Snapshot now = snapshot();
    WorkloadConfig next = now.config.patched(now.record.spec, patch);
    if (next == now.config) return next.to_json(now.record.spec);
    // The revision first: a crash before the second step leaves replicas that
    // are seen to be outdated, never ones that silently miss the change.
    now.record.revision = revision_after(now.record.revision);
    persist(now.record);
    next.save(folder_);
    {
        std::lock_guard lock(mutex_);
        config_ = next;
    }
    converge(call);
    return next.to_json(now.record.spec);
}

Launch Workload::launch_inside(const std::string& replica) const {
    const Snapshot now = snapshot();
    const auto all = views();
    const auto it = std::find_if(all.begin(), all.end(), [&](const ReplicaView& view) {
        return replica.empty() ? view.running() : std::to_string(view.number) == replica;
    });
    if (it == all.end() && !replica.empty())
        throw Failure(ACP_E_NOT_FOUND, "workload \"" + id_ + "\" has no replica \"" + replica + "\"");
    if (it == all.end() || !it->running())
        throw Failure(ACP_E_CONFLICT, "workload \"" + id_ + "\" has no running replica; start it first");
    const auto plan = check_spec(shared_.settings, now.record.spec);
    Launch launch;
    launch.working_dir = plan.working_dir.empty() ? (folder_ / "work").string() : plan.working_dir;
    launch.env = process_environment(shared_.settings, now.record, now.config, folder_, launch.working_dir, it->number);
    launch.identity = shared_.settings.run_as;
    return launch;
}

}  // namespace acp::local
