#include "log/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "json/json.h"

using namespace acp;

namespace {

/// What is written to standard error while `body` runs.
template <typename Body>
std::vector<std::string> lines_of(Body body) {
    char name[] = "/tmp/acp-log-XXXXXX";
    UniqueFd file(::mkstemp(name));
    const int kept = ::dup(STDERR_FILENO);
    ::dup2(file.get(), STDERR_FILENO);
    body();
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    std::ifstream in(name);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    ::unlink(name);
    return lines;
}

std::string hide(std::string_view text) {
    std::string out(text);
    for (auto at = out.find("hunter2"); at != std::string::npos; at = out.find("hunter2")) out.replace(at, 7, "***");
    return out;
}

}  // namespace

TEST_CASE("a JSON line is one object with time, level, component, message and fields") {
    log::configure(log::Level::info, log::Format::json, hide);
    const auto lines = lines_of([] {
        log::warn("room", "said \"this\"\nand that", {{"id", "a\"b"}, {"token", "x hunter2"}});
    });
    REQUIRE(lines.size() == 1);
    const auto line = json::parse_object(lines[0]).value();
    CHECK(json::text_or(line, "level") == "warn");
    CHECK(json::text_or(line, "component") == "room");
    CHECK(json::text_or(line, "message") == "said \"this\"\nand that");
    CHECK(json::text_or(line, "id") == "a\"b");
    CHECK(json::text_or(line, "token") == "x ***");
    CHECK(json::text_or(line, "time").size() == 24);
}

TEST_CASE("messages and fields are redacted in both forms") {
    const auto format = GENERATE(log::Format::json, log::Format::text);
    log::configure(log::Level::info, format, hide);
    const auto lines = lines_of([] { log::error("room", "password hunter2", {{"cause", "hunter2 hunter2"}}); });
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("hunter2") == std::string::npos);
    CHECK(lines[0].find("***") != std::string::npos);
}

TEST_CASE("nothing can forge a second line of text") {
    log::configure(log::Level::info, log::Format::text, {});
    const auto lines = lines_of([] { log::info("plugin\nforged", "one\r\ntwo", {{"field", "three\nfour"}}); });
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find(" info plugin forged: one  two field=\"three\\nfour\"") != std::string::npos);
}

TEST_CASE("levels below the threshold are not written") {
    log::configure(log::Level::warn, log::Format::text, {});
    CHECK_FALSE(log::enabled(log::Level::info));
    CHECK(log::enabled(log::Level::error));
    const auto lines = lines_of([] {
        log::debug("room", "no");
        log::info("room", "no");
        log::warn("room", "yes");
        log::error("room", "yes");
    });
    CHECK(lines.size() == 2);
    log::configure(log::Level::trace, log::Format::text, {});
    CHECK(lines_of([] { log::write(log::Level::trace, "room", "all"); }).size() == 1);
}

TEST_CASE("lines of several threads never mix") {
    log::configure(log::Level::info, log::Format::json, {});
    const auto lines = lines_of([] {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([t] {
                for (int i = 0; i < 200; ++i) log::info("thread" + std::to_string(t), std::string(500, 'x'));
            });
        for (auto& t : threads) t.join();
    });
    REQUIRE(lines.size() == 800);
    for (const auto& line : lines) REQUIRE(json::parse_object(line));
}
