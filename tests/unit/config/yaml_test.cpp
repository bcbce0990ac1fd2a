#include <catch2/catch.hpp>

#include "config/document.h"

using namespace acp;
using namespace acp::config;

namespace {

std::string as_json(std::string_view text) {
    Document document;
    auto value = read_file_text(text, "f", {}, document);
    INFO(text);
    for (const auto& violation : document.violations) UNSCOPED_INFO(violation.detail);
    REQUIRE(document.violations.empty());
    return json::dump(value);
}

/// The details of all violations, one a line.
std::string mistakes(std::string_view text) {
    Document document;
    read_file_text(text, "f", {}, document);
    std::string out;
    for (const auto& violation : document.violations) out += violation.detail + "\n";
    return out;
}

}  // namespace

TEST_CASE("plain scalars have the types of YAML 1.2", "[config]") {
    struct Row {
        std::string_view yaml, json;
    };
    static constexpr Row rows[] = {
        {"", "null"},
        {"~", "null"},
        {"null", "null"},
        {"Null", "null"},
        {"NULL", "null"},
        {"nUll", "\"nUll\""},
        {"true", "true"},
        {"True", "true"},
        {"FALSE", "false"},
        {"yes", "\"yes\""},
        {"no", "\"no\""},
        {"on", "\"on\""},
        {"y", "\"y\""},
        {"0", "0"},
        {"-17", "-17"},
        {"+17", "17"},
        {"010", "10"},
        {"0o17", "15"},
        {"0xfF", "255"},
        {"0x", "\"0x\""},
        {"0o8", "\"0o8\""},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"},
        {"1.5", "1.5"},
        {"-.5", "-0.5"},
        {"1.", "1"},
        {"1e3", "1000"},
        {"1.5E-1", "0.15"},
        {"1e", "\"1e\""},
        {".", "\".\""},
        {"-", "[null]"},
        {"+", "\"+\""},
        {"1.2.3", "\"1.2.3\""},
        {"1_000", "\"1_000\""},
        {"12:30", "\"12:30\""},
        {"127.0.0.1:9000", "\"127.0.0.1:9000\""},
        {"'5'", "\"5\""},
        {"\"true\"", "\"true\""},
        {"''", "\"\""},
        {"!!str 5", "\"5\""},
        {"!!str", "\"\""},
        {"!!int 5", "5"},
        {"!!float 5", "5"},
        {"!!bool true", "true"},
        {"!!null ~", "null"},
        {"! 5", "\"5\""},
        {"|\n  a\n  b", "\"a\\nb\\n\""},
        {">-\n  a\n  b", "\"a b\""},
    };
    for (const auto& row : rows) {
        INFO(row.yaml);
        CHECK(as_json("k: " + std::string(row.yaml == "-" ? "\n  -" : row.yaml) + "\n") ==
              "{\"k\":" + std::string(row.json) + "}");
    }
}

TEST_CASE("maps, lists, anchors and merge keys", "[config]") {
    CHECK(as_json("a: {b: [1, x, {c: d}]}\n") == R"({"a":{"b":[1,"x",{"c":"d"}]}})");
    CHECK(as_json("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n") == R"({"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]})");
    CHECK(as_json("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3, e: 4}\n") == R"({"a":{"b":1,"c":2},"d":{"c":3,"e":4,"b":1}})");
    CHECK(as_json("a: &x {b: 1}\nc: &y {b: 2, d: 2}\ne: {<<: [*x, *y]}\n") ==
          R"({"a":{"b":1},"c":{"b":2,"d":2},"e":{"b":1,"d":2}})");
    CHECK(as_json("a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne:\n  <<: *y\n") ==
          R"({"a":{"b":1},"c":{"d":2,"b":1},"e":{"d":2,"b":1}})");
    CHECK(as_json("&k a: 1\nb: *k\n") == R"({"a":1,"b":"a"})");
    CHECK(as_json("'<<': 1\n") == R"({"<<":1})");
    CHECK(as_json("5: a\ntrue: b\n") == R"({"5":"a","true":"b"})");
    CHECK(as_json("# only a comment\n") == "null");
    CHECK(as_json("---\na: 1\n...\n") == R"({"a":1})");
    CHECK(as_json("\xef\xbb\xbf"
                  "a: 1\n") == R"({"a":1})");
}

