#include "app/checks_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "alphaswarm-cp/host/http_client.h"
#include "app/checks_wire.h"
#include "base/unique_fd.h"
#include "client/abi.h"

namespace acp::app {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using conformance::Outcome;

constexpr int kWireFd = 3;
constexpr const char* kChildCommand = "run-checks";

// Address space of a child: far more than checks need, far less than a host has.
[[maybe_unused]] constexpr rlim_t kAddressSpace = rlim_t{16} << 30;

// Between fork and exec; only async-signal-safe calls.
[[noreturn]] void become_child(int wire) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // A sanitizer's shadow memory is larger than any bound.
    const rlimit space{kAddressSpace, kAddressSpace};
    ::setrlimit(RLIMIT_AS, &space);
#endif
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, STDIN_FILENO);
    // What the plugin prints must not end up in the report.
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
    if (wire == kWireFd)
        ::fcntl(wire, F_SETFD, 0);
    else
        ::dup2(wire, kWireFd);
    ::syscall(SYS_close_range, kWireFd + 1, ~0U, 0);
    char program[] = "/proc/self/exe", group[] = "plugin", command[] = "run-checks";
    char* const argv[] = {program, group, command, nullptr};
    ::execv(program, argv);
    ::_exit(127);
}

/// Children of this process, by /proc/<pid>/stat.
std::vector<pid_t> children() {
    std::vector<pid_t> found;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream file(entry.path() / "stat");
        std::string line;
        std::getline(file, line);
        // "pid (comm) state ppid": comm may hold anything, the last ")" ends it.
        const auto at = line.rfind(')');
        if (at == std::string::npos || at + 4 > line.size()) continue;
        if (std::atol(line.c_str() + at + 4) == ::getpid()) found.push_back(static_cast<pid_t>(std::stol(name)));
    }
    return found;
}

