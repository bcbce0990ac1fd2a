#include "base/clock.h"

#include <catch2/catch.hpp>

using namespace acp;

TEST_CASE("RFC 3339 out and in") {
    CHECK(rfc3339_ms(0) == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339_ms(1'700'000'000'123) == "2023-11-14T22:13:20.123Z");
    CHECK(rfc3339_ms(-1) == "1969-12-31T23:59:59.999Z");
    std::int64_t ns = 0;
    REQUIRE(parse_rfc3339("2023-11-14T22:13:20.123456789Z", ns));
    CHECK(ns == 1'700'000'000'123'456'789);
    REQUIRE(parse_rfc3339("2023-11-15T00:13:20+02:00", ns));
    CHECK(ns == 1'700'000'000'000'000'000);
}

TEST_CASE("RFC 3339 refusals") {
    std::int64_t ns = 0;
    for (const char* bad :
         {"", "2023", "2023-11-14", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z", "2023-02-30T00:00:00Z",
          "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.1234567890Z", "2023-11-14T22:13:20Zx",
          "2023-11-14T22:13:20+2:00", "2023-11-14 22:13:20Z"}) {
        INFO(bad);
        CHECK_FALSE(parse_rfc3339(bad, ns));
    }
}
