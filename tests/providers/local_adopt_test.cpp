// A restart of the control plane: what the next instance finds of the one before.
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "providers/local_fixture.h"

namespace fs = std::filesystem;
using namespace acp::test;

TEST_CASE("local: the next instance takes over running processes, logs and exit codes") {
    LocalFixture f;
    REQUIRE(
        f.provider()
            .start(shell("web", "echo before; while [ ! -e go ]; do sleep 0.02; done; echo after; exec sleep 1000", 1))
            .ok());
    auto s = shell("job", "while [ ! -e go ]; do sleep 0.02; done; exit 5");
    s.metadata_json = R"({"restart":"never"})";
    REQUIRE(f.provider().start(rehash(s)).ok());
    const int pid = f.pid("web");
    REQUIRE(f.log_gets("web", "before"));

    f.recreate();
    CHECK(f.pid("web") == pid);
    CHECK(f.provider().status("web").status().phase == ACP_PHASE_RUNNING);
    CHECK(f.log("web") == "before\n");
    CHECK(f.provider().list().statuses.size() == 2);

    std::ofstream(f.folder("web") / "work/go");
    CHECK(f.log_gets("web", "after"));
    // It ends while there is no instance.
    f.end();
    std::ofstream(f.folder("job") / "work/go");
    REQUIRE(wait_until([] { return zombies() == 1; }));
    f.recreate();
    CHECK(wait_until([] { return zombies() == 0; }));
    CHECK(f.provider().status("job").status().phase == ACP_PHASE_FAILED);
    CHECK(f.replica("job", 0)->getValue<int>("exit_code") == 5);
    CHECK(f.provider().start(shell("web", "exec sleep 1000")).status().phase == ACP_PHASE_RUNNING);
    CHECK_FALSE(alive(pid));
    CHECK(f.provider().stop("web").ok());
    f.recreate();
    CHECK(f.provider().status("web").status().phase == ACP_PHASE_STOPPED);
}

// Run by the next test in a process of its own, which it kills.
TEST_CASE("local: an instance that is about to be killed", "[.to-be-killed]") {
    const char* state_dir = std::getenv("ACP_TEST_STATE_DIR");
    REQUIRE(state_dir);
    ProviderClient provider(host(), plugin(), "local", "{}", state_dir);
    REQUIRE(provider.start(shell("web", "echo alive; exec sleep 1000")).ok());
    for (;;) ::pause();
}

TEST_CASE("local: a workload outlives a killed control plane") {
    LocalFixture f;
    std::string self = "/proc/self/exe", filter = "[.to-be-killed]",
                variable = "ACP_TEST_STATE_DIR=" + f.state_dir().string();
    char* argv[] = {self.data(), filter.data(), nullptr};
    char* env[] = {variable.data(), nullptr};
    ::pid_t child = 0;
    REQUIRE(::posix_spawn(&child, argv[0], nullptr, nullptr, argv, env) == 0);
    const bool started = wait_until([&] {
        f.recreate();
        return f.provider().status("web").ok() && f.provider().status("web").status().phase == ACP_PHASE_RUNNING &&
               f.log("web") == "alive\n";
    });
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(started);

    f.recreate();
    const int pid = f.pid("web");
    CHECK(alive(pid));
    CHECK(f.log("web") == "alive\n");
    REQUIRE(f.provider().start(shell("web", "echo alive; exec sleep 1000")).ok());
    CHECK(f.pid("web") == pid);
    REQUIRE(f.provider().stop("web").ok());
    CHECK_FALSE(alive(pid));
}

TEST_CASE("local: the same spec after a takeover changes nothing") {
    LocalFixture f;
    REQUIRE(f.provider().start(spec("web", {"sleep", "1000"})).ok());
    const int pid = f.pid("web");
    f.recreate();
    REQUIRE(f.provider().start(spec("web", {"sleep", "1000"})).ok());
    CHECK(f.pid("web") == pid);
}

TEST_CASE("local: damaged files degrade one workload, not the instance") {
    LocalFixture f;
    REQUIRE(f.provider().start(spec("good", {"sleep", "1000"})).ok());
    REQUIRE(f.provider().start(spec("bad", {"sleep", "1000"})).ok());
    const int pid = f.pid("bad");
    std::ofstream(f.folder("bad") / "spec.json") << "{\"spec\":";
    fs::create_directories(f.state_dir() / "workloads/.removed-old-1/replicas");
    f.recreate();
    CHECK_FALSE(fs::exists(f.state_dir() / "workloads/.removed-old-1"));
    CHECK(f.provider().list().statuses.size() == 1);
    CHECK(f.provider().health().state == ACP_HEALTH_DEGRADED);
    CHECK_THAT(f.provider().health().message, Catch::Contains("bad"));
    const auto logged = host().logs();
    CHECK(std::any_of(logged.begin(), logged.end(),
                      [](const LogLine& line) { return line.message.find("workload bad") != std::string::npos; }));
    // A start writes them anew and replaces the process that still runs.
    REQUIRE(f.provider().start(spec("bad", {"sleep", "1000"})).ok());
    CHECK_FALSE(alive(pid));
    CHECK(alive(f.pid("bad")));
}
