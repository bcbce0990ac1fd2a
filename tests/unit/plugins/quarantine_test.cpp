#include "plugins/quarantine.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "unit/plugins/house.h"

using namespace acp::plugins;
using namespace acp::plugins::test;

namespace {

/// Runs `end` in a process of its own while a plugin is watched there.
template <typename End>
int end_while_loading(const Quarantine& quarantine, End end) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // The sanitizers and the test's own handlers are not what is tested.
        for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::signal(number, SIG_DFL);
        const Quarantine::Watch watch(quarantine, "abc", "/plugins/x.so");
        end();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE("a plugin that crashed while it was loaded is kept out until somebody says otherwise") {
    TempDir dir;
    const Quarantine quarantine(dir.path() / "q");
    CHECK_FALSE(quarantine.judge("abc"));
    for (const int number : {SIGSEGV, SIGABRT, SIGFPE}) {
        const int status = end_while_loading(quarantine, [number] { ::raise(number); });
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == number);
        const auto fault = quarantine.judge("abc");
        REQUIRE(fault);
        CHECK(fault->stage == "quarantine");
        CHECK(fault->found.find("signal " + std::to_string(number / 10) + std::to_string(number % 10)) !=
              std::string::npos);
        CHECK_FALSE(quarantine.judge("another"));
        // The remedy names the file.
        const auto file = fault->remedy.substr(fault->remedy.find("remove ") + 7);
        CHECK(fs::remove(file));
        CHECK_FALSE(quarantine.judge("abc"));
    }
}

TEST_CASE("exit() from within a plugin is a crash too") {
    TempDir dir;
    const Quarantine quarantine(dir.path());
    CHECK(WIFEXITED(end_while_loading(quarantine, [] { std::exit(0); })));
    const auto fault = quarantine.judge("abc");
    REQUIRE(fault);
    CHECK(fault->found.find("exit") != std::string::npos);
}

TEST_CASE("a start that ends without a word is not held against the plugin at once") {
    TempDir dir;
    const Quarantine quarantine(dir.path());
    for (int i = 0; i < 2; ++i) {
        end_while_loading(quarantine, [] { ::raise(SIGKILL); });
        CHECK_FALSE(quarantine.judge("abc"));
    }
    SECTION("three in a row are enough") {
        end_while_loading(quarantine, [] { ::raise(SIGKILL); });
        CHECK(quarantine.judge("abc"));
    }
    SECTION("one that is loaded has no past") {
        { const Quarantine::Watch watch(quarantine, "abc", "/plugins/x.so"); }
        end_while_loading(quarantine, [] { ::raise(SIGKILL); });
        CHECK_FALSE(quarantine.judge("abc"));
    }
}

TEST_CASE("signals are as before once a plugin is loaded") {
    TempDir dir;
    struct sigaction before {}, after {};
    ::sigaction(SIGSEGV, nullptr, &before);
    { const Quarantine::Watch watch(Quarantine(dir.path()), "abc", "x"); }
    ::sigaction(SIGSEGV, nullptr, &after);
    CHECK(before.sa_handler == after.sa_handler);
}
