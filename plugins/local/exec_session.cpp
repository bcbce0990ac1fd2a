#include "exec_session.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <system_error>

#include "deadline.h"
#include "json.h"
#include "process.h"
#include "process_table.h"
#include "reaper.h"

namespace acp::local {

namespace {

constexpr std::int64_t kStartMs = 10'000;
constexpr int kTickMs = 250;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void set_nonblocking(const Fd& fd) {
    if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) fail("cannot set up a pipe");
}

// In memory only: the environment may hold secrets.
Fd memory_file(const std::string& content) {
    Fd fd(::memfd_create("acp-launch", MFD_CLOEXEC));
    if (!fd || !write_all(fd.get(), content) || ::lseek(fd.get(), 0, SEEK_SET) != 0) fail("cannot pass the command on");
    return fd;
}

std::pair<Fd, Fd> open_terminal() {
    Fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[128];
    if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name, sizeof name) != 0)
        fail("cannot open a terminal");
    Fd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave) fail("cannot open a terminal");
    return {std::move(master), std::move(slave)};
}

std::string status_document(int exit_code) {
    if (exit_code == 0) return R"({"status":"Success"})";
    return R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":")" +
           std::to_string(exit_code) + R"("}]}})";
}

class Exec {
public:
    Exec(const sdk::Call& call, Launch launch, const sdk::ExecRequest& request, const std::string& supervisor_path);
    ~Exec();
    Exec(const Exec&) = delete;
    Exec& operator=(const Exec&) = delete;
    void run(Session& session);

private:
    void spawn(const sdk::Call& call, const Launch& launch, bool want_stdin, const std::string& supervisor_path);
    void take_input(Session& session);
    void resize(const std::string& json);
    void feed(Session& session);
    void pump_output(Session& session);
    bool forward(Session& session, Fd& from, std::uint8_t channel);
    void control(Session& session);
    void kill_all();
    int reap_command();

    const bool terminal_;
    const std::int64_t deadline_ms_;  // CLOCK_MONOTONIC, 0: none
    std::string mark_;                // environment entry that the command and what it starts carry
    Spawned child_;
    bool reaped_ = false;
    Fd in_, out_, err_;  // with a terminal `out_` is its master and `in_` a copy
    Fd ended_;           // tells the output thread that the command is gone
    std::deque<std::string> input_;
    std::size_t input_used_ = 0;  // of the front
    bool input_closing_ = false;
};

Exec::Exec(const sdk::Call& call, Launch launch, const sdk::ExecRequest& request, const std::string& supervisor_path)
    : terminal_(request.tty), deadline_ms_(call.deadline_mono_ns() / 1'000'000) {
    static std::atomic<std::uint64_t> count{0};
    mark_ =
        "ACP_EXEC_ID=" + std::to_string(::getpid()) + "-" + std::to_string(unix_ms()) + "-" + std::to_string(++count);
    launch.env.push_back(mark_);
    launch.terminal = terminal_;
    const auto names_terminal = [](const std::string& entry) { return entry.starts_with("TERM="); };
    if (terminal_ && std::none_of(launch.env.begin(), launch.env.end(), names_terminal))
        launch.env.emplace_back("TERM=xterm");
    ended_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!ended_) fail("cannot make an event descriptor");
    spawn(call, launch, request.want_stdin, supervisor_path);
}

void Exec::spawn(const sdk::Call& call, const Launch& launch, bool want_stdin, const std::string& supervisor_path) {
    const Fd description = memory_file(to_json(launch));
    auto [report_read, report_write] = make_pipe();
    Fd child_in, child_out, child_err;
    if (terminal_) {
        std::tie(out_, child_out) = open_terminal();
        in_.reset(::fcntl(out_.get(), F_DUPFD_CLOEXEC, 3));
        if (!in_) fail("cannot open a terminal");
    } else {
        if (want_stdin) std::tie(child_in, in_) = make_pipe();
        std::tie(out_, child_out) = make_pipe();
        std::tie(err_, child_err) = make_pipe();
        set_nonblocking(err_);
    }
    set_nonblocking(out_);
    if (in_) set_nonblocking(in_);
    child_ = spawn_program({supervisor_path, "exec", std::to_string(::getpid())},
                           {terminal_ ? child_out.get() : child_in.get(), child_out.get(),
                            terminal_ ? child_out.get() : child_err.get(), description.get(), report_write.get()});
    report_write.reset();
    try {
        // Closed by a successful exec.
        Deadline(call, kStartMs).wait_readable(report_read.get(), "the command to start");
        char text[4096];
        const ssize_t got = ::read(report_read.get(), text, sizeof text);
        if (got > 0) throw sdk::Failure(ACP_E_INVALID, std::string(text, static_cast<std::size_t>(got)));
    } catch (...) {
        kill_all();
        throw;
    }
}

Exec::~Exec() {
    if (!reaped_) kill_all();
}

void Exec::kill_all() {
    // The group first, through its unreaped leader; then what left the group.
    ::kill(-child_.pid, SIGKILL);
    signal_process(child_.handle, SIGKILL);
    kill_marked({mark_});
    reap_command();
}

