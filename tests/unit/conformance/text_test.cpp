#include "text.h"

#include <catch2/catch.hpp>

using namespace acp::conformance;

TEST_CASE("UTF-8 is told from what looks like it") {
    for (const char* text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x90\x9d", "\xf4\x8f\xbf\xbf"}) CHECK(is_utf8(text));
    for (const char* text : {"\xe4", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "a\x80"})
        CHECK_FALSE(is_utf8(text));
    CHECK_FALSE(is_utf8(std::string_view("a\0b", 3)));
}

TEST_CASE("JSON is read strictly") {
    CHECK(is_json_object(R"({"a":[1,2.5e3,null,true,"\u00e4"]})"));
    for (const char* text : {"", "{", "{}{}", "{'a':1}", "{\"a\":1,}", "[1,]", "{\"a\":01}", "{} x", "nul", "\"\xe4\"", "// c\n{}"})
        CHECK_FALSE(is_json(text));
    CHECK_FALSE(is_json_object("[]"));
    CHECK(is_json_array("[]"));
    CHECK(has_object(R"({"env":{}})", "env"));
    CHECK_FALSE(has_object(R"({"env":[]})", "env"));
    CHECK(is_closed_schema(R"({"additionalProperties": false})"));
    CHECK_FALSE(is_closed_schema(R"({"additionalProperties": {}})"));
    CHECK_FALSE(is_closed_schema(""));
    // No depth runs out of stack.
    CHECK_FALSE(is_json(std::string(1'000'000, '[')));
}

TEST_CASE("semantic versions") {
    for (const char* text : {"0.0.0", "1.2.3", "1.0.0-rc.1", "1.0.0+build.5", "1.0.0-a-b.7+x"}) CHECK(is_semver(text));
    for (const char* text : {"", "1", "1.2", "v1.2.3", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3 "}) CHECK_FALSE(is_semver(text));
}

TEST_CASE("log lines") {
    CHECK(is_log_line("2026-01-31T08:15:00.000000001Z 0 text\n"));
    CHECK(is_log_line("2026-01-31T08:15:00.000000001Z web-1 \n"));
    for (const char* line : {"", "text\n", "2026-01-31T08:15:00Z 0 text\n", "2026-01-31T08:15:00.000000001Z 0 text",
                             "2026-01-31T08:15:00.000000001Z  text\n", "2026-01-31T08:15:00.000000001Z 0 a\nb\n",
                             "2026-01-31 08:15:00.000000001Z 0 text\n", "2026-01-31T08:15:00.000000001Z text\n"})
        CHECK_FALSE(is_log_line(line));
}

TEST_CASE("what is shown can always be shown") {
    CHECK(in_quotes("a\xe4\n") == "\"a\\xe4\\x0a\"");
    CHECK(in_quotes(std::string(500, 'x')).size() < 130);
    CHECK(status_name(ACP_E_NOT_FOUND) == "ACP_E_NOT_FOUND");
    CHECK(status_name(4711) == "4711");
}
