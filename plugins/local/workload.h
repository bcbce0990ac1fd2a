// local: one workload: its record, its replicas, and the changes to them.
//
// Changes to one workload take turns; looks at it never wait for a change.
// Every change first makes the record durable, then brings the replicas in
// line with it (converge), so that a crash in between is mended by the next
// `start`.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "deadline.h"
#include "reaper.h"
#include "record.h"
#include "replica.h"
#include "settings.h"
#include "spec_check.h"
#include "workload_config.h"

namespace acp::local {

/// What the workloads of one instance share. Outlives them.
struct Shared {
    Settings settings;
    std::filesystem::path folder;  // <state_dir>/workloads
    Reaper reaper;
};

enum class Activity { none, starting, stopping };

class Workload {
public:
    Workload(Shared& shared, std::string id);

    /// Takes over what an earlier instance left. Throws when its files are damaged.
    void adopt();
    bool known() const;

    // All throw sdk::Failure, ACP_E_NOT_FOUND where the workload is not known.
    /// `spec` has passed check_spec.
    sdk::DeploymentStatus start(const sdk::Call& call, const sdk::DeploymentSpec& spec);
    /// As its spec has it; one that runs is left as it is.
    sdk::DeploymentStatus start_again(const sdk::Call& call);
    sdk::DeploymentStatus stop(const sdk::Call& call);
    sdk::DeploymentStatus scale(const sdk::Call& call, std::uint32_t replicas);
    sdk::DeploymentStatus restart(const sdk::Call& call);
    void remove(const sdk::Call& call);
    sdk::DeploymentStatus status() const;
    std::string config() const;
    std::string apply_config(const sdk::Call& call, const std::string& patch, bool dry_run);
    std::string metrics() const;

    const std::filesystem::path& folder() const noexcept { return folder_; }
    /// What a command inside the workload starts from: environment, folder and
    /// identity of the replica named, or of the first that runs. Throws
    /// ACP_E_CONFLICT when it does not run.
    Launch launch_inside(const std::string& replica) const;

private:
    struct Snapshot {
        Record record;
        WorkloadConfig config;
    };
    class Turn;
    friend class Turn;

    using RunFiles = std::function<RunFile(std::uint32_t replica)>;

    /// `wanted` is asked once no other change can come between.
    using Replicas = std::function<std::uint32_t(const Record& now)>;
    sdk::DeploymentStatus resize(const sdk::Call& call, Activity activity, const Replicas& wanted);

    /// Throws ACP_E_NOT_FOUND.
    Snapshot snapshot() const;
    std::vector<ReplicaView> views() const;
    /// Durable when it returns.
    void persist(Record next);

    // converge.cpp: the replicas in line with the record, or a Failure.
    void converge(const sdk::Call& call);
    void stop_surplus(const sdk::Call& call, const Record& record);
    void replace_outdated(const sdk::Call& call, const Record& record, const RunFiles& run_file);
    void launch_missing(const sdk::Call& call, const Record& record, const RunFiles& run_file);
    void await_stop(const sdk::Call& call, const Replica& replica, const Fd& supervisor) const;
    void prepare_folders(const WorkloadConfig& config) const;

    Shared& shared_;
    const std::string id_;
    const std::filesystem::path folder_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable turn_over_;
    Activity activity_ = Activity::none;
    std::optional<Record> record_;
    WorkloadConfig config_;
};

}  // namespace acp::local
