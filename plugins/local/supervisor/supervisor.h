// local supervisor: one process that keeps one replica running.
//
// It outlives the control plane, so a restart of that loses neither the
// process nor its log nor its exit code. One thread, one poll loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "files.h"
#include "log_writer.h"
#include "run_file.h"

namespace acp::local {

class Supervisor {
public:
    /// `folder`: the replica's. `ready` is told once the first start is decided.
    /// Takes the folder's lock and reads run.json; throws when it cannot.
    Supervisor(std::string folder, Fd ready);
    /// Until the process has ended for good or was stopped; the exit status.
    int run();

private:
    void take_lock();
    void record(Phase phase, std::string message = {});
    void tell_ready();

    void launch();
    std::string spawn();
    void begin_stop();
    void on_signals();
    void reap();
    void on_exit(int wait_status);
    void after_exit();
    void end_leftovers();
    void drain_output();
    void pump(Fd& pipe, LineSplitter& lines);
    void on_timers();
    int poll_timeout_ms() const;

    std::string folder_;
    Fd ready_, lock_, signals_;
    RunFile file_;
    State state_;
    std::optional<LogWriter> log_;
    std::optional<LineSplitter> out_lines_, err_lines_;
    Fd out_, err_;
    bool stopping_ = false, done_ = false, started_once_ = false;
    int failures_in_row_ = 0;
    std::int64_t started_ns_ = 0;  // CLOCK_MONOTONIC, as are the two below; 0: not set
    std::int64_t restart_at_ns_ = 0, kill_at_ns_ = 0;
};

}  // namespace acp::local
