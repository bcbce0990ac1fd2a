// acp.logs/1 and acp.exec/1 of provider `docker`.
#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>

#include "providers/docker_fixture.h"

using namespace acp::test;
using namespace acp::test::docker;
using acp::sdk::ExecRequest;
using acp::sdk::LogQuery;
using Catch::Contains;

namespace {

std::vector<std::string> lines(Fixture& f, const std::string& id, const LogQuery& query) {
    FakeStream stream(4U << 20);
    const Answer answer = f.provider().logs(id, stream, query);
    REQUIRE(answer.message == "");
    REQUIRE(stream.read_to_end());
    CHECK(stream.finish_status() == ACP_OK);
    CHECK(stream.wait_released());
    return stream.output().writes;
}

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
    return n;
}

bool holds(const FakeStream::Output& output, const std::string& text) {
    return output.out.find(text) != std::string::npos;
}

const std::string kCount = "for i in 1 2 3 4 5 6 7 8 9 10; do echo line-$i; done; exec sleep 1000";

}  // namespace

TEST_CASE("docker: log lines have time, replica and text, by channel") {
    Fixture f;
    auto spec = shell("web", "echo out; echo err >&2; printf 'no end'");
    spec.metadata_json = R"({"restart":"never"})";
    REQUIRE(f.provider().start(rehash(spec)).ok());
    REQUIRE(f.log_gets("web", "no end"));
    FakeStream stream;
    REQUIRE(f.provider().logs("web", stream).ok());
    REQUIRE(stream.read_to_end());
    const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 1 [^\n]*\n)");
    for (const auto& line : stream.output().writes) CHECK(std::regex_match(line, form));
    CHECK_THAT(stream.output().out, Contains(" 1 out\n") && Contains(" 1 no end\n"));
    CHECK_THAT(stream.output().err, Contains(" 1 err\n"));
}

TEST_CASE("docker: tail, since and replica choose lines") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kCount, 2)).ok());
    REQUIRE(wait_until([&] { return lines(f, "web", {}).size() == 20; }));
    CHECK(lines(f, "web", {false, -1, 0, "2"}).size() == 10);
    CHECK(lines(f, "web", {false, -1, 0, f.alias() + "-web-2"}).size() == 10);
    CHECK(lines(f, "web", {false, 0, 0, ""}).empty());
    CHECK(lines(f, "web", {false, 3, 0, "1"}).size() == 3);
    const auto last = lines(f, "web", {false, 7, 0, ""});
    REQUIRE(last.size() == 7);
    CHECK(std::is_sorted(last.begin(), last.end()));
    FakeStream stream;
    CHECK(f.provider().logs("web", stream, {false, -1, 0, "3"}).code == ACP_E_NOT_FOUND);

    // Strictly after the fourth line of a replica six are left.
    const auto one = lines(f, "web", {false, -1, 0, "1"});
    std::tm utc{};
    const char* rest = ::strptime(one[3].c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    REQUIRE(rest != nullptr);
    const std::int64_t at = std::int64_t{::timegm(&utc)} * 1'000'000'000 + std::stol(std::string(rest + 1, 9));
    CHECK(lines(f, "web", {false, -1, at, "1"}) == std::vector<std::string>(one.begin() + 4, one.end()));
}

TEST_CASE("docker: a log larger than the stream's window comes whole") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", "seq 1 20000; exec sleep 1000")).ok());
    REQUIRE(f.log_gets("web", "\n20000\n"));
    FakeStream stream(8192);
    REQUIRE(f.provider().logs("web", stream).ok());
    REQUIRE(stream.read_to_end());
    CHECK(stream.output().writes.size() == 20000);
}

TEST_CASE("docker: follow goes on over a restart and takes in new replicas") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe)).ok());
    REQUIRE(f.log_gets("web", "up"));
    FakeStream stream;
    REQUIRE(f.provider().logs("web", stream, {true, -1, 0, ""}).ok());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return holds(o, " 1 up\n"); }));
    REQUIRE(f.provider().restart("web").ok());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return count(o.out, " 1 up\n") == 2; }));
    REQUIRE(f.provider().scale("web", 2).ok());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return holds(o, " 2 up\n"); }));
    CHECK(count(stream.output().out, " 1 up\n") == 2);
    SECTION("until the listener leaves") {
        stream.close();
        CHECK(stream.wait_released());
    }
    SECTION("until the workload is deleted") {
        REQUIRE(f.provider().remove("web").ok());
        REQUIRE(stream.read_to_end());
        CHECK(stream.finish_status() == ACP_OK);
        CHECK(stream.wait_released());
    }
    SECTION("until the instance goes") {
        f.recreate();
        CHECK(stream.wait_released());
    }
}