TEST_CASE("mistakes in YAML name their place", "[config]") {
    CHECK(mistakes("a: 1\nb:\n  c: 1\n  a: 2\n  c: 2\n") ==
          "f:5:3: key b.c: the key occurs twice, first on line 3; keep one\n");
    CHECK(mistakes("a: {b: 1, \"b\": 2}\n") == "f:1:11: key a.b: the key occurs twice, first on line 1; keep one\n");
    CHECK(mistakes("a: 1\n---\nb: 2\n") == "f:2:1: a second document begins here; keep one in the file\n");
    CHECK(mistakes("a:\n\tb: 1\n").find("f:2:1: a tab in the indentation; use spaces") == 0);
    CHECK(mistakes("a: 1\n b: 2\n").find("f:2:") == 0);
    CHECK(mistakes("a: [1, 2\nb: 3\n").find("f:2:") == 0);
    CHECK(mistakes("a: \"x\n").find("a quoted value is not closed") != std::string::npos);
    CHECK(mistakes("a: 1\nb: @x").find("f:2:4: ") == 0);
    CHECK(mistakes("a: 1\nb: [1\n\n").find("f:2:6: ") == 0);
    CHECK(mistakes("a: *x\n").find("f:1:") == 0);
    CHECK(mistakes("a: &x [1, *x]\n").find("f:1:11: the alias stands inside the value") == 0);
    CHECK(mistakes("a: !thing 5\n") == "f:1:1: key a: the tag !thing is not known; remove it\n");
    CHECK(mistakes("a: !!int x\n") == "f:1:1: key a: the value does not fit its tag !!int\n");
    CHECK(mistakes("a: !!set {b: 1}\n") == "f:1:1: key a: the tag !!set is not known; remove it\n");
    CHECK(mistakes("a: 9223372036854775808\n") == "f:1:1: key a: the number is too large\n");
    CHECK(mistakes("a: .inf\n") == "f:1:1: key a: the number must be finite; quote it if it is text\n");
    CHECK(mistakes("a: 1e999\n") == "f:1:1: key a: the number is too large or too small\n");
    CHECK(mistakes("? [a]\n: 1\n").find("a key must be text") != std::string::npos);
    CHECK(mistakes(": 1\n").find("a key must be text") != std::string::npos);
    CHECK(mistakes("a: {<<: 5}\n").find("<< takes a map or a list of maps") != std::string::npos);
    CHECK(mistakes("a: {<<: [5]}\n").find("<< takes a map or a list of maps") != std::string::npos);
    CHECK(mistakes(std::string_view("a: 1\nb: \0\n", 10)) == "f:2:4: a NUL byte; the file must be text in UTF-8\n");
    CHECK(mistakes("a: 1\nb: \xff\n") == "f:2:4: this is not valid UTF-8\n");
    CHECK(mistakes("a: \xe2\x82\n") == "f:1:4: this is not valid UTF-8\n");
    CHECK(mistakes("a: !!int x\nb: .nan\nb: 1\n") ==
          "f:1:1: key a: the value does not fit its tag !!int\n"
          "f:2:1: key b: the number must be finite; quote it if it is text\n"
          "f:3:1: key b: the key occurs twice, first on line 2; keep one\n");
}

TEST_CASE("bombs are bounded", "[config]") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        std::string last = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int j = 0; j < 9; ++j) bomb += ", " + last;
        bomb += "]\n";
    }
    CHECK(mistakes(bomb).find("aliases make more than 20000 values") != std::string::npos);

    std::string merges = "a0: &a0 {x: 1}\n";
    for (int i = 1; i < 20; ++i) {
        std::string last = "*a" + std::to_string(i - 1);
        merges += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {<<: [";
        for (int j = 0; j < 9; ++j) merges += last + ", ";
        merges += last + "]}\n";
    }
    CHECK(mistakes(merges).find("more than 20000 values") != std::string::npos);

    std::string big = "a: &a " + std::string(100000, 'x') + "\nb: [*a";
    for (int i = 0; i < 100; ++i) big += ", *a";
    CHECK(mistakes(big + "]\n").find("more than 4 MiB together") != std::string::npos);

    std::string many = "a:\n";
    for (int i = 0; i < 30000; ++i) many += "- x\n";
    CHECK(mistakes(many).find("there are more than 20000 values") != std::string::npos);

    for (std::string_view open : {"[", "{a: ", "- ", "? "}) {
        std::string deep;
        for (int i = 0; i < 10000; ++i) deep += open;
        INFO(open);
        CHECK_FALSE(mistakes(deep).empty());
    }
    // Nested deeper by aliases than any single text is.
    std::string ladder = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n";
    for (int i = 1; i < 6; ++i)
        ladder += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [[[[[[[[[[*a" + std::to_string(i - 1) +
                  "]]]]]]]]]]\n";
    CHECK(mistakes(ladder).find("nested deeper than 32 levels") != std::string::npos);
}
