#include "config/substitute.h"

#include <catch2/catch.hpp>

using namespace acp::config;

namespace {
const Environment environment = {{"A", "1"}, {"LONG_name9", "two words"}, {"EMPTY", ""}, {"TRICK", "${A}$$"}};
}

TEST_CASE("variables are put in once", "[config]") {
    struct Row {
        std::string_view text, result;
    };
    static constexpr Row rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"${A}", "1"},
        {"<${A}${A}>", "<11>"},
        {"${LONG_name9}", "two words"},
        {"${EMPTY}", ""},
        {"${EMPTY:-d}", "d"},
        {"${A:-d}", "1"},
        {"${NONE:-d}", "d"},
        {"${NONE:-}", ""},
        {"${NONE:-http://h:1/?a=b:-c}", "http://h:1/?a=b:-c"},
        {"$$", "$"},
        {"$${A}", "${A}"},
        {"$$$$", "$$"},
        {"^a$$", "^a$"},
        {"${TRICK}", "${A}$$"},
        {"}{", "}{"},
    };
    for (const auto& row : rows) {
        INFO(row.text);
        auto result = substitute(row.text, environment);
        REQUIRE(result);
        CHECK(*result == row.result);
    }
}

TEST_CASE("mistakes in variables are named", "[config]") {
    CHECK(substitute("${NONE}", environment).error() ==
          "environment variable NONE is not set; set it, or write ${NONE:-default}");
    CHECK(substitute("a$", environment).error().find("write $$") != std::string::npos);
    CHECK(substitute("$A", environment).error().find("write $$") != std::string::npos);
    CHECK(substitute("${A", environment).error().find("not closed") != std::string::npos);
    for (std::string_view bad : {"${}", "${1A}", "${A B}", "${A-B}", "${A:=x}", "${:-x}", "${${A}}", "${\xc3\xa4}"}) {
        INFO(bad);
        CHECK_FALSE(substitute(bad, environment));
    }
}