int Exec::reap_command() {
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(child_.handle.get()), &info, WEXITED) != 0 && errno == EINTR) {
    }
    reaped_ = true;
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void Exec::run(Session& session) {
    struct Output {
        Exec* exec;
        Session* session;
    } output{this, &session};
    // Its own thread: a listener that does not read must not keep the deadline
    // and the close of the stream from being seen.
    std::thread thread = quiet_thread(
        [](void* raw) {
            auto* o = static_cast<Output*>(raw);
            o->exec->pump_output(*o->session);
        },
        &output);
    control(session);
    int exit_code = -1;
    if (!reaped_) {
        ::kill(-child_.pid, SIGKILL);  // what it left in its group ends with it
        exit_code = reap_command();
    }
    ::eventfd_write(ended_.get(), 1);
    thread.join();
    if (exit_code >= 0) session.write(ACP_CHANNEL_STATUS, status_document(exit_code));
}

// Until the command has ended (not reaped) or was killed (reaped).
void Exec::control(Session& session) {
    for (;;) {
        const bool feeding = in_ && !input_.empty();
        pollfd fds[] = {{child_.handle.get(), POLLIN, 0},
                        {session.inbox().event(), POLLIN, 0},
                        {feeding ? in_.get() : -1, POLLOUT, 0}};
        ::poll(fds, 3, kTickMs);
        if (fds[0].revents != 0) return;
        if (deadline_ms_ != 0 && monotonic_ms() >= deadline_ms_)
            session.fail(ACP_E_DEADLINE, "the deadline passed; the command was killed");
        if (session.inbox().overflowed())
            session.fail(ACP_E_EXHAUSTED, "more input was sent than the window allows; the command was killed");
        if (session.over()) return kill_all();
        if (fds[1].revents != 0) take_input(session);
        feed(session);
    }
}

void Exec::take_input(Session& session) {
    for (auto& [channel, bytes] : session.inbox().take()) {
        if (channel == ACP_CHANNEL_STDIN && in_ && !input_closing_ && !bytes.empty()) {
            input_.push_back(std::move(bytes));
        } else if (channel == ACP_CHANNEL_CLOSE) {
            if (bytes.size() == 1 && bytes[0] == ACP_CHANNEL_STDIN) input_closing_ = true;
        } else {
            if (channel == ACP_CHANNEL_RESIZE) resize(bytes);
            session.consumed(bytes.size());
        }
    }
}

void Exec::resize(const std::string& json) {
    if (!terminal_ || json.size() > 256) return;
    try {
        const auto object = parse_object(json);
        const Reader r(*object, "");
        winsize size{};
        size.ws_col = static_cast<unsigned short>(r.integer("Width", 1, 65535));
        size.ws_row = static_cast<unsigned short>(r.integer("Height", 1, 65535));
        ::ioctl(out_.get(), TIOCSWINSZ, &size);
    } catch (const JsonError&) {
        // A size that makes no sense leaves the terminal as it is.
    }
}

void Exec::feed(Session& session) {
    while (in_ && !input_.empty()) {
        const std::string& front = input_.front();
        const ssize_t put = ::write(in_.get(), front.data() + input_used_, front.size() - input_used_);
        if (put < 0) {
            if (errno == EAGAIN) return;
            if (errno == EINTR) continue;
            // The command reads no more: the rest is dropped, as a shell's pipe would.
            for (const auto& rest : input_) session.consumed(rest.size() - std::exchange(input_used_, 0));
            input_.clear();
            in_.reset();
            return;
        }
        session.consumed(static_cast<std::size_t>(put));
        input_used_ += static_cast<std::size_t>(put);
        if (input_used_ < front.size()) continue;
        input_.pop_front();
        input_used_ = 0;
    }
    if (in_ && std::exchange(input_closing_, false)) {
        // A terminal has no half-close; its end of input is a character.
        if (terminal_) (void)!::write(in_.get(), "\x04", 1);
        in_.reset();
    }
}

void Exec::pump_output(Session& session) {
    bool draining = false;
    while (out_ || err_) {
        pollfd fds[] = {{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}, {draining ? -1 : ended_.get(), POLLIN, 0}};
        // Once the command is gone its pipes are read to what they hold now: a
        // process that left its group may keep them open for ever.
        if (::poll(fds, 3, draining ? 0 : -1) == 0) return;
        draining = draining || fds[2].revents != 0;
        if (fds[0].revents != 0 && !forward(session, out_, ACP_CHANNEL_STDOUT)) out_.reset();
        if (fds[1].revents != 0 && !forward(session, err_, ACP_CHANNEL_STDERR)) err_.reset();
    }
}

// False at the end of `from`, or when nobody listens.
bool Exec::forward(Session& session, Fd& from, std::uint8_t channel) {
    char buffer[16384];
    const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    return got > 0 && session.write(channel, {buffer, static_cast<std::size_t>(got)});
}

}  // namespace

Sessions::Body start_exec(const sdk::Call& call, Launch launch, const sdk::ExecRequest& request,
                          const std::string& supervisor_path) {
    const auto exec = std::make_shared<Exec>(call, std::move(launch), request, supervisor_path);
    return [exec](Session& session) { exec->run(session); };
}

}  // namespace acp::local
