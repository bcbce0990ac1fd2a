// local: one replica of a workload, seen through its folder.
//
// A replica has a supervisor exactly while some process holds the record lock
// on `<folder>/lock`. That is the only proof of life used: a recorded pid may
// have been reused, a lock cannot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "deadline.h"
#include "files.h"
#include "reaper.h"
#include "run_file.h"

namespace acp::local {

struct ReplicaView {
    std::uint32_t number = 0;
    bool supervised = false;
    std::optional<State> state;  // of the supervisor now, or of the last one

    bool in(Phase phase) const { return state && state->phase == phase; }
    bool running() const { return supervised && in(Phase::running); }
    /// It should be running, by its own account, but nobody looks after it.
    bool lost() const { return !supervised && !(state && is_final(state->phase)); }
};

class Replica {
public:
    Replica(const std::filesystem::path& workload_folder, std::uint32_t number);

    std::uint32_t number() const noexcept { return number_; }
    const std::filesystem::path& folder() const noexcept { return folder_; }
    std::string name() const { return "replica " + std::to_string(number_); }

    ReplicaView look() const;
    /// Handle of the supervisor that holds the lock; empty without one.
    Fd supervisor() const;

    /// Starts a supervisor; there must be none. Nothing has happened to the
    /// process yet: see Launching.
    class Launching;
    Launching launch(const RunFile& file, const std::string& supervisor_path, Reaper& reaper) const;

    /// Asks the supervisor to stop the process and to end. Empty when there is
    /// none, else its handle, which becomes readable when it has ended.
    Fd request_stop() const;
    /// Ends processes of this replica that no supervisor looks after any more.
    void sweep() const;

private:
    std::filesystem::path workload_folder_, folder_;
    std::uint32_t number_;
};

/// A replica whose first start is not decided yet.
class Replica::Launching {
public:
    Launching(Replica replica, Fd ready) : replica_(std::move(replica)), ready_(std::move(ready)) {}
    /// Waits for the decision. Throws sdk::Failure: ACP_E_INVALID with the
    /// reason when the command cannot be executed, ACP_E_DEADLINE.
    void wait(const Deadline& deadline) const;

private:
    Replica replica_;
    Fd ready_;
};

/// The replicas that have a folder, in order.
std::vector<Replica> replicas_in(const std::filesystem::path& workload_folder);

}  // namespace acp::local
