#include "json/json.h"

#include <catch2/catch.hpp>

using namespace acp;

namespace {

std::string why_not(std::string_view text, json::ParseLimits limits = {}) {
    auto value = json::parse(text, limits);
    INFO(text);
    REQUIRE_FALSE(value);
    return value.error().message;
}

std::string round_trip(std::string_view text) {
    auto value = json::parse(text);
    INFO(text);
    REQUIRE(value);
    return json::dump(*value);
}

std::string nested(int depth) {
    const auto count = static_cast<std::size_t>(depth);
    return std::string(count, '[') + std::string(count, ']');
}

}  // namespace

TEST_CASE("a JSON text comes back as it was written", "[json]") {
    for (std::string_view text :
         {R"({"b":1,"a":[true,false,null,"x",-7,1.5]})", "[]", "{}", "5", "-5", "0", "true", "false", "null", R"("")",
          R"("a b")", R"({"":1})", R"([[[]]])", "9223372036854775807", "-9223372036854775808"})
        CHECK(round_trip(text) == text);
    CHECK(round_trip(" \r\n\t[ 1 , 2 ] \n") == "[1,2]");
    CHECK(round_trip(" 7 ") == "7");
    CHECK(round_trip(R"("\u00e4\ud83d\ude00\/\b")") == "\"ä😀/\\u0008\"");
}

TEST_CASE("numbers keep their kind", "[json]") {
    CHECK(json::parse("5")->isInteger());
    CHECK_FALSE(json::parse("5.5")->isInteger());
    CHECK(json::parse("5.5")->isNumeric());
    CHECK(json::parse("1e3")->convert<double>() == 1000.0);
    CHECK(json::parse("18446744073709551615")->convert<std::uint64_t>() == 18446744073709551615U);
}

TEST_CASE("a whole number that does not fit is refused, not read as another", "[json]") {
    CHECK(round_trip("18446744073709551615") == "18446744073709551615");
    for (std::string_view text : {"18446744073709551616", "18446744073709551619", "18446744073709551620", "99999999999999999999999999"})
        CHECK_FALSE(why_not(text).empty());
}

TEST_CASE("text that RFC 8259 does not allow is refused", "[json]") {
    for (std::string_view text : {"",
                                  "   ",
                                  "{",
                                  "}",
                                  "[",
                                  "[1,]",
                                  "[,1]",
                                  "{\"a\":1,}",
                                  "{\"a\"}",
                                  "{\"a\":}",
                                  "{a:1}",
                                  "{'a':1}",
                                  "nul",
                                  "True",
                                  "01",
                                  "+1",
                                  "1.",
                                  ".5",
                                  "1e",
                                  "0x10",
                                  "NaN",
                                  "Infinity",
                                  "-",
                                  "\"",
                                  "\"a",
                                  "\"\t\"",
                                  "\"\n\"",
                                  "\"\\x\"",
                                  "\"\\u12\"",
                                  "[1 2]",
                                  "{\"a\":1 \"b\":2}",
                                  "\xef\xbb\xbf{}"})
        why_not(text);
}

TEST_CASE("text behind the value is refused", "[json]") {
    for (std::string_view text :
         {"{} {}", "{}x", "[] ,", "[]]", "1 2", "1,2", "null,null", "\"a\"\"b\"", "true]", "{}}", "5],[6", "[1]\n[2]"})
        why_not(text);
}

TEST_CASE("comments are refused", "[json]") {
    for (std::string_view text : {"/* c */ {}", "{} // c", "[1, /* c */ 2]", "{\"a\": 1 // c\n}"}) why_not(text);
}

TEST_CASE("a member name may occur once in an object", "[json]") {
    CHECK(why_not(R"({"a":1,"a":2})").find("\"a\" occurs twice") != std::string::npos);
    CHECK(why_not(R"({"x":{"a":1,"b":2,"a":1}})").find("\"a\" occurs twice") != std::string::npos);
    CHECK(why_not(R"({"a":1,"\u0061":2})").find("occurs twice") != std::string::npos);
    CHECK(why_not(R"([{"a":1},{"b":1,"b":1}])").find("\"b\" occurs twice") != std::string::npos);
    CHECK(round_trip(R"([{"a":1},{"a":{"a":2}}])") == R"([{"a":1},{"a":{"a":2}}])");
}

