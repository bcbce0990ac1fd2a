// get_config and apply_config of provider `docker`.
#include <catch2/catch.hpp>

#include "providers/docker_fixture.h"

using namespace acp::test;
using namespace acp::test::docker;
using Catch::Contains;

TEST_CASE("docker: configuration is read and patched") {
    Fixture f;
    auto spec = shell("web", kServe, 2);
    spec.env = {{"A", "1"}, {"B", "2"}};
    spec = rehash(spec);
    REQUIRE(f.provider().start(spec).ok());
    const std::string before = f.container_id("web", 1);
    CHECK(f.provider().get_config("web").text == R"({"env":{"A":"1","B":"2"},"files":{}})");

    const std::string patch = R"({"env":{"A":null,"C":"3"},"files":{"/etc/app/app.conf":"x=1\n"}})";
    const std::string patched = R"({"env":{"B":"2","C":"3"},"files":{"/etc/app/app.conf":"x=1\n"}})";
    SECTION("a dry run changes nothing") {
        CHECK(f.provider().apply_config("web", patch, true).text == patched);
        CHECK(f.provider().get_config("web").text == R"({"env":{"A":"1","B":"2"},"files":{}})");
        CHECK(f.container_id("web", 1) == before);
    }
    SECTION("running replicas take it") {
        const Answer answer = f.provider().apply_config("web", patch);
        REQUIRE(answer.message == "");
        CHECK(answer.text == patched);
        CHECK(f.container_id("web", 1) != before);
        CHECK(f.names("web").size() == 2);
        for (const char* replica : {"1", "2"})
            CHECK(f.run("web", {"/bin/sh", "-c", "echo $A$B$C; cat /etc/app/app.conf"}, replica).out == "23\nx=1\n");
        // The same spec again keeps it; another patch removes it.
        const std::string now = f.container_id("web", 1);
        CHECK(f.provider().start(spec).ok());
        CHECK(f.container_id("web", 1) == now);
        CHECK(f.provider().apply_config("web", R"({"env":{"C":"3"}})").ok());
        CHECK(f.container_id("web", 1) == now);
        REQUIRE(f.provider().apply_config("web", R"({"files":null})").ok());
        CHECK_THAT(f.run("web", {"/bin/sh", "-c", "test -e /etc/app/app.conf || echo gone"}).out, Contains("gone"));
    }
    SECTION("a stopped one takes it at the next start") {
        REQUIRE(f.provider().stop("web").ok());
        REQUIRE(f.provider().apply_config("web", patch).text == patched);
        CHECK(f.provider().status("web").status().phase == ACP_PHASE_STOPPED);
        REQUIRE(f.provider().start(spec).status().phase == ACP_PHASE_RUNNING);
        CHECK(f.run("web", {"/bin/sh", "-c", "echo $A$B$C"}).out == "23\n");
        CHECK(f.names("web").size() == 2);
    }
    SECTION("files with long names and any bytes") {
        const std::string path = "/data/" + std::string(120, 'n') + "/\xc3\xa9.txt";
        REQUIRE(f.provider().apply_config("web", R"({"files":{")" + path + R"(":"a\u0000b"}})").message == "");
        CHECK(f.run("web", {"/bin/wc", "-c", path}).out == "3 " + path + "\n");
    }
    SECTION("refused patches name the place and change nothing") {
        struct Row {
            const char* patch;
            const char* pointer;
        };
        const std::vector<Row> rows = {
            {"[]", "object"},
            {"{", "object"},
            {R"({"other":{}})", "/other"},
            {R"({"env":{"A":1}})", "/env"},
            {R"({"env":{"A=B":"x"}})", "/env"},
            {R"({"env":"x"})", "/env"},
            {R"({"files":{"relative":"x"}})", "/files"},
            {R"({"files":{"/a/../b":"x"}})", "/files"},
            {R"({"files":{"/a//b":"x"}})", "/files"},
            {R"({"files":{"/a/":"x"}})", "/files"},
            {R"({"files":{"/a":{}}})", "/files"},
        };
        for (const Row& row : rows) {
            INFO(row.patch);
            const Answer answer = f.provider().apply_config("web", row.patch);
            CHECK(answer.code == ACP_E_INVALID);
            CHECK_THAT(answer.message, Contains(row.pointer));
        }
        CHECK(f.container_id("web", 1) == before);
    }
}
