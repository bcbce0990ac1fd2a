// acp.exec/1 of provider `local`.
#include <signal.h>

#include <catch2/catch.hpp>
#include <sstream>
#include <thread>

#include "providers/local_fixture.h"

using namespace acp::test;
using acp::sdk::ExecRequest;
using namespace std::chrono_literals;

namespace {

ExecRequest sh(const std::string& script, bool want_stdin = false, bool tty = false) {
    return {{"/bin/sh", "-c", script}, tty, want_stdin, ""};
}

struct Running : LocalFixture {
    Running() {
        auto s = spec("web", {"sleep", "1000"});
        s.env = {{"COLOR", "green"}};
        REQUIRE(provider().start(rehash(s)).ok());
    }
};

constexpr const char* kExit3 =
    R"({"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})";

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("local: exec runs in the workload's environment and tells the exit code") {
    Running f;
    FakeStream stream;
    REQUIRE(f.provider().exec("web", stream, sh("echo $COLOR $ACP_REPLICA; pwd; echo oops >&2; exit 3")).ok());
    REQUIRE(stream.read_to_end());
    CHECK(stream.output().out == "green 0\n" + (f.folder("web") / "work").string() + "\n");
    CHECK(stream.output().err == "oops\n");
    CHECK(stream.output().status == kExit3);
    CHECK(stream.finish_status() == ACP_OK);
    CHECK(stream.wait_released());

    FakeStream clean;
    REQUIRE(f.provider().exec("web", clean, {{"true"}, false, false, "0"}).ok());
    REQUIRE(clean.read_to_end());
    CHECK(clean.output().status == R"({"status":"Success"})");

    FakeStream killed;
    REQUIRE(f.provider().exec("web", killed, sh("kill -9 $$")).ok());
    REQUIRE(killed.read_to_end());
    CHECK_THAT(killed.output().status, Catch::Contains(R"("message":"137")"));
}

TEST_CASE("local: exec passes input on, to its end") {
    Running f;
    FakeStream stream(4096);
    REQUIRE(f.provider().exec("web", stream, sh("cat; exit 3", true)).ok());
    const std::string big(100'000, 'x');
    std::thread sender([&] {
        stream.send(ACP_CHANNEL_STDIN, "hello\n");
        stream.send(ACP_CHANNEL_STDIN, big);
        stream.half_close(ACP_CHANNEL_STDIN);
    });
    REQUIRE(stream.read_to_end());
    sender.join();
    CHECK(stream.output().out == "hello\n" + big);
    CHECK(stream.output().status == kExit3);
    CHECK(stream.wait_released());
}

TEST_CASE("local: exec without input reads nothing, and a command that closes its input loses none of its output") {
    Running f;
    FakeStream none;
    REQUIRE(f.provider().exec("web", none, sh("cat; echo done")).ok());
    REQUIRE(none.read_to_end());
    CHECK(none.output().out == "done\n");

    FakeStream deaf(4096);
    REQUIRE(f.provider().exec("web", deaf, sh("exec 0<&-; echo closed; sleep 0.2; echo done", true)).ok());
    REQUIRE(deaf.read_until([](const FakeStream::Output& o) { return has(o.out, "closed"); }));
    CHECK(deaf.send(ACP_CHANNEL_STDIN, std::string(20'000, 'x')));  // window comes back for what is dropped
    REQUIRE(deaf.read_to_end());
    CHECK(deaf.output().out == "closed\ndone\n");
}

TEST_CASE("local: exec is killed, with what it started, when its stream closes") {
    Running f;
    FakeStream stream;
    REQUIRE(f.provider()
                .exec("web", stream, sh("sleep 1001 & echo $!; setsid sleep 1002 & echo $!; echo $$ ready; wait"))
                .ok());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return has(o.out, "ready"); }));
    std::istringstream pids(stream.output().out);
    int group = 0, session = 0, leader = 0;
    pids >> group >> session >> leader;
    REQUIRE(alive(leader));
    stream.close();
    CHECK(stream.wait_released());
    for (int pid : {group, session, leader}) CHECK(wait_until([&] { return !alive(pid); }));
}

TEST_CASE("local: exec is killed at the call's deadline, also when nobody reads") {
    Running f;
    FakeStream stream(256);
    const FakeCall call(700ms);
    REQUIRE(f.provider().exec("web", stream, sh("echo $$; yes"), call).ok());
    REQUIRE(stream.wait_finished());
    CHECK(stream.finish_status() == ACP_E_DEADLINE);
    CHECK(stream.wait_released());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return has(o.out, "\n"); }));
    CHECK_FALSE(alive(std::stoi(stream.output().out)));
}

