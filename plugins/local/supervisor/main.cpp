// acp-local-supervisor: the program beside every process of the provider `local`.
// Started by the plugin, never by hand:
//   acp-local-supervisor run <replica folder>   descriptor 3: told when the first start is decided
//   acp-local-supervisor exec <parent pid>      3: the launch as JSON, 4: told why it failed
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

#include "child.h"
#include "supervisor.h"

namespace {

constexpr int kInbound = 3;  // exec: launch
constexpr int kReady = 3;    // run
constexpr int kReport = 4;   // exec

std::string read_to_end(int fd) {
    std::string content;
    char buffer[16384];
    ssize_t got;
    while (content.size() < acp::local::kRunFileMax && (got = ::read(fd, buffer, sizeof buffer)) > 0)
        content.append(buffer, static_cast<std::size_t>(got));
    return content;
}

int run(const char* folder) {
    try {
        return acp::local::Supervisor(folder, acp::local::Fd(kReady)).run();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "acp-local-supervisor: %s\n", e.what());
        return 1;
    }
}

int exec(const char* parent_text) {
    std::string wrong;
    try {
        const auto parent = static_cast<::pid_t>(std::stoi(parent_text));
        const auto launch = acp::local::launch_from(read_to_end(kInbound));
        wrong = become(launch, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, parent);
    } catch (const std::exception& e) {
        wrong = e.what();
    }
    acp::local::write_all(kReport, wrong);
    return 127;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    if (mode == "run" && argc == 3) return run(argv[2]);
    if (mode == "exec" && argc == 3) return exec(argv[2]);
    std::fprintf(stderr, "acp-local-supervisor is started by the provider \"local\" of alphaswarm-cp\n");
    return 2;
}
