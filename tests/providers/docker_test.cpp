// start, stop, scale, restart, delete, status, list, metrics and health of provider `docker`.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "providers/docker_fixture.h"

using namespace acp::test;
using namespace acp::test::docker;
using acp::sdk::DeploymentSpec;
using Catch::Contains;

TEST_CASE("docker: start makes containers, once for one spec") {
    Fixture f;
    const DeploymentSpec spec = shell("web", kServe, 2);
    const Answer first = f.provider().start(spec);
    REQUIRE(first.message == "");
    CHECK(first.status().phase == ACP_PHASE_RUNNING);
    CHECK(first.status().replicas_desired == 2);
    CHECK(first.status().replicas_ready == 2);
    CHECK(first.status().image == image());
    CHECK(first.status().last_transition_unix_ms > 1'600'000'000'000);
    CHECK(f.names("web") == std::vector<std::string>{f.alias() + "-web-1", f.alias() + "-web-2"});
    const std::string one = f.container_id("web", 1);
    const std::string two = f.container_id("web", 2);

    SECTION("again, the same spec changes nothing") {
        REQUIRE(f.provider().start(spec).status().phase == ACP_PHASE_RUNNING);
        CHECK(f.container_id("web", 1) == one);
        CHECK(f.container_id("web", 2) == two);
    }
    SECTION("another spec replaces every container, under the same names") {
        const Answer changed = f.provider().start(shell("web", kServe + " # new", 2));
        REQUIRE(changed.message == "");
        CHECK(changed.status().phase == ACP_PHASE_RUNNING);
        CHECK(f.container_id("web", 1) != one);
        CHECK(f.names("web") == std::vector<std::string>{f.alias() + "-web-1", f.alias() + "-web-2"});
    }
    SECTION("a spec that cannot start leaves the old one running, and nothing of itself") {
        DeploymentSpec bad = spec;
        bad.command = {"/nope"};
        const Answer answer = f.provider().start(rehash(bad));
        CHECK(answer.code == ACP_E_INVALID);
        CHECK_THAT(answer.message, Contains("/nope"));
        CHECK(f.container_id("web", 1) == one);
        CHECK(f.names("web").size() == 2);
        CHECK(f.provider().status("web").status().phase == ACP_PHASE_RUNNING);
        CHECK(f.provider().start(spec).ok());
        CHECK(f.container_id("web", 1) == one);
    }
    SECTION("restart gives every replica a new process") {
        const auto pid = f.inspect(one)->getObject("State")->getValue<int>("Pid");
        REQUIRE(f.provider().restart("web").status().phase == ACP_PHASE_RUNNING);
        CHECK(f.inspect(one)->getObject("State")->getValue<int>("Pid") != pid);
    }
    SECTION("scale up and down leaves the rest alone") {
        REQUIRE(f.provider().scale("web", 3).status().replicas_ready == 3);
        const Answer down = f.provider().scale("web", 1);
        REQUIRE(down.message == "");
        CHECK(down.status().phase == ACP_PHASE_RUNNING);
        CHECK(down.status().replicas_ready == 1);
        CHECK(f.names("web").size() == 1);
        CHECK(f.container_id("web", 1) == one);
        CHECK(f.provider().start(spec).status().replicas_desired == 1);
        CHECK(f.provider().scale("web", 1000).code == ACP_E_INVALID);
    }
    SECTION("stop keeps the containers, start brings them back") {
        const Answer stopped = f.provider().stop("web");
        REQUIRE(stopped.message == "");
        CHECK(stopped.status().phase == ACP_PHASE_STOPPED);
        CHECK(stopped.status().replicas_desired == 0);
        CHECK(stopped.status().replicas_ready == 0);
        CHECK(f.names("web").size() == 2);
        CHECK(f.provider().stop("web").ok());
        CHECK(f.provider().restart("web").code == ACP_E_CONFLICT);
        FakeStream stream;
        CHECK(f.provider().exec("web", stream, {{"/bin/true"}, false, false, ""}).code == ACP_E_CONFLICT);
        const Answer again = f.provider().start(spec);
        CHECK(again.status().replicas_ready == 2);
        CHECK(f.container_id("web", 1) == one);
    }
    SECTION("delete forgets it, with its containers and its record") {
        REQUIRE(f.provider().remove("web").message == "");
        CHECK(f.names("web").empty());
        CHECK(std::filesystem::is_empty(f.state_dir()));
        CHECK(f.provider().status("web").code == ACP_E_NOT_FOUND);
        CHECK(f.provider().remove("web").code == ACP_E_NOT_FOUND);
        CHECK(f.provider().list().statuses.empty());
    }
    SECTION("a container that was removed behind our back is made again") {
        f.engine("DELETE", "/containers/" + one + "?force=1");
        CHECK(f.provider().status("web").status().phase == ACP_PHASE_DEGRADED);
        REQUIRE(f.provider().start(spec).status().phase == ACP_PHASE_RUNNING);
        CHECK(f.container_id("web", 2) == two);
    }
    SECTION("a new instance knows it, and a lost record leaves it visible") {
        f.recreate();
        CHECK(f.provider().status("web").status().replicas_ready == 2);
        CHECK(f.provider().scale("web", 1).ok());
        std::filesystem::remove(f.state_dir() / "web.json");
        CHECK(f.provider().list().statuses.size() == 1);
        CHECK(f.provider().status("web").status().phase == ACP_PHASE_RUNNING);
        const Answer lost = f.provider().scale("web", 2);
        CHECK(lost.code == ACP_E_CONFLICT);
        CHECK_THAT(lost.message, Contains("start it again"));
        REQUIRE(f.provider().start(spec).status().replicas_ready == 2);
        CHECK(f.names("web").size() == 2);
    }
}