TEST_CASE("local: exec dies with the instance and with the workload") {
    Running f;
    FakeStream first, second;
    REQUIRE(f.provider().exec("web", first, sh("echo $$; exec sleep 1000")).ok());
    REQUIRE(first.read_until([](const FakeStream::Output& o) { return has(o.out, "\n"); }));
    f.recreate();
    CHECK(first.finish_status() == ACP_E_UNAVAILABLE);
    CHECK_FALSE(alive(std::stoi(first.output().out)));

    REQUIRE(f.provider().exec("web", second, sh("echo ready; exec sleep 1000")).ok());
    REQUIRE(second.read_until([](const FakeStream::Output& o) { return has(o.out, "\n"); }));
    REQUIRE(f.provider().stop("web").ok());
    REQUIRE(second.read_to_end());
    CHECK_THAT(second.output().status, Catch::Contains("137"));
    FakeStream third;
    CHECK(f.provider().exec("web", third, sh("true")).code == ACP_E_CONFLICT);
}

TEST_CASE("local: exec with a terminal") {
    Running f;
    FakeStream stream;
    REQUIRE(
        f.provider()
            .exec("web", stream, sh("tty; echo ready; read line; stty size; echo got $line; cat; exit 3", true, true))
            .ok());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return has(o.out, "ready"); }));
    CHECK_THAT(stream.output().out, Catch::Contains("/dev/pts/"));
    CHECK(stream.send(ACP_CHANNEL_RESIZE, R"({"Width":91,"Height":37})"));
    CHECK(stream.send(ACP_CHANNEL_RESIZE, "nonsense"));
    CHECK(stream.send(ACP_CHANNEL_STDIN, "word\n"));
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return has(o.out, "got word"); }));
    CHECK_THAT(stream.output().out, Catch::Contains("37 91"));
    stream.half_close(ACP_CHANNEL_STDIN);
    REQUIRE(stream.read_to_end());
    CHECK(stream.output().status == kExit3);
    CHECK(stream.output().err == "");
}

TEST_CASE("local: a command that cannot be run fails the call, and the stream stays with the host") {
    Running f;
    FakeStream stream;
    CHECK(f.provider().exec("web", stream, {{}, false, false, ""}).code == ACP_E_INVALID);
    CHECK_THAT(f.provider().exec("web", stream, {{"/nowhere"}, false, false, ""}).message, Catch::Contains("/nowhere"));
    CHECK(f.provider().exec("web", stream, {{"true"}, false, false, "9"}).code == ACP_E_NOT_FOUND);
    const auto script = f.state_dir() / "broken";
    {
        std::FILE* file = std::fopen(script.c_str(), "w");
        REQUIRE(file);
        std::fputs("#!/nowhere/interpreter\n", file);
        std::fclose(file);
    }
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    const auto answer = f.provider().exec("web", stream, {{script.string()}, false, false, ""});
    CHECK(answer.code == ACP_E_INVALID);
    CHECK_THAT(answer.message, Catch::Contains("cannot execute " + script.string()));
    CHECK(stream.references() == 0);
    CHECK_FALSE(stream.finished());
}
