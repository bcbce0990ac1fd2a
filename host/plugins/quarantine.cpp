#include "plugins/quarantine.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>

namespace acp::plugins {

namespace fs = std::filesystem;

namespace {

constexpr int kUnexplainedMax = 2;
constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

/// Of the file that is being watched, -1 for none. A signal handler reads it.
std::atomic<int> watched{-1};
std::array<struct sigaction, kCrashes.size()> before{};

/// Async-signal-safe.
void note(const char* text, std::size_t size) noexcept {
    const int fd = watched.load();
    if (fd >= 0) {
        [[maybe_unused]] const auto n = ::write(fd, text, size);
        ::fsync(fd);
    }
}

/// Leaves its word and hands on to whoever had the signal before: a fault occurs
/// again on return, a signal that was sent has to be sent again.
void on_crash(int number, siginfo_t* info, void*) {
    char text[] = "crashed by signal 00\n";
    text[18] = static_cast<char>('0' + number / 10);
    text[19] = static_cast<char>('0' + number % 10);
    note(text, sizeof text - 1);
    for (std::size_t i = 0; i < kCrashes.size(); ++i)
        if (kCrashes[i] == number) ::sigaction(number, &before[i], nullptr);
    if (info->si_code <= 0) ::raise(number);
}

void on_exit() {
    constexpr std::string_view text = "called exit\n";
    note(text.data(), text.size());
}

/// The notes of a file, and how many attempts ended without one.
struct Past {
    std::string path, end;
    int unexplained = 0;
};

std::optional<Past> read_past(const fs::path& file) {
    std::ifstream in(file);
    if (!in) return std::nullopt;
    Past past;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("path "))
            past.path = line.substr(5);
        else if (line == "loading")
            ++past.unexplained;
        else if (past.end.empty())
            past.end = line;  // the first: what one signal's handler does may raise another
    }
    return past;
}

}  // namespace

std::optional<Fault> Quarantine::judge(const std::string& sha256) const {
    const fs::path file = file_of(sha256);
    const auto past = read_past(file);
    if (!past || (past->end.empty() && past->unexplained <= kUnexplainedMax)) return std::nullopt;
    Fault fault;
    fault.stage = "quarantine";
    fault.message = "the plugin took the server down while it was loaded, and is not loaded again";
    fault.expected = "a plugin that loads";
    fault.found = !past->end.empty() ? "it " + past->end
                                     : std::to_string(past->unexplained) + " starts that ended without a word";
    fault.remedy = "install another release of it; to try this one again, remove " + file.string();
    return fault;
}

Quarantine::Watch::Watch(const Quarantine& quarantine, const std::string& sha256, const std::string& path)
    : file_(quarantine.file_of(sha256)) {
    std::error_code ignored;
    fs::create_directories(file_.parent_path(), ignored);
    fs::permissions(file_.parent_path(), fs::perms::owner_all, ignored);
    fd_.reset(::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd_) return;  // a state folder that cannot be written is told of elsewhere
    const std::string begun = "path " + path + "\nloading\n";
    [[maybe_unused]] const auto n = ::write(fd_.get(), begun.data(), begun.size());
    ::fsync(fd_.get());
    [[maybe_unused]] static const int registered = std::atexit(on_exit);
    watched = fd_.get();
    struct sigaction action {};
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_ONSTACK | SA_SIGINFO;
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kCrashes.size(); ++i) ::sigaction(kCrashes[i], &action, &before[i]);
}

Quarantine::Watch::~Watch() {
    if (!fd_) return;
    for (std::size_t i = 0; i < kCrashes.size(); ++i) ::sigaction(kCrashes[i], &before[i], nullptr);
    watched = -1;
    ::unlink(file_.c_str());
}

}  // namespace acp::plugins
