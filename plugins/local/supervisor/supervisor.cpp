#include "supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "child.h"
#include "process_table.h"

namespace acp::local {

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kBackoffFirstMs = 100;
constexpr std::int64_t kBackoffMaxMs = 30'000;
constexpr std::int64_t kHealthyMs = 10'000;   // running that long forgets earlier failures
constexpr std::int64_t kLeftoversMs = 2'000;  // patience with killed processes that do not go

std::int64_t now_ns(clockid_t clock = CLOCK_MONOTONIC) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

Fd open_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGCHLD);
    ::sigaddset(&wanted, SIGTERM);
    Fd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd) fail("cannot watch signals");
    return fd;
}

void set_nonblocking(const Fd& fd) {
    ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
}

}  // namespace

Supervisor::Supervisor(std::string folder, Fd ready) : folder_(std::move(folder)), ready_(std::move(ready)) {
    ::umask(077);
    signals_ = open_signals();
    // Daemons of the process become our children when their parents end.
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("cannot adopt orphans");
    take_lock();
    const auto run_file = read_file(folder_ + "/" + kRunFile, kRunFileMax);
    if (!run_file) throw std::runtime_error("there is no " + folder_ + "/" + kRunFile);
    file_ = run_file_from(*run_file);
    state_.revision = file_.revision;
    state_.supervisor_pid = ::getpid();
    log_.emplace(folder_, file_.log_max_bytes, file_.log_files);
    out_lines_.emplace(*log_, "stdout");
    err_lines_.emplace(*log_, "stderr");
}