TEST_CASE("docker: follow with tail 0 starts with what comes") {
    Fixture f;
    REQUIRE(f.provider()
                .start(shell("web",
                             "echo past; while ! test -e /tmp/go; do sleep 0.05; done; echo future; exec sleep 1000"))
                .ok());
    REQUIRE(f.log_gets("web", "past"));
    FakeStream stream;
    REQUIRE(f.provider().logs("web", stream, {true, 0, 0, ""}).ok());
    f.run("web", {"/bin/sh", "-c", ": > /tmp/go"});
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return holds(o, "future"); }));
    CHECK_THAT(stream.output().out, !Contains("past"));
}

TEST_CASE("docker: a command's output and exit code") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe, 2)).ok());
    const auto ok = f.run("web", {"/bin/sh", "-c", "echo out; echo err >&2"});
    CHECK(ok.out == "out\n");
    CHECK(ok.err == "err\n");
    CHECK(ok.status == R"({"status":"Success"})");
    const auto bad = f.run("web", {"/bin/sh", "-c", "exit 3"});
    CHECK(
        bad.status ==
        R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})");
    // A command that ran and ended like one that cannot be found.
    CHECK_THAT(f.run("web", {"/bin/sh", "-c", "exit 127"}).status, Contains("\"127\""));
    const std::string host_of_two = f.container_id("web", 2).substr(0, 12);
    CHECK(f.run("web", {"/bin/cat", "/etc/hostname"}, "2").out == host_of_two + "\n");
    const auto large = f.run("web", {"/bin/seq", "1", "100000"});
    CHECK(large.out.size() == 588895);
    CHECK(large.status == R"({"status":"Success"})");
}

TEST_CASE("docker: a command that cannot be started is a failed call") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe)).ok());
    for (const std::string command : {"/nope", "/etc"}) {
        FakeStream stream;
        const Answer answer = f.provider().exec("web", stream, {{command}, false, false, ""});
        CHECK(answer.code == ACP_E_INVALID);
        CHECK_THAT(answer.message, Contains(command));
        CHECK_FALSE(stream.finished());
        CHECK(stream.wait_released());
    }
    FakeStream stream;
    CHECK(f.provider().exec("web", stream, {{}, false, false, ""}).code == ACP_E_INVALID);
    CHECK(f.provider().exec("web", stream, {{"/bin/true"}, false, false, "9"}).code == ACP_E_NOT_FOUND);
}

TEST_CASE("docker: standard input goes in, and its end too") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe)).ok());
    FakeStream stream;
    REQUIRE(f.provider().exec("web", stream, {{"/bin/wc", "-c"}, false, true, ""}).ok());
    const std::string chunk(100'000, 'x');  // more than the stream's window in all
    for (int i = 0; i < 10; ++i) REQUIRE(stream.send(ACP_CHANNEL_STDIN, chunk));
    REQUIRE(stream.half_close(ACP_CHANNEL_STDIN));
    REQUIRE(stream.read_to_end());
    CHECK_THAT(stream.output().out, Contains("1000000"));
    CHECK(stream.output().status == R"({"status":"Success"})");
    CHECK(stream.wait_released());
}

TEST_CASE("docker: a terminal merges the channels and takes its size") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe)).ok());
    FakeStream stream;
    REQUIRE(f.provider().exec("web", stream, {{"/bin/sh"}, true, true, ""}).ok());
    REQUIRE(stream.send(ACP_CHANNEL_RESIZE, R"({"Width":123,"Height":45})"));
    REQUIRE(stream.send(ACP_CHANNEL_RESIZE, "nonsense"));
    REQUIRE(stream.send(ACP_CHANNEL_STDIN, "test -t 0 && echo is-a-tt''y; echo to-err''or >&2\n"));
    REQUIRE(
        stream.read_until([](const FakeStream::Output& o) { return holds(o, "is-a-tty") && holds(o, "to-error"); }));
    REQUIRE(stream.send(ACP_CHANNEL_STDIN, "exit 4\n"));
    REQUIRE(stream.read_to_end());
    CHECK(stream.output().err.empty());
    CHECK_THAT(stream.output().status, Contains("\"4\""));
}

TEST_CASE("docker: a listener that leaves ends the session") {
    Fixture f;
    REQUIRE(f.provider().start(shell("web", kServe)).ok());
    FakeStream stream;
    REQUIRE(f.provider().exec("web", stream, {{"/bin/cat"}, false, true, ""}).ok());
    REQUIRE(stream.send(ACP_CHANNEL_STDIN, "echo"));
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return o.out == "echo"; }));
    SECTION("the listener") {
        stream.close();
    }
    SECTION("the instance") {
        f.recreate();
    }
    CHECK(stream.wait_released());
    // The command had standard input, so its end is its own.
    CHECK(wait_until([&] { return f.run("web", {"/bin/ps"}).out.find("/bin/cat") == std::string::npos; }));
}
