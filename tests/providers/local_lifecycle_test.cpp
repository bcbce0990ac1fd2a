// start, stop, scale, restart, delete, status, list, metrics, health of provider `local`.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <thread>

#include "providers/local_fixture.h"

namespace fs = std::filesystem;
using namespace acp::test;
using acp::sdk::DeploymentSpec;
using namespace std::chrono_literals;

TEST_CASE("local: start runs the command, once for one spec") {
    LocalFixture f;
    const auto first = f.provider().start(spec("web", {"sleep", "1000"}, 2));
    REQUIRE(first.message == "");
    CHECK(first.status().phase == ACP_PHASE_RUNNING);
    CHECK(first.status().replicas_desired == 2);
    CHECK(first.status().replicas_ready == 2);
    CHECK(first.status().last_transition_unix_ms > 0);
    const int pid = f.pid("web", 0);
    CHECK(alive(pid));
    CHECK(alive(f.pid("web", 1)));
    CHECK(::getpgid(pid) == pid);

    SECTION("again, the same spec changes nothing") {
        const auto again = f.provider().start(spec("web", {"sleep", "1000"}, 2));
        REQUIRE(again.ok());
        CHECK(f.pid("web", 0) == pid);
    }
    SECTION("another spec replaces every replica") {
        const auto changed = f.provider().start(spec("web", {"sleep", "1001"}, 2));
        REQUIRE(changed.ok());
        CHECK(changed.status().phase == ACP_PHASE_RUNNING);
        CHECK(f.pid("web", 0) != pid);
        CHECK_FALSE(alive(pid));
    }
    SECTION("restart changes the process") {
        const auto answer = f.provider().restart("web");
        REQUIRE(answer.ok());
        CHECK(answer.status().phase == ACP_PHASE_RUNNING);
        CHECK(f.pid("web", 0) != pid);
        CHECK_FALSE(alive(pid));
    }
    SECTION("scale up and down leaves the rest alone") {
        REQUIRE(f.provider().scale("web", 3).status().replicas_ready == 3);
        const int third = f.pid("web", 2);
        CHECK(alive(third));
        const auto down = f.provider().scale("web", 1);
        REQUIRE(down.ok());
        CHECK(down.status().phase == ACP_PHASE_RUNNING);
        CHECK(down.status().replicas_ready == 1);
        CHECK_FALSE(alive(third));
        CHECK(f.pid("web", 0) == pid);
        CHECK(f.provider().scale("web", 100'000).code == ACP_E_INVALID);
    }
    SECTION("stop keeps the workload, start brings it back") {
        const auto stopped = f.provider().stop("web");
        REQUIRE(stopped.ok());
        CHECK(stopped.status().phase == ACP_PHASE_STOPPED);
        CHECK(stopped.status().replicas_desired == 0);
        CHECK_FALSE(alive(pid));
        CHECK(f.provider().stop("web").ok());
        CHECK(f.provider().restart("web").code == ACP_E_CONFLICT);
        CHECK(f.provider().start(spec("web", {"sleep", "1000"}, 2)).status().replicas_ready == 2);
    }
    SECTION("start by name alone uses the spec that is kept") {
        DeploymentSpec kept;
        kept.service_id = "web";
        REQUIRE(kept.is_kept_one());
        REQUIRE(f.provider().scale("web", 1).ok());
        CHECK(f.provider().start(kept).status().replicas_ready == 1);
        CHECK(f.pid("web", 0) == pid);
        REQUIRE(f.provider().stop("web").ok());
        CHECK(f.provider().start(kept).status().replicas_ready == 2);
        kept.service_id = "other";
        CHECK(f.provider().start(kept).code == ACP_E_NOT_FOUND);
    }
    SECTION("delete forgets it, with its files") {
        REQUIRE(f.provider().remove("web").ok());
        CHECK_FALSE(alive(pid));
        CHECK_FALSE(fs::exists(f.folder("web")));
        CHECK(f.provider().status("web").code == ACP_E_NOT_FOUND);
        CHECK(f.provider().remove("web").code == ACP_E_NOT_FOUND);
        CHECK(f.provider().list().statuses.empty());
    }
}

TEST_CASE("local: what cannot run is refused with the reason and leaves nothing behind") {
    LocalFixture f;
    const auto refused = [&](const DeploymentSpec& s, acp_status code, const std::string& text) {
        const auto answer = f.provider().start(s);
        CHECK(answer.code == code);
        CHECK_THAT(answer.message, Catch::Contains(text));
        CHECK(f.provider().list().statuses.empty());
        CHECK(fs::is_empty(f.state_dir() / "workloads"));
    };
    refused(spec("web", {"/nowhere/at/all"}), ACP_E_INVALID, "/nowhere/at/all: No such file or directory");
    refused(spec("web", {"/etc/passwd"}), ACP_E_INVALID, "/etc/passwd: Permission denied");
    refused(spec("web", {"/etc"}), ACP_E_INVALID, "/etc: Is a directory");
    refused(spec("web", {"no-such-command"}), ACP_E_INVALID, "/usr/local/bin:/usr/bin:/bin");
    refused(spec("web", {"bin/sleep"}), ACP_E_INVALID, "relative path");
    refused(spec("web", {}), ACP_E_INVALID, "command is missing");
    refused(spec("../etc", {"sleep", "1"}), ACP_E_INVALID, "service_id");
    refused(spec("web", {"sleep", std::string("1\0", 2)}), ACP_E_INVALID, "command[1] holds a NUL");

    auto s = spec("web", {"sleep", "1"});
    s.env = {{"A=B", "x"}};
    refused(s, ACP_E_INVALID, "name must match");
    s.env = {{"ACP_REPLICA", "7"}};
    refused(s, ACP_E_INVALID, "set by the provider");
    s.env = {};
    s.env_from_secrets = {{"TOKEN", "vault/x"}};
    refused(s, ACP_E_UNSUPPORTED, "env_from_secrets");
    s.env_from_secrets = {};
    s.metadata_json = R"({"restart":"sometimes"})";
    refused(s, ACP_E_INVALID, "/metadata/restart");
    s.metadata_json = R"({"color":"red"})";
    refused(s, ACP_E_INVALID, "/metadata/color is not known");
    s.metadata_json = R"({"working_dir":"/nowhere"})";
    refused(s, ACP_E_INVALID, "/metadata/working_dir");
    s.metadata_json = R"({"stop_grace_s":-1})";
    refused(s, ACP_E_INVALID, "/metadata/stop_grace_s");
    s.metadata_json = "[";
    refused(s, ACP_E_INVALID, "well-formed JSON");
}

TEST_CASE("local: a command that only execve can refuse fails the start with its reason") {
    LocalFixture f;
    const auto script = f.state_dir() / "broken";
    std::ofstream(script) << "#!/nowhere/interpreter\n";
    fs::permissions(script, fs::perms::owner_all);
    const auto answer = f.provider().start(spec("web", {script.string()}));
    CHECK(answer.code == ACP_E_INVALID);
    CHECK_THAT(answer.message, Catch::Contains("cannot execute " + script.string() + ": No such file or directory"));
    const auto status = f.provider().status("web");
    REQUIRE(status.ok());
    CHECK(status.status().phase == ACP_PHASE_FAILED);
    CHECK_THAT(status.status().conditions_json, Catch::Contains("cannot execute"));

    // Mended, the same start succeeds.
    std::ofstream(script) << "#!/bin/sh\nexec sleep 1000\n";
    CHECK(f.provider().start(spec("web", {script.string()})).status().phase == ACP_PHASE_RUNNING);
}

TEST_CASE("local: image alone is the executable, and args follow") {
    LocalFixture f;
    DeploymentSpec s;
    s.service_id = "echo";
    s.image = "/bin/echo";
    s.args = {"hello", "a b"};
    s.metadata_json = R"({"restart":"never"})";
    REQUIRE(f.provider().start(rehash(s)).ok());
    CHECK(f.log_gets("echo", "hello a b\n"));
    REQUIRE(f.reaches("echo", ACP_PHASE_STOPPED));
    CHECK_THAT(f.provider().status("echo").status().conditions_json, Catch::Contains("Completed"));
    CHECK(f.replica("echo", 0)->getValue<int>("exit_code") == 0);
}

TEST_CASE("local: allow_commands bounds start and exec") {
    LocalFixture f(R"({"allow_commands":["/usr/bin/sleep","/bin/sleep"]})");
    CHECK(f.provider().start(spec("a", {"sleep", "1000"})).ok());
    CHECK_THAT(f.provider().start(spec("b", {"/usr/bin/env"})).message, Catch::Contains("allow_commands"));
    CHECK(f.provider().start(spec("b", {"/usr/bin/sleep/../env"})).code == ACP_E_INVALID);
    FakeStream stream;
    const auto answer = f.provider().exec("a", stream, {{"/usr/bin/env"}, false, false, ""});
    CHECK(answer.code == ACP_E_INVALID);
    CHECK(stream.references() == 0);
}

TEST_CASE("local: a process gets its own environment and no descriptor of the control plane") {
    ::setenv("PLANTED_SECRET", "do-not-leak", 1);
    const int planted = ::dup(STDERR_FILENO);  // without close-on-exec
    LocalFixture f;
    auto s = shell("web", "env; echo; ls -l /proc/self/fd; pwd; echo ready; exec sleep 1000");
    s.env = {{"MINE", "a=b c"}};
    s.ports = {{"http", "tcp", 8080, 18080}};
    REQUIRE(f.provider().start(rehash(s)).ok());
    REQUIRE(f.log_gets("web", "ready"));
    const std::string log = f.log("web");
    ::close(planted);
    CHECK_THAT(log, Catch::Contains("MINE=a=b c\n"));
    CHECK_THAT(log, Catch::Contains("PORT=18080\n"));
    CHECK_THAT(log, Catch::Contains("ACP_SERVICE_ID=web\n"));
    CHECK_THAT(log, Catch::Contains("ACP_REPLICA=0\n"));
    CHECK_THAT(log, Catch::Contains("PATH=/usr/local/bin:/usr/bin:/bin\n"));
    CHECK_THAT(log, Catch::Contains("HOME=" + (f.folder("web") / "work").string() + "\n"));
    CHECK_THAT(log, !Catch::Contains("PLANTED"));
    // Names of the descriptors: three streams, and the folder that ls reads.
    CHECK_THAT(log, Catch::Contains(" 0 -> /dev/null"));
    CHECK_THAT(log, Catch::Contains(" 3 -> /proc/"));
    CHECK_THAT(log, !Catch::Contains(" 4 -> "));
    CHECK_THAT(f.provider().status("web").status().endpoints_json, Catch::Contains(R"("port":18080)"));
}

TEST_CASE("local: a process starts with default signals") {
    ::signal(SIGUSR1, SIG_IGN);
    LocalFixture f;
    REQUIRE(f.provider()
                .start(shell("web", "grep -E '^Sig(Blk|Ign)' /proc/self/status; echo ready; exec sleep 1000"))
                .ok());
    ::signal(SIGUSR1, SIG_DFL);
    REQUIRE(f.log_gets("web", "ready"));
    CHECK(f.log("web") == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nready\n");
}

TEST_CASE("local: deadline and cancellation end the call, not the stop") {
    LocalFixture f;
    auto s = shell("stubborn", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    s.metadata_json = R"({"stop_grace_s":0.8})";
    REQUIRE(f.provider().start(rehash(s)).ok());
    REQUIRE(f.log_gets("stubborn", "ready"));
    const int pid = f.pid("stubborn");
    SECTION("deadline") {
        const auto answer = f.provider().stop("stubborn", FakeCall(200ms));
        CHECK(answer.code == ACP_E_DEADLINE);
        CHECK_THAT(answer.message, Catch::Contains("replica 0 of workload stubborn"));
    }
    SECTION("cancellation") {
        FakeCall call;
        std::thread other([&] { call.cancel(); });
        CHECK(f.provider().stop("stubborn", call).code == ACP_E_CANCELLED);
        other.join();
    }
    CHECK(f.provider().status("stubborn").status().phase == ACP_PHASE_STOPPING);
    CHECK(alive(pid));
    CHECK(f.reaches("stubborn", ACP_PHASE_STOPPED));
    CHECK_FALSE(alive(pid));
    CHECK(f.replica("stubborn", 0)->getValue<int>("signal") == SIGKILL);
}

TEST_CASE("local: a crashing process is restarted with rising pauses") {
    LocalFixture f;
    REQUIRE(f.provider().start(shell("crash", "echo once; exit 3")).ok());
    REQUIRE(wait_until([&] { return f.replica("crash", 0)->getValue<int>("restarts") >= 3; }));
    CHECK(f.reaches("crash", ACP_PHASE_STARTING));
    CHECK(f.replica("crash", 0)->getValue<int>("exit_code") == 3);
    CHECK(wait_until([&] {
        return f.provider().status("crash").status().conditions_json.find("next start in 800 ms") != std::string::npos;
    }));
    // The same spec does not disturb it.
    const int supervisor = f.replica("crash", 0)->getValue<int>("supervisor_pid");
    CHECK(f.provider().start(shell("crash", "echo once; exit 3")).ok());
    CHECK(f.replica("crash", 0)->getValue<int>("supervisor_pid") == supervisor);
}

TEST_CASE("local: restart policies") {
    LocalFixture f;
    auto s = shell("job", "exit 7");
    s.metadata_json = R"({"restart":"never"})";
    REQUIRE(f.provider().start(rehash(s)).ok());
    REQUIRE(f.reaches("job", ACP_PHASE_FAILED));
    CHECK(f.replica("job", 0)->getValue<int>("exit_code") == 7);
    CHECK(f.replica("job", 0)->getValue<int>("restarts") == 0);

    auto g = shell("flaky", "test -e done && exit 0; touch done; kill -9 $$");
    g.metadata_json = R"({"restart":"on-failure"})";
    REQUIRE(f.provider().start(rehash(g)).ok());
    REQUIRE(f.reaches("flaky", ACP_PHASE_STOPPED));
    CHECK(f.replica("flaky", 0)->getValue<int>("restarts") == 1);
    CHECK(f.replica("flaky", 0)->getValue<int>("exit_code") == 0);
}

TEST_CASE("local: what a process leaves behind ends with it") {
    LocalFixture f;
    REQUIRE(f.provider().start(shell("forker", "sleep 1001 & setsid sleep 1002 & echo $! ready; wait")).ok());
    REQUIRE(f.log_gets("forker", "ready"));
    const auto family = [&] {
        return parse(f.provider().metrics("forker").text)
            ->getArray("replicas")
            ->getObject(0)
            ->getValue<int>("processes");
    };
    REQUIRE(wait_until([&] { return family() == 3; }));
    const int supervisor = f.replica("forker", 0)->getValue<int>("supervisor_pid");
    REQUIRE(f.provider().stop("forker").ok());
    CHECK_FALSE(alive(supervisor));
    CHECK(parse(f.provider().metrics("forker").text)->getArray("replicas")->size() == 0);
    const std::string log = f.log("forker");
    CHECK_FALSE(alive(std::stoi(log)));
}

TEST_CASE("local: a killed supervisor is a failure that start mends") {
    LocalFixture f;
    // The child is in a session of its own: only its environment tells whose it is.
    REQUIRE(f.provider().start(shell("web", "setsid sleep 1000 & echo $! ready; wait")).ok());
    REQUIRE(f.log_gets("web", "ready"));
    const int stray = std::stoi(f.log("web"));
    const int pid = f.pid("web");
    ::kill(f.replica("web", 0)->getValue<int>("supervisor_pid"), SIGKILL);
    REQUIRE(f.reaches("web", ACP_PHASE_FAILED));
    CHECK(wait_until([&] { return !alive(pid); }));
    CHECK(alive(stray));
    CHECK_THAT(f.provider().status("web").status().conditions_json, Catch::Contains("SupervisorLost"));

    SECTION("start mends it") {
        const auto answer = f.provider().start(shell("web", "setsid sleep 1000 & echo $! ready; wait"));
        REQUIRE(answer.ok());
        CHECK(answer.status().phase == ACP_PHASE_RUNNING);
        CHECK(f.pid("web") != pid);
    }
    SECTION("stop clears it") {
        CHECK(f.provider().stop("web").status().phase == ACP_PHASE_STOPPED);
    }
    CHECK(wait_until([&] { return !alive(stray); }));
}

TEST_CASE("local: many workloads at once from many threads") {
    LocalFixture f;
    constexpr int kThreads = 8, kEach = 4;
    std::atomic<int> bad{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i) {
                const std::string id = std::to_string(t).append("-").append(std::to_string(i));
                bad += f.provider().start(spec(id, {"sleep", "1000"}, 1)).ok() ? 0 : 1;
                bad += f.provider().scale(id, 2).ok() ? 0 : 1;
                bad += f.provider().list().ok() ? 0 : 1;
                if (i % 2) bad += f.provider().remove(id).ok() ? 0 : 1;
            }
        });
    // Others quarrel over one.
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 3; ++i) {
                bad += f.provider().start(spec("shared", {"sleep", "1000"}, 2)).ok() ? 0 : 1;
                bad += f.provider().restart("shared").ok() ? 0 : 1;
                bad += f.provider().status("shared").ok() ? 0 : 1;
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(bad == 0);
    const auto all = f.provider().list().statuses;
    CHECK(all.size() == kThreads * kEach / 2 + 1);
    CHECK(std::is_sorted(all.begin(), all.end(),
                         [](const auto& a, const auto& b) { return a.service_id < b.service_id; }));
    CHECK(std::all_of(all.begin(), all.end(), [](const auto& s) { return s.phase == ACP_PHASE_RUNNING; }));
}

TEST_CASE("local: list by namespace, resources condition, metrics") {
    LocalFixture f;
    auto a = shell("a", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done; exec sleep 1000");
    a.namespace_ = "team-a";
    a.resources_json = R"({"cpu":"500m"})";
    REQUIRE(f.provider().start(rehash(a)).ok());
    REQUIRE(f.provider().start(spec("b", {"sleep", "1000"})).ok());
    CHECK(f.provider().list().statuses.size() == 2);
    REQUIRE(f.provider().list("team-a").statuses.size() == 1);
    CHECK_THAT(f.provider().list("team-a").status().conditions_json, Catch::Contains("ResourcesNotEnforced"));
    CHECK(f.provider().status("b").status().conditions_json == "[]");
    REQUIRE(f.log_gets("a", "done"));
    const auto metrics = parse(f.provider().metrics("a").text);
    CHECK(metrics->getValue<double>("cpu_seconds") > 0);
    CHECK(metrics->getValue<double>("memory_bytes") > 10'000);
    CHECK(metrics->getArray("replicas")->size() == 1);
}

TEST_CASE("local: capabilities and health tell the truth") {
    LocalFixture f;
    std::set<std::string> supported, all;
    for (const auto& c : f.provider().capabilities()) {
        all.insert(c.operation);
        if (c.supported) supported.insert(c.operation);
        CHECK(c.supported == c.reason.empty());
    }
    CHECK(all.size() == 16);
    CHECK(supported.size() == 13);
    REQUIRE(f.provider().start(spec("web", {"sleep", "1000"})).ok());
    CHECK(f.provider().rotate_secret("web", "db").code == ACP_E_UNSUPPORTED);
    CHECK(f.provider().rotate_secret("nope", "db").code == ACP_E_NOT_FOUND);
    CHECK(f.provider().provision_namespace("t", "{}").code == ACP_E_UNSUPPORTED);
    CHECK(f.provider().deprovision_namespace("t").code == ACP_E_UNSUPPORTED);
    CHECK(f.provider().health().state == ACP_HEALTH_UP);

    LocalFixture broken(R"({"supervisor_path":"/nowhere/supervisor"})");
    CHECK(broken.provider().health().state == ACP_HEALTH_DOWN);
    CHECK_THAT(broken.provider().health().message, Catch::Contains("/nowhere/supervisor"));
    const auto answer = broken.provider().start(spec("web", {"sleep", "1"}));
    CHECK(answer.code == ACP_E_UNAVAILABLE);
    CHECK_THAT(answer.message, Catch::Contains("/nowhere/supervisor"));
}

TEST_CASE("local: an unknown workload is not found by any operation") {
    LocalFixture f;
    FakeStream logs, exec;
    for (const auto& answer :
         {f.provider().stop("x"), f.provider().scale("x", 1), f.provider().restart("x"), f.provider().remove("x"),
          f.provider().status("x"), f.provider().get_config("x"), f.provider().apply_config("x", "{}"),
          f.provider().metrics("x"), f.provider().logs("x", logs),
          f.provider().exec("x", exec, {{"env"}, false, false, ""}), f.provider().status("../../etc")})
        CHECK(answer.code == ACP_E_NOT_FOUND);
    CHECK(logs.references() == 0);
    CHECK(exec.references() == 0);
}

TEST_CASE("local: a wrong configuration is refused by its key") {
    const auto refused = [](const std::string& json, const std::string& text) {
        CHECK_THROWS_WITH(LocalFixture(json), Catch::Contains(text));
    };
    refused(R"({"colour":1})", "/colour is not known");
    refused(R"({"stop_grace_s":"long"})", "/stop_grace_s must be a number");
    refused(R"({"log_max_bytes":1})", "/log_max_bytes must be an integer");
    refused(R"({"log_files":true})", "/log_files");
    refused(R"({"allow_commands":["sh"]})", "absolute");
    refused(R"({"run_as":{"user":"no-such-user-here"}})", "no-such-user-here");
    refused(R"({"supervisor_path":"x"})", "/supervisor_path");
    refused("[]", "JSON object");
}

TEST_CASE("local: run_as gives the process another identity and its own folder") {
    if (::geteuid() != 0) {
        WARN("skipped: run_as needs root");
        return;
    }
    LocalFixture f(R"({"run_as":{"user":"nobody"}})");
    REQUIRE(f.provider()
                .start(shell("web",
                             "id -un; touch mine && echo writable; grep NoNewPrivs /proc/self/status; exec sleep 1000"))
                .ok());
    CHECK(f.log_gets("web", "nobody\nwritable\nNoNewPrivs:\t1\n"));
    FakeStream stream;
    REQUIRE(f.provider().exec("web", stream, {{"id", "-un"}, false, false, ""}).ok());
    REQUIRE(stream.read_to_end());
    CHECK(stream.output().out == "nobody\n");
}

TEST_CASE("local: a long name is quoted in whole characters") {
    LocalFixture f;
    std::string name, quoted = "\"";
    for (int i = 0; i < 100; ++i) name += "\xc3\xa4";
    for (int i = 0; i < 31; ++i) quoted += "\xc3\xa4";
    const auto answer = f.provider().status(name);
    CHECK(answer.code == ACP_E_NOT_FOUND);
    CHECK(answer.message.find(quoted + "\"") != std::string::npos);
}