// A POSIX record lock: it goes with this process, is not inherited by its
// children, and F_GETLK tells the plugin who holds it.
void Supervisor::take_lock() {
    lock_.reset(::open((folder_ + "/" + kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (!lock_ || ::fcntl(lock_.get(), F_SETLK, &whole) != 0)
        fail("another supervisor holds " + folder_ + "/" + kLockFile);
}

void Supervisor::record(Phase phase, std::string message) {
    state_.phase = phase;
    state_.message = std::move(message);
    state_.since_unix_ms = now_ns(CLOCK_REALTIME) / kMs;
    state_.log_lost = log_->lost();
    try {
        write_file(folder_ + "/" + kStateFile, to_json(state_), 0600, Durable::no);
    } catch (const std::exception& e) {
        // A full disk must not end the process that is supervised.
        ::dprintf(STDERR_FILENO, "%s\n", e.what());
    }
}

void Supervisor::tell_ready() {
    if (ready_) (void)!::write(ready_.get(), "\n", 1);
    ready_.reset();
}

int Supervisor::run() {
    record(Phase::starting);
    launch();
    while (!done_) {
        pollfd fds[] = {{signals_.get(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}};
        if (::poll(fds, 3, poll_timeout_ms()) < 0 && errno != EINTR) fail("cannot wait for events");
        if (fds[1].revents != 0) pump(out_, *out_lines_);
        if (fds[2].revents != 0) pump(err_, *err_lines_);
        log_->flush();
        if (fds[0].revents != 0) on_signals();
        on_timers();
    }
    return 0;
}

void Supervisor::launch() {
    restart_at_ns_ = 0;
    std::string wrong;
    try {
        wrong = spawn();
    } catch (const std::system_error& e) {
        wrong = e.what();
    }
    if (wrong.empty()) {
        started_ns_ = now_ns();
        state_.start_unix_ms = now_ns(CLOCK_REALTIME) / kMs;
        started_once_ = true;
        record(Phase::running);
    } else if (!started_once_) {
        // Trying again would not mend a command that could never be started.
        record(Phase::failed, wrong);
        done_ = true;
    } else {
        started_ns_ = now_ns();
        state_.exit_code.reset();
        state_.signal.reset();
        state_.message = wrong;
        after_exit();
    }
    tell_ready();
}

// The pipe `report` is closed by a successful exec; a failed one writes why.
std::string Supervisor::spawn() {
    auto [out_read, out_write] = make_pipe();
    auto [err_read, err_write] = make_pipe();
    auto [report_read, report_write] = make_pipe();
    Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing) return "cannot open /dev/null: " + std::string(::strerror(errno));
    const ::pid_t self = ::getpid();
    const ::pid_t pid = ::fork();
    if (pid < 0) return "cannot fork: " + std::string(::strerror(errno));
    if (pid == 0) {
        const auto wrong = become(file_.launch, nothing.get(), out_write.get(), err_write.get(), self);
        write_all(report_write.get(), wrong);
        ::_exit(127);
    }
    report_write.reset();
    std::string wrong;
    char buffer[4096];
    for (;;) {
        const ssize_t got = ::read(report_read.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        wrong.append(buffer, static_cast<std::size_t>(got));
    }
    if (!wrong.empty()) {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        return wrong;
    }
    state_.pid = pid;
    out_ = std::move(out_read);
    err_ = std::move(err_read);
    set_nonblocking(out_);
    set_nonblocking(err_);
    return {};
}

void Supervisor::on_signals() {
    signalfd_siginfo info{};
    bool terminate = false;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) terminate |= info.ssi_signo == SIGTERM;
    if (terminate && !stopping_) begin_stop();
    reap();
}

void Supervisor::begin_stop() {
    stopping_ = true;
    restart_at_ns_ = 0;
    if (state_.pid == 0) {
        record(Phase::stopped, state_.message);
        done_ = true;
        return;
    }
    record(Phase::stopping);
    ::kill(-state_.pid, SIGTERM);
    ::kill(-state_.pid, SIGCONT);  // a stopped process would not see it
    kill_at_ns_ = now_ns() + file_.stop_grace_ms * kMs;
}

void Supervisor::reap() {
    for (;;) {
        siginfo_t info{};
        // Looks first: while the leader is unreaped its group id cannot be reused.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        const bool main = info.si_pid == state_.pid;
        if (main) ::kill(-state_.pid, SIGKILL);
        int status = 0;
        if (::waitpid(info.si_pid, &status, 0) == info.si_pid && main) on_exit(status);
    }
}

void Supervisor::on_exit(int wait_status) {
    end_leftovers();
    drain_output();
    state_.pid = 0;
    state_.exit_code.reset();
    state_.signal.reset();
    if (WIFEXITED(wait_status)) {
        state_.exit_code = WEXITSTATUS(wait_status);
        state_.message = "exited with code " + std::to_string(*state_.exit_code);
    } else {
        state_.signal = WTERMSIG(wait_status);
        state_.message = "ended by signal " + std::to_string(*state_.signal) + " (" + ::strsignal(*state_.signal) + ")";
    }
    after_exit();
}

void Supervisor::after_exit() {
    const bool clean = state_.exit_code == 0;
    if (stopping_) {
        record(Phase::stopped, state_.message);
        done_ = true;
    } else if (file_.restart == RestartPolicy::never || (file_.restart == RestartPolicy::on_failure && clean)) {
        record(clean ? Phase::exited : Phase::failed, state_.message);
        done_ = true;
    } else {
        if (now_ns() - started_ns_ >= kHealthyMs * kMs) failures_in_row_ = 0;
        const auto delay_ms = std::min(kBackoffMaxMs, kBackoffFirstMs << std::min(failures_in_row_, 16));
        ++failures_in_row_;
        restart_at_ns_ = now_ns() + delay_ms * kMs;
        record(Phase::backoff, state_.message + "; next start in " + std::to_string(delay_ms) + " ms");
    }
}

// What the process left behind ends with it: the rest of its group was killed
// in reap, what made itself a session of its own has become our child.
void Supervisor::end_leftovers() {
    const auto give_up = now_ns() + kLeftoversMs * kMs;
    for (;;) {
        const auto left = descendants(process_table(), ::getpid());
        for (const auto& row : left)
            if (!row.zombie) ::kill(row.pid, SIGKILL);
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        if (left.empty() || now_ns() > give_up) return;
        ::poll(nullptr, 0, 2);
    }
}

void Supervisor::drain_output() {
    for (auto [pipe, lines] : {std::pair{&out_, &out_lines_}, std::pair{&err_, &err_lines_}}) {
        pump(*pipe, **lines);
        (*lines)->end();
        pipe->reset();
    }
    log_->flush();
}

void Supervisor::pump(Fd& pipe, LineSplitter& lines) {
    char buffer[65536];
    // Bounded, so that a process which never pauses cannot keep signals waiting.
    for (int round = 0; round < 16 && pipe; ++round) {
        const ssize_t got = ::read(pipe.get(), buffer, sizeof buffer);
        if (got > 0) {
            lines.feed({buffer, static_cast<std::size_t>(got)});
        } else if (got == 0) {
            lines.end();
            pipe.reset();
        } else if (errno != EINTR) {
            return;
        }
    }
}

void Supervisor::on_timers() {
    const auto now = now_ns();
    if (restart_at_ns_ != 0 && now >= restart_at_ns_) {
        ++state_.restarts;
        launch();
    }
    if (kill_at_ns_ != 0 && now >= kill_at_ns_ && state_.pid != 0) {
        kill_at_ns_ = 0;
        ::kill(-state_.pid, SIGKILL);
    }
}

int Supervisor::poll_timeout_ms() const {
    std::int64_t next = 0;
    for (auto at : {restart_at_ns_, kill_at_ns_})
        if (at != 0 && (next == 0 || at < next)) next = at;
    if (next == 0) return -1;
    return static_cast<int>(std::max<std::int64_t>(0, (next - now_ns() + kMs - 1) / kMs));
}

}  // namespace acp::local
