#include "workloads/exec_capture.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "base/clock.h"
#include "unit/workloads/house.h"

using namespace acp;
using namespace acp::workloads;
using workloads::test::scripted;

namespace {

ExecCommand command(std::vector<std::string> argv) {
    ExecCommand c;
    c.request.argv = std::move(argv);
    return c;
}

plugins::CallContext within(std::int64_t ms) {
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + ms * 1'000'000;
    return call;
}

int code_after(const std::string& status_text) {
    const auto done = exec_to_end(scripted(), within(20'000), "web", command({"print", status_text}));
    return done.value().response->getValue<int>("exit_code");
}

}  // namespace

TEST_CASE("a command's output and exit code are collected; the record has sizes and digests alone") {
    const auto done =
        exec_to_end(scripted(), within(20'000), "web", command({"print", R"({"status":"Success"})"})).value();
    CHECK(done.response->getValue<int>("exit_code") == 0);
    CHECK(json::text_or(done.response, "stdout") == "out");
    CHECK(json::text_or(done.response, "stderr") == "err\xef\xbf\xbd");
    CHECK_FALSE(done.response->getValue<bool>("stdout_truncated"));
    const auto record = json::dump(done.record);
    CHECK(record.find("\"out\"") == std::string::npos);
    CHECK(json::text_or(done.record->getObject("stdout"), "sha256") == sha256_hex("out"));
    CHECK(done.record->getObject("stderr")->getValue<int>("bytes") == 4);
}

TEST_CASE("the exit code is read from the status document, whatever is in it") {
    CHECK(code_after(R"({"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"3"}]}})") == 3);
    CHECK(code_after(R"({"status":"Failure","details":{"causes":["x",5,null,{"reason":"ExitCode","message":"4"}]}})") ==
          4);
    for (const auto* odd :
         {"", "no JSON", "[]", "{}", R"({"status":"Failure"})", R"({"details":7})", R"({"details":{"causes":7}})",
          R"({"details":{"causes":["x"]}})", R"({"details":{"causes":[{"reason":"ExitCode"}]}})",
          R"({"details":{"causes":[{"reason":"ExitCode","message":"x"}]}})",
          R"({"details":{"causes":[{"reason":"ExitCode","message":"99999999999999999999"}]}})"}) {
        CAPTURE(odd);
        CHECK(code_after(odd) == -1);
    }
}

TEST_CASE("output beyond the bound is counted but not kept") {
    auto flood = command({"flood"});
    flood.output_bytes = 1000;
    const auto done = exec_to_end(scripted(), within(20'000), "web", flood).value();
    CHECK(json::text_or(done.response, "stdout") == std::string(1000, 'x'));
    CHECK(done.response->getValue<bool>("stdout_truncated"));
    CHECK(done.record->getObject("stdout")->getValue<int>("bytes") == 4'000'000);
}

TEST_CASE("input is sent no faster than the plugin gives window back, and then its end") {
    auto count = command({"count"});
    count.request.want_stdin = true;
    const std::size_t size = GENERATE(0U, 1U, 256U * 1024, 256U * 1024 + 1, 3'000'000U);
    count.input = std::string(size, 'i');
    const auto done = exec_to_end(scripted(), within(20'000), "web", count).value();
    CHECK(json::text_or(done.response, "stdout") == std::to_string(size));
}

TEST_CASE("a command ends by deadline and by cancellation") {
    CHECK(exec_to_end(scripted(), within(20), "web", command({"hang"})).error().code == Code::deadline);
    auto call = within(20'000);
    call.cancelled = [] { return true; };
    CHECK(exec_to_end(scripted(), call, "web", command({"hang"})).error().code == Code::cancelled);
}

TEST_CASE("a call without a deadline has none") {
    plugins::CallContext call;
    CHECK(exec_to_end(scripted(), call, "web", command({"flood"})));
}

TEST_CASE("a command that cannot start, or a backend that goes away, is an error") {
    CHECK(exec_to_end(scripted(), within(20'000), "web", command({"missing"})).error().message == "no such command");
    CHECK(exec_to_end(scripted(), within(20'000), "web", command({"breaks"})).error().message ==
          "the backend went away");
}
