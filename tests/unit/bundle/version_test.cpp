#include "bundle/version.h"

#include <catch2/catch.hpp>

#include "bundle/platform.h"

using namespace acp::bundle;

TEST_CASE("the order of semver.org section 11", "[bundle]") {
    const std::vector<std::string> rising = {"0.0.1",
                                             "0.1.0",
                                             "0.9.9",
                                             "1.0.0-0",
                                             "1.0.0-2",
                                             "1.0.0-11",
                                             "1.0.0-alpha",
                                             "1.0.0-alpha.1",
                                             "1.0.0-alpha.beta",
                                             "1.0.0-beta",
                                             "1.0.0-beta.2",
                                             "1.0.0-beta.11",
                                             "1.0.0-rc.1",
                                             "1.0.0",
                                             "1.0.1",
                                             "1.2.0",
                                             "1.10.0",
                                             "2.0.0",
                                             "10.0.0",
                                             "99999999999999999999.0.0",
                                             "100000000000000000000.0.0"};
    for (std::size_t i = 0; i < rising.size(); ++i)
        for (std::size_t j = 0; j < rising.size(); ++j) {
            INFO(rising[i] << " and " << rising[j]);
            auto a = parse_version(rising[i]);
            auto b = parse_version(rising[j]);
            REQUIRE((a && b));
            CHECK((*a < *b) == (i < j));
            CHECK((*a == *b) == (i == j));
        }
}

TEST_CASE("build metadata has no rank", "[bundle]") {
    CHECK(*parse_version("1.0.0+a") == *parse_version("1.0.0+b.c-d"));
    CHECK(*parse_version("1.0.0-rc.1+a") == *parse_version("1.0.0-rc.1"));
}

TEST_CASE("what is no semantic version", "[bundle]") {
    for (std::string_view text :
         {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "v1.2.3", "1.2.x", "1.2.3-", "1.2.3-a..b",
          "1.2.3-01", "1.2.3+", "1.2.3+a+b", "1.2.3-a_b", " 1.2.3", "1.2.3 ", "-1.2.3", "1..3"}) {
        INFO(text);
        CHECK_FALSE(parse_version(text));
    }
    CHECK_FALSE(parse_version("1.2." + std::string(64, '3')));
}

TEST_CASE("versions of the C library", "[bundle]") {
    CHECK(compare_libc("2.36", "2.36") == 0);
    CHECK(compare_libc("2.4", "2.36") < 0);
    CHECK(compare_libc("2.100", "2.36") > 0);
    CHECK(compare_libc("3.0", "2.36") > 0);
    CHECK(compare_libc("2.36", this_host().platform.libc_min) <= 0);
}
