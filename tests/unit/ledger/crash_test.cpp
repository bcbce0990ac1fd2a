#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>

#include "base/unique_fd.h"
#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

namespace {

/// The child: begins and finishes runs from several callbacks at once and
/// writes "b<uid>\n" or "f<uid>\n" after each `done`, until it is killed.
[[noreturn]] void act(const std::string& path, int out) {
    auto say = [out](char what, const std::string& uid) {
        std::string line = what + uid + "\n";
        // Below PIPE_BUF, so a line is written whole or not at all.
        if (::write(out, line.data(), line.size()) < 0) ::_exit(1);
    };
    auto opened = Ledger::open(options_for(path));
    if (!opened) {
        say('e', opened.error().message);
        ::_exit(1);
    }
    Ledger& ledger = **opened;
    std::function<void()> next = [&] {
        ledger.begin(intent(), std::nullopt, [&](Result<Begun> begun) {
            if (!begun) ::_exit(1);
            std::string uid = std::get<Started>(*begun).run_uid;
            say('b', uid);
            ledger.finish(uid, {}, std::nullopt, [&, uid](Result<void> done) {
                if (!done) ::_exit(1);
                say('f', uid);
                next();
            });
        });
    };
    for (int i = 0; i < 8; ++i) next();
    for (;;) ::pause();
}

/// Reads lines until `lines` have come, kills the child, reads the rest.
std::string watch(pid_t child, int in, std::size_t lines) {
    std::string text;
    char buffer[4096];
    bool killed = false;
    for (;;) {
        ssize_t got = ::read(in, buffer, sizeof buffer);
        if (got <= 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
        auto seen = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
        if (!killed && seen >= lines) {
            ::kill(child, SIGKILL);
            killed = true;
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return killed && WIFSIGNALED(status) ? text : "died by itself: " + text;
}

}  // namespace

TEST_CASE("a process killed at any moment leaves every begun run behind") {
    TempDir dir;
    std::string path = dir / "l.db";
    std::mt19937 random(std::random_device{}());
    std::vector<std::string> begun, finished;
    for (int round = 0; round < 20; ++round) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(ends[0]);
            act(path, ends[1]);
        }
        ::close(ends[1]);
        UniqueFd in(ends[0]);
        std::string text = watch(child, in.get(), std::uniform_int_distribution<std::size_t>(1, 200)(random));
        INFO("round " << round << ": " << text.substr(0, 200));
        REQUIRE(text.find("died by itself") == std::string::npos);
        for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
            (text[at] == 'b' ? begun : finished).push_back(text.substr(at + 1, end - at - 1));

        // Before anybody repairs it, and after.
        CHECK(verify(path).value().intact());
        auto ledger = open(path);
        CHECK(verify(path).value().intact());
        std::size_t missing = 0, unfinished = 0;
        for (const auto& uid : begun) missing += ledger->get(uid).has_value() ? 0 : 1;
        for (const auto& uid : finished) {
            auto row = ledger->get(uid);
            unfinished += row && row->finished_at ? 0 : 1;
        }
        CHECK(missing == 0);
        CHECK(unfinished == 0);
        for (const auto& row : ledger->interrupted()) {
            RunOutcome outcome;
            outcome.status = RunStatus::failed;
            outcome.error = "interrupted";
            CHECK(finish(*ledger, row.run_uid, outcome).has_value());
        }
    }
    CHECK(begun.size() >= 20);
    CHECK(verify(path).value().open_runs == 0);
}
