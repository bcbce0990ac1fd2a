#include "support/databases.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/unique_fd.h"

extern char** environ;

namespace acp::test {

namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = std::chrono::seconds(30);

pid_t spawn(const std::vector<std::string>& words, const std::string& log) {
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = 0;
    const int failed = ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error(words[0] + " cannot be started: " + std::strerror(failed));
    return pid;
}

std::string text_of(const fs::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

bool takes_connections(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// As the user that a database accepts, and ended with the test's process.
std::vector<std::string> guarded(std::vector<std::string> words, bool as_postgres) {
    std::vector<std::string> out{"setpriv", "--pdeathsig", "KILL"};
    if (as_postgres && ::geteuid() == 0) out.insert(out.end(), {"--reuid", "postgres", "--regid", "postgres", "--clear-groups"});
    out.insert(out.end(), words.begin(), words.end());
    return out;
}

/// Debian keeps the programs of each version in a folder that is not in PATH.
std::string postgresql_program(const std::string& name) {
    std::string newest;
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql"))
        if (fs::exists(version.path() / "bin" / name)) newest = std::max(newest, version.path().string());
    if (newest.empty()) throw std::runtime_error("PostgreSQL's program " + name + " is not installed");
    return newest + "/bin/" + name;
}

}  // namespace

Daemon::Daemon() {
    std::string pattern = (fs::temp_directory_path() / "acp-db-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
    folder_ = pattern;
}

Daemon::~Daemon() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void Daemon::start() {
    const std::string log = (folder_ / "log").string();
    pid_ = spawn(command(), log);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!is_up()) {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_ || std::chrono::steady_clock::now() > end) {
            pid_ = 0;
            throw std::runtime_error("a database did not start: " + text_of(log));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void Daemon::stop() {
    if (pid_ == 0) return;
    resume();
    // For PostgreSQL the fast shutdown, for Redis the same as TERM.
    ::kill(pid_, SIGINT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void Daemon::pause() {
    for (pid_t pid : processes()) ::kill(pid, SIGSTOP);
}

void Daemon::resume() {
    for (pid_t pid : processes()) ::kill(pid, SIGCONT);
}

std::vector<std::string> RedisServer::command() const {
    std::vector<std::string> words{"redis-server", "--port", "0",     "--unixsocket",  socket(), "--save", "",
                                   "--appendonly", "no",     "--dir", folder_.string()};
    words.insert(words.end(), more_.begin(), more_.end());
    return guarded(words, false);
}

bool RedisServer::is_up() const {
    return takes_connections(socket());
}

PostgresqlServer::PostgresqlServer(std::vector<std::string> more) : more_(std::move(more)) {
    if (::geteuid() == 0) {
        const passwd* user = ::getpwnam("postgres");
        if (!user || ::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("there is no user postgres");
    }
    const std::string log = (folder_ / "log").string();
    const pid_t made = spawn(guarded({postgresql_program("initdb"), "--no-sync", "--auth", "trust", "--username", "postgres", "--encoding", "UTF8",
                                      "--no-locale", "--pgdata", (folder_ / "data").string()},
                                     true),
                             log);
    int status = 0;
    if (::waitpid(made, &status, 0) != made || status != 0) throw std::runtime_error("initdb failed: " + text_of(log));
}

std::vector<std::string> PostgresqlServer::command() const {
    std::vector<std::string> words{postgresql_program("postgres"),
                                   "-D",
                                   (folder_ / "data").string(),
                                   "-c",
                                   "unix_socket_directories=" + folder_.string(),
                                   "-c",
                                   "fsync=off",
                                   "-c",
                                   "max_connections=40"};
    if (more_.empty()) words.insert(words.end(), {"-c", "listen_addresses="});
    words.insert(words.end(), more_.begin(), more_.end());
    return guarded(words, true);
}

/// The last line of the file that the server keeps about itself. A socket is there
/// before it serves anybody.
bool PostgresqlServer::is_up() const {
    return text_of(folder_ / "data/postmaster.pid").find("\nready") != std::string::npos;
}

/// The server itself and a process for each connection.
std::vector<pid_t> PostgresqlServer::processes() const {
    std::vector<pid_t> out{pid_};
    std::ifstream children("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
    for (pid_t child = 0; children >> child;) out.push_back(child);
    return out;
}

int free_port() {
    for (int port = 21000; port < 32000; ++port) {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return port;
    }
    throw std::runtime_error("no port is free");
}

}  // namespace acp::test