class Child {
public:
    /// Starts it and sends the request.
    static std::optional<Child> start(const conformance::Options& options) {
        int pair[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return std::nullopt;
        Child child;
        child.wire_ = UniqueFd(pair[0]);
        const UniqueFd theirs(pair[1]);
        child.pid_ = ::fork();
        if (child.pid_ == 0) become_child(pair[1]);
        if (child.pid_ < 0) return std::nullopt;
        child.pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
        const std::string request = request_line(options);
        for (std::size_t sent = 0; sent < request.size();) {
            const ssize_t n = ::send(child.wire_.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
            if (n <= 0) break;  // it died already; wait() tells how
            sent += static_cast<std::size_t>(n);
        }
        return child;
    }

    /// The next line; none when the child ended, or at `end`.
    std::optional<std::string> line(Clock::time_point end) {
        for (;;) {
            if (const auto at = buffer_.find('\n'); at != std::string::npos) {
                std::string line = buffer_.substr(0, at);
                buffer_.erase(0, at + 1);
                return line;
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
            if (left <= 0) return std::nullopt;
            pollfd fds[] = {{wire_.get(), POLLIN, 0}, {pidfd_.get(), POLLIN, 0}};
            ::poll(fds, 2, static_cast<int>(std::min<long>(left, 1000)));
            char bytes[4096];
            const ssize_t n = ::recv(wire_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
            if (n > 0)
                buffer_.append(bytes, static_cast<std::size_t>(n));
            else if (n == 0 || fds[1].revents != 0)
                return std::nullopt;
        }
    }

    /// How it ended, in words; empty when it still runs at `end`.
    std::string wait(Clock::time_point end) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd fd{pidfd_.get(), POLLIN, 0};
        if (::poll(&fd, 1, static_cast<int>(std::max<long>(left, 0))) == 0) return {};
        int status = 0;
        if (::waitpid(pid_, &status, 0) != pid_) return "an end that nobody saw";
        reaped_ = true;
        if (WIFSIGNALED(status)) return std::string("signal ") + ::sigabbrev_np(WTERMSIG(status));
        return "exit code " + std::to_string(WEXITSTATUS(status));
    }

    /// Ends it and whatever it started.
    void kill() {
        if (!reaped_) {
            ::kill(-pid_, SIGKILL);
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            reaped_ = true;
        }
        ::kill(-pid_, SIGKILL);
        // Orphans come to this process, which is their subreaper.
        for (int round = 0; round < 200; ++round) {
            const auto left = children();
            if (left.empty()) return;
            for (const pid_t pid : left) ::kill(pid, SIGKILL);
            for (const pid_t pid : left) ::waitpid(pid, nullptr, 0);
        }
    }

private:
    Child() = default;
    UniqueFd wire_, pidfd_;
    pid_t pid_ = -1;
    bool reaped_ = false;
    std::string buffer_;
};

/// One validation: children until every check has its verdict.
class Run {
public:
    Run(conformance::Options options, Limits limits, const std::function<void(const conformance::Result&)>& on_result)
        : options_(std::move(options)), limits_(limits), on_result_(on_result), end_(Clock::now() + limits.whole) {}

    Result<conformance::Report> run() {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        while (!ended_) {
            if (Clock::now() >= end_) {
                keep(failure("entry.load", "the checks take too long in all", seconds(limits_.whole), "more"));
                break;
            }
            auto child = Child::start(options_);
            if (!child) return fail(Code::internal, "process", std::string("cannot start a child: ") + std::strerror(errno));
            current_.clear();
            follow(*child);
            child->kill();
            if (!error_.empty()) return fail(Code::invalid, "validate", error_);
        }
        return std::move(report_);
    }

private:
    static std::string seconds(std::chrono::seconds s) { return "at most " + std::to_string(s.count()) + " s"; }

    void follow(Child& child) {
        for (;;) {
            const auto end = std::min(Clock::now() + limits_.check, end_);
            const auto line = child.line(end);
            if (!line) return lost(child, end);
            const Event event = parse_event(*line);
            if (event.kind == Event::Kind::start) current_ = event.id;
            if (event.kind == Event::Kind::error) error_ = event.id;
            if (event.kind == Event::Kind::end) ended_ = true;
            if (event.kind == Event::Kind::result) {
                current_.clear();
                keep(event.result);
            }
            if (ended_ || !error_.empty()) return;
        }
    }

    /// No line came: a hang or a crash, and the fault of the check that ran.
    void lost(Child& child, Clock::time_point end) {
        const bool in_time = Clock::now() < end;
        const std::string how = child.wait(in_time ? Clock::now() + std::chrono::seconds(5) : Clock::now());
        if (current_.empty()) {
            error_ = "the process of the checks ended outside of a check: " + (how.empty() ? "it hangs" : how);
            return;
        }
        if (how.empty())
            keep(failure(current_, "the check does not end", seconds(limits_.check), "a hang"));
        else if (how.starts_with("exit"))
            keep(failure(current_, "the plugin ended the process", "the process to go on", how));
        else
            keep(failure(current_, "the plugin crashed", "no crash", how));
    }

    static conformance::Result failure(std::string id, std::string message, std::string expected, std::string found) {
        conformance::Result result;
        result.id = std::move(id);
        result.outcome = Outcome::failed;
        result.message = std::move(message);
        result.expected = std::move(expected);
        result.found = std::move(found);
        return result;
    }

    void keep(conformance::Result result) {
        options_.done.insert(result.id);
        if (result.outcome == Outcome::failed) options_.failed.insert(result.id);
        conformance::apply_quirk(result, options_.quirks);
        if (on_result_) on_result_(result);
        report_.results.push_back(std::move(result));
    }

    conformance::Options options_;
    const Limits limits_;
    const std::function<void(const conformance::Result&)>& on_result_;
    const Clock::time_point end_;
    conformance::Report report_;
    std::string current_, error_;
    bool ended_ = false;
};

void send_line(const std::string& line) {
    for (std::size_t sent = 0; sent < line.size();) {
        const ssize_t n = ::send(kWireFd, line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) ::_exit(3);  // nobody listens any more
        sent += static_cast<std::size_t>(n);
    }
}

/// The client starts its threads with its first request; afterwards they do not
/// look like the plugin's.
void warm_client() {
    acp_http_call request{};
    request.struct_size = sizeof request;
    request.url = ACP_STR_LITERAL("unix:///nonexistent/socket:/");
    request.method = ACP_STR_LITERAL("GET");
    acp_call call{};
    call.struct_size = sizeof call;
    call.cancelled = [](const acp_call*) -> std::int32_t { return 0; };
    acp_http_reply reply{};
    reply.struct_size = sizeof reply;
    reply.on_head = [](void*, std::int32_t, const acp_pair*, std::size_t) -> std::int32_t { return 0; };
    reply.on_body = [](void*, acp_bytes) -> std::int32_t { return 0; };
    sdk::ErrorSlot error;
    client::http_client_table()->perform(&call, &request, &reply, error.get());
}

std::string read_line() {
    std::string line;
    char c = 0;
    while (::read(kWireFd, &c, 1) == 1 && c != '\n') line += c;
    return line;
}

}  // namespace

Result<conformance::Report> run_checks(const conformance::Options& options, Limits limits,
                                       const std::function<void(const conformance::Result&)>& on_result) {
    return Run(options, limits, on_result).run();
}

int checks_child() {
    ::fcntl(kWireFd, F_SETFD, FD_CLOEXEC);
    auto options = parse_request(read_line());
    if (!options) {
        send_line(error_line(options.error().message));
        return 1;
    }
    options->host_tables[ACP_IID_HOST_HTTP_CLIENT] = client::http_client_table();
    warm_client();
    conformance::Observer observer;
    observer.on_start = [](const conformance::CheckInfo& check) { send_line(start_line(check.id)); };
    observer.on_result = [](const conformance::Result& result) { send_line(result_line(result)); };
    try {
        conformance::run(*options, observer);
        send_line(end_line());
    } catch (const std::exception& e) {
        send_line(error_line(e.what()));
    }
    // Destructors of what the plugin left behind are no business of this process.
    ::_exit(0);
}

}  // namespace acp::app
