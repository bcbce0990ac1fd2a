// get_config and apply_config of provider `local`.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "providers/local_fixture.h"

namespace fs = std::filesystem;
using namespace acp::test;

namespace {

std::string content(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

}  // namespace

TEST_CASE("local: a configuration patch reaches the process by a restart") {
    LocalFixture f;
    auto s = shell("web", "echo A=$A B=$B; cat $ACP_CONFIG_DIR/app.ini 2>/dev/null; echo .; exec sleep 1000");
    s.env = {{"A", "1"}, {"B", "2"}};
    REQUIRE(f.provider().start(rehash(s)).ok());
    REQUIRE(f.log_gets("web", "A=1 B=2\n.\n"));
    CHECK(f.provider().get_config("web").text == R"({"env":{"A":"1","B":"2"},"files":{}})");
    const int pid = f.pid("web");
    const std::string patch = R"({"env":{"A":null,"B":"3"},"files":{"app.ini":"x=1\n"}})";
    const std::string result = R"({"env":{"B":"3"},"files":{"app.ini":"x=1\n"}})";

    SECTION("a dry run tells the result and changes nothing") {
        CHECK(f.provider().apply_config("web", patch, true).text == result);
        CHECK(f.pid("web") == pid);
        CHECK(f.provider().get_config("web").text == R"({"env":{"A":"1","B":"2"},"files":{}})");
        CHECK_FALSE(fs::exists(f.folder("web") / "config/app.ini"));
    }
    SECTION("for real") {
        CHECK(f.provider().apply_config("web", patch).text == result);
        CHECK(f.pid("web") != pid);
        CHECK(f.log_gets("web", "A= B=3\nx=1\n.\n"));
        CHECK(content(f.folder("web") / "config/app.ini") == "x=1\n");

        const int now = f.pid("web");
        CHECK(f.provider().apply_config("web", R"({"env":{"B":"3"}})").ok());
        CHECK(f.pid("web") == now);  // nothing changed

        f.recreate();
        CHECK(f.provider().get_config("web").text == result);
        // It outlives a new spec.
        s.env = {{"A", "1"}, {"B", "2"}, {"C", "4"}};
        REQUIRE(f.provider().start(rehash(s)).ok());
        CHECK(f.provider().get_config("web").text == R"({"env":{"B":"3","C":"4"},"files":{"app.ini":"x=1\n"}})");
        CHECK(f.provider().apply_config("web", R"({"files":null})").ok());
        CHECK_FALSE(fs::exists(f.folder("web") / "config/app.ini"));
    }
    SECTION("of a stopped workload it waits for the next start") {
        REQUIRE(f.provider().stop("web").ok());
        CHECK(f.provider().apply_config("web", patch).text == result);
        CHECK(f.provider().status("web").status().phase == ACP_PHASE_STOPPED);
        REQUIRE(f.provider().start(rehash(s)).ok());
        CHECK(f.log_gets("web", "A= B=3\nx=1\n.\n"));
    }
}

TEST_CASE("local: a wrong patch is refused with a pointer and without its values") {
    LocalFixture f;
    REQUIRE(f.provider().start(spec("web", {"sleep", "1000"})).ok());
    const auto refused = [&](const std::string& patch, const std::string& text) {
        const auto answer = f.provider().apply_config("web", patch);
        CHECK(answer.code == ACP_E_INVALID);
        CHECK_THAT(answer.message, Catch::Contains(text) && !Catch::Contains("hush"));
        CHECK(f.provider().get_config("web").text == R"({"env":{},"files":{}})");
    };
    refused("{\"env\":{\"X\":\"hush\"", "well-formed");
    refused("[\"hush\"]", "object");
    refused(R"({"environment":{}})", "/environment is not known");
    refused(R"({"env":"hush"})", "/env must be an object");
    refused(R"({"env":{"X":1}})", "/env/X must be a string");
    refused(R"({"env":{"X":"hush\u0000"}})", "/env/X");
    refused(R"({"env":{"1X":"hush"}})", "name must match");
    refused(R"({"env":{"ACP_REPLICA":"hush"}})", "set by the provider");
    for (const char* name : {"../x", "a/b", ".hidden", "", "a b", "\\u00e4"})
        refused(std::string(R"({"files":{")") + name + R"(":"hush"}})", "/files");
    refused(R"({"files":{"big":")" + std::string(256 * 1024 + 1, 'x') + R"("}})", "/files/big is larger");
}
