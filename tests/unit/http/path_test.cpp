#include "http/path.h"

#include <catch2/catch.hpp>

using namespace acp::http;
using namespace std::string_literals;

TEST_CASE("a target splits at the first question mark") {
    const auto both = split_target("/a/b?x=1?2");
    CHECK(both.path == "/a/b");
    CHECK(both.query == "x=1?2");
    CHECK(split_target("/a").query.empty());
    CHECK(split_target("/a?").path == "/a");
    CHECK(split_target("*").path == "*");
}

TEST_CASE("a plain path is one that means the same to every reader") {
    for (auto path : {"/", "/a", "/manage/workloads/web-1/logs", "/a_b~c/d.e", "/.well", "/a/"}) {
        CAPTURE(path);
        // Whatever counts as plain normalises to itself.
        if (is_plain_path(path)) CHECK(normalise_path(path).value() == path);
    }
    CHECK(is_plain_path("/manage/openapi.json"));
    for (auto path : {"", "a", "//", "/a//b", "/a/../b", "/a/./b", "/.well", "/a%20b", "/a;b", "/a\\b", "/\xc3\xa4",
                      "/a b", "/a\x01"}) {
        CAPTURE(path);
        CHECK_FALSE(is_plain_path(path));
    }
}

TEST_CASE("escapes are decoded once") {
    CHECK(normalise_path("/a%20b/%C3%A4").value() == "/a b/\xc3\xa4");
    CHECK(normalise_path("/%77eb").value() == "/web");
    CHECK(normalise_path("/a/").value() == "/a/");
    CHECK(normalise_path("/").value() == "/");
    CHECK(normalise_path("/.well-known").value() == "/.well-known");
    CHECK(normalise_path("/...").value() == "/...");
    CHECK(normalise_path("/a+b").value() == "/a+b");
}

TEST_CASE("what two readers could take differently is refused") {
    for (const auto& path :
         {""s,     "a"s,      "*"s,      "//"s,     "/a//b"s,  "/."s,      "/.."s,    "/a/../b"s, "/a/%2e%2e/b"s,
          "/%2E"s, "/a%2fb"s, "/a%5Cb"s, "/a\\b"s,  "/a;v=1"s, "/a%3Bb"s,  "/a%00b"s, "/a%0d"s,   "/a%7F"s,
          "/a%"s,  "/a%2"s,   "/a%zz"s,  "/%2541"s, "/a%ff"s,  "/%c0%af"s, "/\xff"s}) {
        CAPTURE(path);
        const auto result = normalise_path(path);
        REQUIRE_FALSE(result);
        CHECK(result.error().code == acp::Code::invalid);
        CHECK(result.error().slug == "bad_path");
    }
}

TEST_CASE("a query is pairs, decoded") {
    const auto query = Query::parse("a=1&b=x%26y+z&&flag&e=").value();
    CHECK(query.get("a") == "1");
    CHECK(query.get("b") == "x&y z");
    CHECK(query.get("flag") == "");
    CHECK(query.get("e") == "");
    CHECK_FALSE(query.get("c"));
    CHECK(query.pairs().size() == 4);
    CHECK(Query::parse("").value().pairs().empty());
}

TEST_CASE("a malformed query is refused") {
    std::string many;
    for (int i = 0; i < 33; ++i) many += "p" + std::to_string(i) + "=1&";
    for (const auto& raw : {"a=%"s, "a=%zz"s, "%g=1"s, "a=1&a=2"s, "a=1&%61=2"s, "a=%00"s, "a=%0a"s, "a=%ff"s, many}) {
        CAPTURE(raw);
        const auto result = Query::parse(raw);
        REQUIRE_FALSE(result);
        CHECK(result.error().slug == "bad_query");
    }
}

TEST_CASE("a parameter nobody knows is named, with those that are known") {
    const auto query = Query::parse("tail=1&folow=1").value();
    CHECK(query.only({"tail", "folow"}));
    const auto wrong = query.only({"tail", "follow"});
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message.find("folow") != std::string::npos);
    CHECK(wrong.error().message.find("tail, follow") != std::string::npos);
    CHECK(Query::parse("x=1").value().only({}).error().message.find("none") != std::string::npos);
}

TEST_CASE("flags and integers have one spelling each") {
    const auto query =
        Query::parse("t=true&one=1&bare&f=false&zero=0&odd=yes&n=42&neg=-5&sum=1e3&big=99999999999999999999&tail=5x")
            .value();
    for (auto name : {"t", "one", "bare"}) CHECK(query.flag(name, false).value());
    for (auto name : {"f", "zero"}) CHECK_FALSE(query.flag(name, true).value());
    CHECK(query.flag("missing", true).value());
    CHECK_FALSE(query.flag("odd", true));
    CHECK(query.integer("n", 0, 0, 100).value() == 42);
    CHECK(query.integer("n", 0, 42, 42).value() == 42);
    CHECK(query.integer("neg", 0, -10, 0).value() == -5);
    CHECK(query.integer("missing", 7, 0, 1).value() == 7);
    CHECK_FALSE(query.integer("n", 0, 0, 41));
    CHECK_FALSE(query.integer("n", 0, 43, 100));
    for (auto name : {"sum", "big", "tail", "bare", "odd"}) {
        const auto result = query.integer(name, 0, 0, 100);
        REQUIRE_FALSE(result);
        CHECK(result.error().message.find("from 0 to 100") != std::string::npos);
    }
}
