// acp.logs/1 of provider `local`.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <regex>

#include "files.h"
#include "providers/local_fixture.h"

namespace fs = std::filesystem;
using namespace acp::test;
using acp::sdk::LogQuery;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> lines(LocalFixture& f, const std::string& id, const LogQuery& query) {
    FakeStream stream;
    REQUIRE(f.provider().logs(id, stream, query).ok());
    REQUIRE(stream.read_to_end());
    CHECK(stream.wait_released());
    return stream.output().writes;
}

// Whether the supervisor has dealt with all that its process printed: its pipes
// are empty and it sleeps.
bool caught_up(int supervisor) {
    const fs::path proc = "/proc/" + std::to_string(supervisor);
    for (const auto& entry : fs::directory_iterator(proc / "fd")) {
        if (!fs::read_symlink(entry.path()).string().starts_with("pipe:")) continue;
        const acp::local::Fd pipe(::open(entry.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        int waiting = 0;
        if (::ioctl(pipe.get(), FIONREAD, &waiting) != 0 || waiting > 0) return false;
    }
    std::ifstream in(proc / "stat");
    std::string stat;
    std::getline(in, stat);
    return stat.find(") S ") != std::string::npos;
}

std::string text_of(const std::string& line) {
    return line.substr(line.find(' ', line.find(' ') + 1) + 1);
}

int64_t time_of(const std::string& line) {
    std::tm utc{};
    const char* rest = ::strptime(line.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    REQUIRE(rest);
    return int64_t{::timegm(&utc)} * 1'000'000'000 + std::stol(std::string(rest + 1, 9));
}

}  // namespace

TEST_CASE("local: log lines have time, replica and text, by channel") {
    LocalFixture f;
    REQUIRE(f.provider().start(shell("web", "echo out; echo err >&2; printf 'no end'; exit 0")).ok());
    REQUIRE(f.log_gets("web", "no end"));
    FakeStream stream;
    REQUIRE(f.provider().logs("web", stream).ok());
    REQUIRE(stream.read_to_end());
    CHECK(stream.finish_status() == ACP_OK);
    const std::regex form(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 0 [^\n]*\n)");
    for (const auto& line : stream.output().writes) CHECK(std::regex_match(line, form));
    CHECK_THAT(stream.output().out, Catch::Contains(" 0 out\n"));
    CHECK_THAT(stream.output().err, Catch::Contains(" 0 err\n"));
}

TEST_CASE("local: tail, since and replica choose lines") {
    LocalFixture f;
    REQUIRE(
        f.provider()
            .start(shell("web", "for i in 1 2 3 4 5 6 7 8 9 10; do echo r$ACP_REPLICA-$i; done; exec sleep 1000", 2))
            .ok());
    REQUIRE(f.log_gets("web", "r0-10"));
    REQUIRE(f.log_gets("web", "r1-10"));
    const auto all = lines(f, "web", {});
    REQUIRE(all.size() == 20);
    for (std::size_t i = 1; i < all.size(); ++i) CHECK(time_of(all[i - 1]) <= time_of(all[i]));

    const auto last = lines(f, "web", {false, 7, 0, ""});
    CHECK(last == std::vector<std::string>(all.end() - 7, all.end()));
    CHECK(lines(f, "web", {false, 0, 0, ""}).empty());
    CHECK(lines(f, "web", {false, 1000, 0, ""}) == all);
    CHECK(lines(f, "web", {false, -1, time_of(all[14]), ""}) == std::vector<std::string>(all.begin() + 15, all.end()));
    const auto one = lines(f, "web", {false, 2, 0, "1"});
    REQUIRE(one.size() == 2);
    CHECK(text_of(one[0]) == "r1-9\n");
    CHECK(text_of(one[1]) == "r1-10\n");

    FakeStream none;
    CHECK(f.provider().logs("web", none, {false, -1, 0, "7"}).code == ACP_E_NOT_FOUND);
    CHECK(none.references() == 0);
}

TEST_CASE("local: following sees every line over rotations and restarts, and ends with its listener") {
    LocalFixture f(R"({"log_max_bytes":4096,"log_files":4})");
    const auto counting = shell(
        "web", "i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line-$i; sleep 0.003; done; echo end; exec sleep 1000");
    REQUIRE(f.provider().start(counting).ok());
    FakeStream stream;
    REQUIRE(f.provider().logs("web", stream, {true, -1, 0, ""}).ok());
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return o.out.find(" end\n") != std::string::npos; }));
    REQUIRE(stream.output().writes.size() == 401);
    for (std::size_t i = 0; i < 400; ++i)
        CHECK(text_of(stream.output().writes[i]) == "line-" + std::to_string(i + 1) + "\n");
    CHECK(fs::exists(f.folder("web") / "replicas/0/log.3"));
    CHECK_FALSE(fs::exists(f.folder("web") / "replicas/0/log.4"));
    CHECK(fs::file_size(f.folder("web") / "replicas/0/log.1") <= 4096);
    // The past reaches over the files, in order.
    const auto past = lines(f, "web", {false, 100, 0, ""});
    REQUIRE(past.size() == 100);
    CHECK(text_of(past.front()) == "line-302\n");
    CHECK(text_of(past.back()) == "end\n");

    // A replica that comes later is followed too.
    REQUIRE(f.provider().scale("web", 2).ok());
    REQUIRE(
        stream.read_until([](const FakeStream::Output& o) { return o.out.find(" 1 line-1\n") != std::string::npos; }));
    stream.close();
    CHECK(stream.wait_released(1s));
}

