// local: the two files that plugin and supervisor exchange in a replica's folder.
//
//   run.json    written by the plugin before it starts a supervisor, mode 0600
//   state.json  written by the supervisor on every transition, by rename
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acp::local {

inline constexpr const char* kRunFile = "run.json";
inline constexpr const char* kStateFile = "state.json";
inline constexpr const char* kLockFile = "lock";  // record lock held by the supervisor
inline constexpr const char* kLogFile = "log";    // rotated to log.1, log.2, ...
inline constexpr const char* kStderrFile = "supervisor.err";
inline constexpr std::size_t kRunFileMax = 4 * 1024 * 1024;

/// Whom a process runs as; absent means as the control plane.
struct Identity {
    ::uid_t uid = 0;
    ::gid_t gid = 0;
    std::vector<::gid_t> groups;
};

/// One process to start: everything execve needs, and nothing inherited.
struct Launch {
    std::string executable;         // absolute
    std::vector<std::string> argv;  // argv[0] included
    std::vector<std::string> env;   // NAME=value
    std::string working_dir;        // absolute
    std::optional<Identity> identity;
    bool terminal = false;  // standard input becomes the controlling terminal
};

enum class RestartPolicy { always, on_failure, never };

struct RunFile {
    std::uint64_t revision = 0;  // of the workload, see record.h; copied into state.json
    Launch launch;
    RestartPolicy restart = RestartPolicy::always;
    std::int64_t stop_grace_ms = 10'000;
    std::int64_t log_max_bytes = 10 * 1024 * 1024;
    std::int64_t log_files = 3;
};

/// Where a supervised process is. The last three end the supervisor.
enum class Phase { starting, running, backoff, stopping, stopped, exited, failed };

struct State {
    std::uint64_t revision = 0;
    ::pid_t supervisor_pid = 0;
    ::pid_t pid = 0;  // of the process, 0: none now
    Phase phase = Phase::starting;
    std::int64_t since_unix_ms = 0;  // of `phase`
    std::int64_t start_unix_ms = 0;  // last successful start, 0: never
    std::int64_t restarts = 0;
    std::optional<int> exit_code;  // of the last process that ended; one of the two
    std::optional<int> signal;
    std::string message;        // what went wrong, empty when nothing did
    std::int64_t log_lost = 0;  // records that could not be written
};

const char* to_string(RestartPolicy policy) noexcept;
std::optional<RestartPolicy> restart_policy(const std::string& name) noexcept;
const char* to_string(Phase phase) noexcept;
inline bool is_final(Phase phase) noexcept {
    return phase >= Phase::stopped;
}

std::string to_json(const RunFile& file);
std::string to_json(const Launch& launch);
std::string to_json(const State& state);
/// All throw JsonError.
RunFile run_file_from(const std::string& json);
Launch launch_from(const std::string& json);
State state_from(const std::string& json);

}  // namespace acp::local