TEST_CASE("docker: phases tell the truth") {
    Fixture f;
    SECTION("a crash loop is failed, with the exit code") {
        REQUIRE(f.provider().start(shell("web", "exit 7")).ok());
        REQUIRE(f.reaches("web", ACP_PHASE_FAILED));
        CHECK_THAT(f.provider().status("web").status().conditions_json, Contains("exit code 7"));
    }
    SECTION("a job that may end and did is stopped") {
        DeploymentSpec spec = shell("job", "exit 0");
        spec.metadata_json = R"({"restart":"never"})";
        REQUIRE(f.provider().start(rehash(spec)).message == "");
        CHECK(f.reaches("job", ACP_PHASE_STOPPED));
    }
    SECTION("some of the replicas down is degraded") {
        DeploymentSpec spec = shell("web", kServe, 2);
        spec.metadata_json = R"({"restart":"never"})";
        REQUIRE(f.provider().start(rehash(spec)).ok());
        f.engine("POST", "/containers/" + f.container_id("web", 2) + "/kill");
        REQUIRE(f.reaches("web", ACP_PHASE_DEGRADED));
        const auto status = f.provider().status("web").status();
        CHECK(status.replicas_ready == 1);
        CHECK_THAT(status.conditions_json, Contains("replica 2 is exited"));
    }
    SECTION("a paused replica is degraded") {
        REQUIRE(f.provider().start(shell("web", kServe)).ok());
        f.engine("POST", "/containers/" + f.container_id("web") + "/pause");
        CHECK(f.provider().status("web").status().phase == ACP_PHASE_DEGRADED);
        f.engine("POST", "/containers/" + f.container_id("web") + "/unpause");
    }
}

TEST_CASE("docker: list is sorted, whole, and by namespace") {
    Fixture f;
    DeploymentSpec b = shell("b", kServe);
    b.namespace_ = "blue";
    REQUIRE(f.provider().start(b).ok());
    REQUIRE(f.provider().start(shell("a", kServe, 0)).ok());
    const Answer all = f.provider().list();
    REQUIRE(all.statuses.size() == 2);
    CHECK(all.statuses[0].service_id == "a");
    CHECK(all.statuses[0].phase == ACP_PHASE_STOPPED);
    CHECK(all.statuses[1].service_id == "b");
    CHECK(all.statuses[1].phase == ACP_PHASE_RUNNING);
    CHECK(f.provider().list("blue").statuses.size() == 1);
    CHECK(f.provider().list("green").statuses.empty());
}

