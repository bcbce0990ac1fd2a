#include "base/bytes.h"

#include <catch2/catch.hpp>

#include <set>

using namespace acp;

TEST_CASE("base64url has one spelling per value") {
    CHECK(base64url("") == "");
    CHECK(base64url("f") == "Zg");
    CHECK(base64url("fo") == "Zm8");
    CHECK(base64url("foo") == "Zm9v");
    CHECK(base64url("\xff\xfe") == "__4");
    CHECK(unbase64url("Zm8").value() == "fo");
    SECTION("refused") {
        for (const char* text : {"Zg==", "Zg=", "Z", "Zm9vZ", "Zm+v", "Zm/v", "Zm 9", "Zh", "Zm9"}) {
            INFO(text);
            CHECK_FALSE(unbase64url(text).has_value());
        }
    }
}

TEST_CASE("hex round trip and refusals") {
    CHECK(hex(std::string_view("\x00\xab", 2)) == "00ab");
    CHECK(unhex("00Ab").value() == std::string("\x00\xab", 2));
    CHECK_FALSE(unhex("0").has_value());
    CHECK_FALSE(unhex("0g").has_value());
}

TEST_CASE("sha256 of the FIPS 180 example") {
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("uuid7 has its version and variant and sorts by time") {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        std::string id = uuid7();
        REQUIRE(id.size() == 36);
        REQUIRE(id[14] == '7');
        REQUIRE(std::string("89ab").find(id[19]) != std::string::npos);
        REQUIRE(seen.insert(id).second);
    }
}

TEST_CASE("UTF-8 as RFC 3629 has it") {
    CHECK(is_utf8("plain"));
    CHECK(is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xc3", "\x80", "\xf0\x9f\x98"})
        CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("bytes that are no UTF-8 are replaced, the rest stays") {
    CHECK(repair_utf8("a\xff" "b\xc3\xa9\xc3") == "a\xef\xbf\xbd" "b\xc3\xa9\xef\xbf\xbd");
    CHECK(is_utf8(repair_utf8("\xf0\x9f\x98" "x\xed\xa0\x80")));
}

TEST_CASE("constant-time comparison is a comparison") {
    CHECK(equal_constant_time("abc", "abc"));
    CHECK_FALSE(equal_constant_time("abc", "abd"));
    CHECK_FALSE(equal_constant_time("abc", "ab"));
    CHECK(equal_constant_time("", ""));
}