TEST_CASE("depth and size are bounded", "[json]") {
    CHECK(json::parse(nested(32)));
    why_not(nested(33));
    CHECK(json::parse(nested(3), {3, 100}));
    why_not(nested(4), {3, 100});
    why_not(nested(100000));
    CHECK(json::parse("\"aaa\"", {32, 5}));
    auto big = json::parse("\"aaaa\"", {32, 5});
    REQUIRE_FALSE(big);
    CHECK(big.error().code == Code::too_large);
}

TEST_CASE("NUL is refused, raw and escaped", "[json]") {
    why_not(std::string_view("\"a\0b\"", 5));
    why_not(std::string_view("{}\0", 3));
    why_not(std::string_view("\0", 1));
    why_not(R"("a\u0000b")");
    why_not(R"({"\u0000":1})");
    why_not(R"("\u0000")");
}

TEST_CASE("what is not UTF-8 is refused", "[json]") {
    why_not("\"\xff\"");
    why_not("\"\xc0\xaf\"");
    why_not("\"\xed\xa0\x80\"");
    why_not("\"\xe2\x82\"");
    why_not(R"("\ud800")");
    why_not(R"("\udc00")");
    why_not(R"("\ud800\u0041")");
    CHECK(round_trip("\"\xf0\x9f\x98\x80\"") == "\"\xf0\x9f\x98\x80\"");
}

TEST_CASE("parse_object takes objects alone", "[json]") {
    CHECK(json::parse_object("{\"a\":1}"));
    for (std::string_view text : {"[]", "1", "null", "\"{}\""}) {
        auto object = json::parse_object(text);
        REQUIRE_FALSE(object);
        CHECK(object.error().slug == "json_not_an_object");
    }
}

TEST_CASE("equal values have equal canonical texts", "[json]") {
    CHECK(json::canonical(*json::parse(R"({"b":{"d":1,"c":[2,1]},"a":null})")) ==
          R"({"a":null,"b":{"c":[2,1],"d":1}})");
    CHECK(json::canonical(*json::parse(R"({"a":null,"b":{"c":[2,1],"d":1}})")) ==
          json::canonical(*json::parse(R"({ "b":{"d":1,"c":[2,1]}, "a":null})")));
    CHECK(json::canonical(*json::parse("[1,2]")) != json::canonical(*json::parse("[2,1]")));
    CHECK(json::canonical(*json::parse("1")) != json::canonical(*json::parse("\"1\"")));
}

TEST_CASE("strings are written so that they can be read again", "[json]") {
    std::string all;
    for (int c = 1; c < 0x80; ++c) all.push_back(static_cast<char>(c));
    all += "äöü€😀";
    auto back = json::parse(json::quoted(all));
    REQUIRE(back);
    CHECK(back->extract<std::string>() == all);
    CHECK(json::quoted("a\"b\\c\n") == R"("a\"b\\c\n")");
}

TEST_CASE("text_or reads strings alone", "[json]") {
    auto object = *json::parse_object(R"({"a":"x","n":1,"z":null})");
    CHECK(json::text_or(object, "a") == "x");
    CHECK(json::text_or(object, "n", "f") == "f");
    CHECK(json::text_or(object, "z", "f") == "f");
    CHECK(json::text_or(object, "missing", "f") == "f");
    CHECK(json::text_or({}, "a", "f") == "f");
}

// The table of RFC 7396, appendix A.
TEST_CASE("merge patch", "[json]") {
    struct Row {
        std::string_view original, patch, result;
    };
    static constexpr Row rows[] = {
        {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
        {R"({"a":"b"})", R"({"a":null})", R"({})"},
        {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
        {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
        {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
        {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
        {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
        {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
        {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
        {R"({"a":"foo"})", "null", "null"},
        {R"({"a":"foo"})", R"("bar")", R"("bar")"},
        {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
        {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
        {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
    };
    for (const auto& row : rows) {
        INFO(row.original << " + " << row.patch);
        auto original = *json::parse(row.original);
        auto patch = *json::parse(row.patch);
        CHECK(json::dump(json::merge_patch(original, patch)) == row.result);
        CHECK(json::dump(original) == row.original);
        CHECK(json::dump(patch) == row.patch);
    }
}
