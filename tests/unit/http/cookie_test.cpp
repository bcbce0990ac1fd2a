#include "http/cookie.h"

#include <catch2/catch.hpp>

using namespace acp::http;

TEST_CASE("a cookie is found by its whole name") {
    struct Case {
        std::string_view field, value;
        bool ambiguous = false;
    };
    for (const auto& c : {Case{"sid=a", "a"}, Case{"x=1; sid=a; y=2", "a"}, Case{"x=1;sid=a", "a"}, Case{" sid=a \t", "a"}, Case{"xsid=b", ""}, Case{"sidx=b", ""},
                          Case{"sid", ""}, Case{"SID=a", ""}, Case{"sid=", ""}, Case{"", ""}, Case{";;;", ""}, Case{"x=sid=a", ""}, Case{"sid=a=b", "a=b"},
                          Case{"sid=a; sid=b", "b", true}, Case{"sid=a; sid=a", "a", true}}) {
        CAPTURE(c.field);
        CookieReader reader("sid");
        reader.read(c.field);
        CHECK(reader.value() == c.value);
        CHECK(reader.is_ambiguous() == c.ambiguous);
    }
    CookieReader reader("sid");
    reader.read("sid=a");
    reader.read("sid=b");
    CHECK(reader.is_ambiguous());
}

TEST_CASE("what is set is out of reach of scripts and foreign forms") {
    CHECK(set_cookie({"__Host-sid", true, -1}, "v") == "__Host-sid=v; Path=/; HttpOnly; SameSite=Lax; Secure");
    CHECK(set_cookie({"sid", false, 60}, "v") == "sid=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
    CHECK(set_cookie({"__Host-sid", true, 0}, "") == "__Host-sid=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
}