TEST_CASE("local: following what is to come, until the workload is deleted") {
    LocalFixture f;
    REQUIRE(f.provider()
                .start(shell("web", "echo old; while [ ! -e go ]; do sleep 0.02; done; echo new; exec sleep 1000"))
                .ok());
    REQUIRE(f.log_gets("web", "old"));
    FakeStream stream;
    REQUIRE(f.provider().logs("web", stream, {true, 0, 0, ""}).ok());
    std::ofstream(f.folder("web") / "work/go");
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return o.out.find(" new\n") != std::string::npos; }));
    CHECK(stream.output().out.find("old") == std::string::npos);
    REQUIRE(f.provider().remove("web").ok());
    CHECK(stream.wait_finished());
    CHECK(stream.finish_status() == ACP_OK);
    CHECK(stream.wait_released());
}

TEST_CASE("local: a long line is split, each piece but the last marked") {
    LocalFixture f;
    REQUIRE(f.provider()
                .start(shell("web", "head -c 40000 /dev/zero | tr '\\0' x; echo; echo next; exec sleep 1000"))
                .ok());
    REQUIRE(f.log_gets("web", "next"));
    const auto all = lines(f, "web", {});
    REQUIRE(all.size() == 4);
    CHECK(text_of(all[0]) == std::string(16384, 'x') + " [...]\n");
    CHECK(text_of(all[1]) == std::string(16384, 'x') + " [...]\n");
    CHECK(text_of(all[2]) == std::string(40000 - 2 * 16384, 'x') + "\n");
    CHECK(text_of(all[3]) == "next\n");
}

TEST_CASE("local: a slow listener holds the log back, not the process, and loses nothing that is kept") {
    LocalFixture f;
    REQUIRE(f.provider()
                .start(shell(
                    "web", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line-$i; done; echo end; exec sleep 1000"))
                .ok());
    FakeStream stream(1024);
    REQUIRE(f.provider().logs("web", stream, {true, -1, 0, ""}).ok());
    REQUIRE(f.log_gets("web", "end"));  // the process is done though nobody read
    REQUIRE(stream.read_until([](const FakeStream::Output& o) { return o.out.find(" end\n") != std::string::npos; }));
    CHECK(stream.output().writes.size() == 5001);
    stream.close();
    CHECK(stream.wait_released(1s));
}

TEST_CASE("local: a log that cannot be written loses records, tells so, and never holds the process up") {
    LocalFixture f;
    REQUIRE(
        f.provider()
            .start(shell(
                "web",
                "echo first; while [ ! -e go ]; do sleep 0.02; done; for i in 1 2 3; do echo lost; done; touch gone; "
                "while [ ! -e end ]; do sleep 0.02; done; echo last; exec sleep 1000"))
            .ok());
    REQUIRE(f.log_gets("web", "first"));
    const int supervisor = f.replica("web", 0)->getValue<int>("supervisor_pid");
    // As a full disk, for the supervisor alone: no file may grow beyond this.
    const auto size = static_cast<rlim_t>(fs::file_size(f.folder("web") / "replicas/0/log") + 10);
    const rlimit full{size, RLIM_INFINITY}, free{RLIM_INFINITY, RLIM_INFINITY};
    REQUIRE(::prlimit(supervisor, RLIMIT_FSIZE, &full, nullptr) == 0);
    std::ofstream(f.folder("web") / "work/go");
    REQUIRE(wait_until([&] { return fs::exists(f.folder("web") / "work/gone"); }));
    REQUIRE(wait_until([&] { return caught_up(supervisor); }));
    REQUIRE(::prlimit(supervisor, RLIMIT_FSIZE, &free, nullptr) == 0);
    std::ofstream(f.folder("web") / "work/end");
    REQUIRE(f.log_gets("web", "last"));
    CHECK(f.log("web") == "first\n3 log records lost here: the log was not writable\nlast\n");
}

TEST_CASE("local: the end of the instance ends its streams") {
    LocalFixture f;
    REQUIRE(f.provider().start(shell("web", "yes")).ok());
    FakeStream idle, blocked(256);
    REQUIRE(f.provider().logs("web", idle, {true, 0, 0, ""}).ok());
    REQUIRE(f.provider().logs("web", blocked, {true, -1, 0, ""}).ok());
    f.recreate();
    CHECK(idle.finish_status() == ACP_E_UNAVAILABLE);
    CHECK(blocked.finish_status() == ACP_E_UNAVAILABLE);
    CHECK(idle.wait_released());
    CHECK(blocked.wait_released());
    CHECK(f.provider().status("web").status().phase == ACP_PHASE_RUNNING);
}