TEST_CASE("docker: what a spec says reaches the container") {
    Fixture f;
    DeploymentSpec spec = shell("web", kServe);
    spec.env = {{"GREETING", "hello = world"}};
    spec.labels = {{"team", "blue"}};
    spec.resources_json = R"({"cpu":"500m","memory":"64Mi"})";
    spec.metadata_json = R"({"working_dir":"/tmp","restart":"on-failure"})";
    REQUIRE(f.provider().start(rehash(spec)).message == "");
    const auto container = f.inspect(f.container_id("web"));
    CHECK(container->getObject("Config")->getObject("Labels")->getValue<std::string>("team") == "blue");
    CHECK(container->getObject("HostConfig")->getValue<std::int64_t>("NanoCpus") == 500'000'000);
    CHECK(container->getObject("HostConfig")->getValue<std::int64_t>("Memory") == 64 * 1024 * 1024);
    CHECK(container->getObject("HostConfig")->getValue<std::string>("NetworkMode") == "none");
    CHECK(container->getObject("HostConfig")->getObject("RestartPolicy")->getValue<std::string>("Name") ==
          "on-failure");
    CHECK(f.run("web", {"/bin/sh", "-c", "echo \"$GREETING in $(pwd)\""}).out == "hello = world in /tmp\n");
    // No environment value is told by the status, nor readable by others.
    const auto status = f.provider().status("web").status();
    CHECK_THAT(status.raw_json, !Contains("hello"));
    const auto mode = std::filesystem::status(f.state_dir() / "web.json").permissions();
    CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("docker: specs that are refused, with a pointer") {
    Fixture f;
    struct Row {
        const char* pointer;
        std::function<void(DeploymentSpec&)> spoil;
        acp_status code = ACP_E_INVALID;
    };
    const std::vector<Row> rows = {
        {"/service_id", [](DeploymentSpec& s) { s.service_id = "../x"; }},
        {"/image", [](DeploymentSpec& s) { s.image = ""; }},
        {"/image", [](DeploymentSpec& s) { s.image = "a b"; }},
        {"/image", [](DeploymentSpec& s) { s.image = "../../info"; }},
        {"/image", [](DeploymentSpec& s) { s.image = "no-such-image:1"; }},
        {"/replicas", [](DeploymentSpec& s) { s.replicas = 101; }},
        {"/replicas",
         [](DeploymentSpec& s) {
             s.replicas = 2;
             s.ports = {{"http", "tcp", 80, 8080}};
         }},
        {"/ports/0",
         [](DeploymentSpec& s) {
             s.ports = {{"http", "sctp", 80, 0}};
         }},
        {"/env",
         [](DeploymentSpec& s) {
             s.env = {{"A=B", "c"}};
         }},
        {"/env/A",
         [](DeploymentSpec& s) {
             s.env = {{"A", std::string("b\0c", 3)}};
         }},
        {"/env_from_secrets",
         [](DeploymentSpec& s) {
             s.env_from_secrets = {{"A", "x"}};
         },
         ACP_E_UNSUPPORTED},
        {"/labels",
         [](DeploymentSpec& s) {
             s.labels = {{"io.alphaswarm.cp.alias", "x"}};
         }},
        {"/resources/cpu", [](DeploymentSpec& s) { s.resources_json = R"({"cpu":"fast"})"; }},
        {"/resources/memory", [](DeploymentSpec& s) { s.resources_json = R"({"memory":"-1Mi"})"; }},
        {"/resources/memory", [](DeploymentSpec& s) { s.resources_json = R"({"memory":"1Mi"})"; }},
        {"/resources/gpu", [](DeploymentSpec& s) { s.resources_json = R"({"gpu":"1"})"; }},
        {"/metadata/restart", [](DeploymentSpec& s) { s.metadata_json = R"({"restart":"maybe"})"; }},
        {"/metadata/x", [](DeploymentSpec& s) { s.metadata_json = R"({"x":"y"})"; }},
    };
    for (const Row& row : rows) {
        INFO(row.pointer);
        DeploymentSpec spec = shell("web", kServe);
        row.spoil(spec);
        const Answer answer = f.provider().start(rehash(spec));
        CHECK(answer.code == row.code);
        CHECK_THAT(answer.message, Contains(row.pointer));
    }
    CHECK(f.containers({}).empty());
    CHECK(f.provider().list().statuses.empty());
}

TEST_CASE("docker: unknown workloads are not found, whatever is asked") {
    Fixture f;
    for (const std::string id : {"nobody", "../../etc/passwd", "", "A"}) {
        INFO(id);
        FakeStream stream;
        CHECK(f.provider().stop(id).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().scale(id, 1).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().restart(id).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().remove(id).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().status(id).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().get_config(id).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().apply_config(id, "{}").code == ACP_E_NOT_FOUND);
        CHECK(f.provider().metrics(id).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().rotate_secret(id, "x").code == ACP_E_NOT_FOUND);
        CHECK(f.provider().logs(id, stream).code == ACP_E_NOT_FOUND);
        CHECK(f.provider().exec(id, stream, {{"/bin/true"}, false, false, ""}).code == ACP_E_NOT_FOUND);
    }
}

TEST_CASE("docker: metrics and health") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe, 2)).ok());
    const Answer answer = f.provider().metrics("web");
    REQUIRE(answer.message == "");
    const auto metrics = parse(answer.text);
    CHECK(metrics->getArray("replicas")->size() == 2);
    CHECK(metrics->getValue<double>("cpu_seconds") > 0);
    CHECK(metrics->getValue<std::int64_t>("memory_bytes") > 0);
    const auto health = f.provider().health();
    CHECK(health.state == ACP_HEALTH_UP);
    CHECK_THAT(health.details_json, Contains("\"api\":\"1.4"));
}

TEST_CASE("docker: cancelled and late calls leave nothing behind") {
    Fixture f;
    SECTION("a call that was cancelled") {
        FakeCall call;
        call.cancel();
        CHECK(f.provider().start(shell("web", kServe, 2), call).code == ACP_E_CANCELLED);
    }
    SECTION("a deadline in the middle of it") {
        FakeCall call(std::chrono::milliseconds(60));
        CHECK(f.provider().start(shell("web", kServe, 30), call).code == ACP_E_DEADLINE);
    }
    CHECK(f.containers({}).empty());
    CHECK(f.provider().status("web").code == ACP_E_NOT_FOUND);
}

TEST_CASE("docker: actions on one workload queue up, those on others do not wait") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe)).ok());
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (std::uint32_t i = 1; i <= 4; ++i)
        threads.emplace_back([&, i] {
            if (!f.provider().scale("web", i).ok()) ++failed;
            if (!f.provider().start(shell("w" + std::to_string(i), kServe)).ok()) ++failed;
        });
    for (auto& thread : threads) thread.join();
    CHECK(failed == 0);
    const auto status = f.provider().status("web").status();
    CHECK(status.phase == ACP_PHASE_RUNNING);
    CHECK(status.replicas_ready == f.names("web").size());
    CHECK(f.provider().list().statuses.size() == 5);
}
