#include "json/schema.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

using namespace acp;

namespace {

json::Schema compiled(std::string_view schema, std::string_view pointer = "") {
    auto out = json::Schema::compile(*json::parse(schema), pointer);
    if (!out) FAIL(out.error().message);
    return *out;
}

/// Each violation as "pointer: detail", sorted, one a line.
std::string listed(const std::vector<Violation>& violations) {
    std::vector<std::string> lines;
    for (const auto& v : violations) lines.push_back(v.pointer + ": " + v.detail + "\n");
    std::sort(lines.begin(), lines.end());
    std::string out;
    for (const auto& line : lines) out += line;
    return out;
}

std::string wrong(std::string_view schema, std::string_view value) {
    return listed(compiled(schema).check(*json::parse(value)));
}

std::string why_not(std::string_view schema, std::string_view pointer = "") {
    auto out = json::Schema::compile(*json::parse(schema), pointer);
    INFO(schema);
    REQUIRE_FALSE(out);
    return out.error().message;
}

}  // namespace

TEST_CASE("types are matched without conversion", "[schema]") {
    struct Row {
        std::string_view type;
        std::vector<std::string_view> good, bad;
    };
    const Row rows[] = {
        {"string", {"\"\"", "\"5\""}, {"5", "true", "null", "[]", "{}", "5.5"}},
        {"integer", {"5", "-1", "0", "18446744073709551615"}, {"\"5\"", "5.5", "1.0", "true", "null", "[]", "{}"}},
        {"number", {"5", "5.5", "-1e9"}, {"\"5\"", "true", "null", "[]", "{}"}},
        {"boolean", {"true", "false"}, {"0", "1", "\"true\"", "null", "[]", "{}"}},
        {"null", {"null"}, {"0", "false", "\"\"", "[]", "{}"}},
        {"array", {"[]", "[1]"}, {"{}", "\"\"", "0", "null"}},
        {"object", {"{}", "{\"a\":1}"}, {"[]", "\"\"", "0", "null"}},
    };
    for (const auto& row : rows) {
        auto schema = compiled(R"({"type":")" + std::string(row.type) + "\"}");
        for (auto text : row.good) {
            INFO(row.type << " " << text);
            CHECK(schema.check(*json::parse(text)).empty());
        }
        for (auto text : row.bad) {
            INFO(row.type << " " << text);
            auto value = *json::parse(text);
            auto found = schema.check(value);
            REQUIRE(found.size() == 1);
            CHECK(found[0].pointer.empty());
            CHECK(found[0].detail ==
                  "must be " + std::string(row.type) + ", is " + std::string(json::type_name(value)));
        }
    }
    CHECK(wrong(R"({"type":["integer","null"]})", "\"x\"") == ": must be integer or null, is string\n");
    CHECK(wrong(R"({"type":["integer","null"]})", "null").empty());
}

TEST_CASE("objects", "[schema]") {
    constexpr std::string_view schema = R"({"type":"object","required":["name","image"],"additionalProperties":false,
        "properties":{"name":{"type":"string"},"image":{"type":"string"},"replicas":{"type":"integer","minimum":0}}})";
    CHECK(wrong(schema, R"({"name":"a","image":"b","replicas":0})").empty());
    CHECK(wrong(schema, R"({"name":"a"})") == ": missing member image\n");
    CHECK(wrong(schema, "{}") == ": missing member image\n: missing member name\n");
    CHECK(wrong(schema, R"({"name":"a","image":"b","replica":1})") ==
          "/replica: unknown member; did you mean replicas? known: image, name, replicas\n");
    CHECK(wrong(schema, R"({"name":"a","image":"b","zzz":1})") ==
          "/zzz: unknown member; known: image, name, replicas\n");
    CHECK(wrong(schema, R"({"name":1,"image":null,"x/y~z":1,"replicas":-1})") ==
          "/image: must be string, is null\n/name: must be string, is integer\n/replicas: must be at least 0\n"
          "/x~1y~0z: unknown member; known: image, name, replicas\n");
    CHECK(wrong(schema, "[]") == ": must be object, is array\n");
    CHECK(wrong(R"({"additionalProperties":false})", R"({"a":1})") == "/a: unknown member; none is allowed here\n");
    CHECK(wrong(R"({"additionalProperties":{"type":"string"}})", R"({"a":"x","b":1})") ==
          "/b: must be string, is integer\n");
    CHECK(wrong(R"({"properties":{"a":true}})", R"({"a":1,"b":2})").empty());
    CHECK(wrong(R"({"properties":{"a":false}})", R"({"a":1})") == "/a: is not allowed here\n");
    CHECK(wrong(R"({"minProperties":1})", "{}") == ": must not be empty\n");
    CHECK(wrong(R"({"maxProperties":1})", R"({"a":1,"b":1})") == ": must have at most 1 members\n");
    CHECK(wrong(R"({"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false})",
                R"({"x-a":"","x-b":1,"y":1})") ==
          "/x-b: must be string, is integer\n/y: unknown member; none is allowed here\n");
    CHECK(wrong(R"({"propertyNames":{"pattern":"^[a-z]+$"}})", R"({"a":1,"B":1})") ==
          "/B: the name must match ^[a-z]+$\n");
}

TEST_CASE("lists", "[schema]") {
    constexpr std::string_view schema = R"({"type":"array","minItems":1,"maxItems":3,"items":{"type":"integer"}})";
    CHECK(wrong(schema, "[1,2,3]").empty());
    CHECK(wrong(schema, "[]") == ": must not be empty\n");
    CHECK(wrong(schema, "[1,2,3,4]") == ": must have at most 3 elements\n");
    CHECK(wrong(schema, R"([1,"2",true])") == "/1: must be integer, is string\n/2: must be integer, is boolean\n");
    CHECK(wrong(R"({"minItems":2})", "[1]") == ": must have at least 2 elements\n");
    CHECK(wrong(R"({"uniqueItems":true})", R"([1,{"a":1,"b":2},"1",{"b":2,"a":1}])") ==
          "/3: occurs twice in the list\n");
    CHECK(wrong(R"({"uniqueItems":true})", R"([1,"1",true,null])").empty());
}

TEST_CASE("strings, numbers and choices", "[schema]") {
    CHECK(wrong(R"({"pattern":"^[a-z]+$"})", "\"abc\"").empty());
    CHECK(wrong(R"({"pattern":"^[a-z]+$"})", "\"aBc\"") == ": must match ^[a-z]+$\n");
    CHECK(wrong(R"({"pattern":"b"})", "\"abc\"").empty());
    CHECK(wrong(R"({"pattern":"^a"})", "5").empty());
    CHECK(wrong(R"({"minLength":1})", "\"\"") == ": must not be empty\n");
    CHECK(wrong(R"({"minLength":3})", "\"ab\"") == ": must have at least 3 characters\n");
    CHECK(wrong(R"({"maxLength":2})", "\"äöü\"") == ": must have at most 2 characters\n");
    CHECK(wrong(R"({"maxLength":3})", "\"äöü\"").empty());
    CHECK(wrong(R"({"minimum":1,"maximum":10})", "10").empty());
    CHECK(wrong(R"({"minimum":1})", "0.5") == ": must be at least 1\n");
    CHECK(wrong(R"({"maximum":10.5})", "11") == ": must be at most 10.5\n");
    CHECK(wrong(R"({"exclusiveMinimum":0})", "0") == ": must be greater than 0\n");
    CHECK(wrong(R"({"exclusiveMaximum":5})", "5") == ": must be less than 5\n");
    CHECK(wrong(R"({"enum":["a","b",1,null]})", "\"c\"") == ": must be one of \"a\", \"b\", 1, null\n");
    CHECK(wrong(R"({"enum":["a","b",1,null]})", "1").empty());
    CHECK(wrong(R"({"enum":[1]})", "true") == ": must be 1\n");
    CHECK(wrong(R"({"enum":[1]})", "1.0").empty());
    CHECK(wrong(R"({"const":{"a":[1]}})", R"({"a":[1]})").empty());
    CHECK(wrong(R"({"const":{"a":[1]}})", R"({"a":[2]})") == ": must be {\"a\":[1]}\n");
}

TEST_CASE("one cause gives one violation", "[schema]") {
    CHECK(wrong(R"({"type":"string","enum":["a"],"minLength":1,"pattern":"a"})", "5") ==
          ": must be string, is integer\n");
    CHECK(wrong(R"({"type":"string","enum":["a"],"minLength":1,"pattern":"a"})", "\"\"") == ": must be \"a\"\n");
    CHECK(wrong(R"({"allOf":[{"type":"string"},{"type":"string"},{"minLength":3}]})", "5") ==
          ": must be string, is integer\n");
    CHECK(wrong(R"({"properties":{"a":{"properties":{"b":{"items":{"properties":{"c":{"type":"string"}}}}}}}})",
                R"({"a":{"b":[{},{"c":1}]}})") == "/a/b/1/c: must be string, is integer\n");
    CHECK(wrong(R"({"allOf":[{"required":["a"]},{"required":["a","b"]}]})", "{}") ==
          ": missing member a\n: missing member b\n");
}

TEST_CASE("alternatives explain the one that was meant", "[schema]") {
    constexpr std::string_view kinds = R"({"oneOf":[
        {"type":"object","required":["kind","path"],"properties":{"kind":{"const":"file"},"path":{"type":"string"}}},
        {"type":"object","required":["kind","url"],"properties":{"kind":{"const":"http"},"url":{"type":"string"}}}]})";
    CHECK(wrong(kinds, R"({"kind":"http","url":"u"})").empty());
    CHECK(wrong(kinds, R"({"kind":"http"})") == ": missing member url\n");
    CHECK(wrong(kinds, R"({"kind":"file","path":5})") == "/path: must be string, is integer\n");
    CHECK(wrong(kinds, R"({"kind":"ftp"})") ==
          ": fits none of the alternatives: kind must be \"file\"; or kind must be \"http\"\n");
    CHECK(wrong(kinds, "5") == ": must be object, is integer\n");
    CHECK(wrong(R"({"anyOf":[{"type":"string"},{"type":"integer"}]})", "null") ==
          ": must be string or integer, is null\n");
    CHECK(wrong(R"({"anyOf":[{"type":"string"},{"type":"integer","minimum":5}]})", "1") == ": must be at least 5\n");
    CHECK(wrong(R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "3") ==
          ": fits more than one of the alternatives, must fit exactly one\n");
    CHECK(wrong(R"({"anyOf":[{"required":["a"]},{"required":["b"]}]})", "{}") ==
          ": fits none of the alternatives: missing member a; or missing member b\n");
    CHECK(wrong(R"({"not":{"required":["a"]}})", R"({"a":1})") == ": has a form that is not allowed here\n");
    CHECK(wrong(R"({"not":{"required":["a"]}})", R"({})").empty());
}

TEST_CASE("references reach the whole document", "[schema]") {
    constexpr std::string_view document = R"({"openapi":"3.1.0","paths":{"/a/{id}":{"post":{"requestBody":
        {"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Spec"}}}}}}},
        "components":{"schemas":{
          "Name":{"type":"string","pattern":"^[a-z]+$"},
          "Spec":{"type":"object","additionalProperties":false,"properties":{
             "name":{"$ref":"#/components/schemas/Name","description":"annotations may stand beside"},
             "parts":{"type":"array","items":{"$ref":"#/components/schemas/Spec"}}}}}}})";
    auto spec = compiled(document, "/components/schemas/Spec");
    CHECK(spec.check(*json::parse(R"({"name":"a","parts":[{"name":"b","parts":[]}]})")).empty());
    CHECK(listed(spec.check(*json::parse(R"({"parts":[{"parts":[{"name":"B"},{"x":1}]}]})"))) ==
          "/parts/0/parts/0/name: must match ^[a-z]+$\n"
          "/parts/0/parts/1/x: unknown member; known: name, parts\n");
    auto body = compiled(document, "/paths/~1a~1{id}/post/requestBody/content/application~1json/schema");
    CHECK(listed(body.check(*json::parse("[]"))) == ": must be object, is array\n");
    CHECK(why_not(document, "/components/schemas/Nothing") ==
          "schema #/components/schemas/Nothing: there is no such schema");
}

TEST_CASE("a schema that cannot be enforced is refused", "[schema]") {
    CHECK(why_not(R"({"propertys":{}})") ==
          "schema #: keyword \"propertys\" is not supported; did you mean \"properties\"?");
    CHECK(why_not(R"({"properties":{"a":{"if":{}}}})") == "schema #/properties/a: keyword \"if\" is not supported");
    CHECK(why_not(R"({"properties":{"a":{"$ref":"#/$defs/a","minLength":1}},"$defs":{"a":{}}})") ==
          "schema #/properties/a: keyword \"minLength\" stands beside $ref; put both into allOf");
    CHECK(why_not(R"({"$ref":"other.json#/a"})") == "schema #: $ref must begin with #: only this document is read");
    CHECK(why_not(R"({"$ref":"#/nothing"})") == "schema #/nothing: there is no such schema");
    CHECK(why_not(R"({"pattern":"("})").find("#/pattern: the pattern is no regular expression") != std::string::npos);
    CHECK(why_not(R"({"pattern":"(a)\\1"})").find("#/pattern: the pattern is no regular") != std::string::npos);
    CHECK(why_not(R"({"type":"strin"})").find("strin") != std::string::npos);
    why_not("5");
    why_not(R"({"properties":[]})");
    why_not(R"({"properties":{"a":5}})");
    why_not(R"({"minLength":"5"})");
    CHECK(why_not(R"({"minLength":-1})") == "schema #/minLength: must be a whole number from 0");
    CHECK(why_not(R"({"minimum":"5"})") == "schema #/minimum: must be a number");
    CHECK(why_not(R"({"uniqueItems":"yes"})") == "schema #/uniqueItems: must be a boolean");
    why_not(R"({"required":"a"})");
    why_not(R"({"required":[5]})");
    why_not(R"({"enum":5})");
    why_not(R"({"enum":[]})");
    why_not(R"({"items":[{}]})");
    why_not(R"({"allOf":{}})");
}

TEST_CASE("references that never end are refused", "[schema]") {
    CHECK(why_not(R"({"$ref":"#"})") == "schema #: the schema refers to itself without an end");
    CHECK(
        why_not(
            R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"properties":{"x":{"$ref":"#/$defs/a"}}})")
            .find("without an end") != std::string::npos);
    CHECK(
        why_not(R"({"$defs":{"a":{"anyOf":[{"type":"string"},{"$ref":"#/$defs/a"}]}},"allOf":[{"$ref":"#/$defs/a"}]})")
            .find("without an end") != std::string::npos);
    std::string chain = R"({"$defs":{"a0":{})";
    for (int i = 1; i < 200; ++i)
        chain += ",\"a" + std::to_string(i) + R"(":{"$ref":"#/$defs/a)" + std::to_string(i - 1) + "\"}";
    chain += R"(},"allOf":[{"$ref":"#/$defs/a199"}]})";
    CHECK(why_not(chain).find("nested too deep") != std::string::npos);
}

TEST_CASE("hostile values are bounded", "[schema]") {
    auto closed = compiled(R"({"additionalProperties":false,"properties":{"a":{}}})");
    json::Object::Ptr many = json::object();
    for (int i = 0; i < 1000; ++i) many->set(std::to_string(i), i);
    CHECK(closed.check(many).size() == 64);
    json::Object::Ptr long_name = json::object({{std::string(100000, 'x') + "ä", 1}});
    auto found = closed.check(long_name);
    REQUIRE(found.size() == 1);
    CHECK(found[0].pointer.size() < 300);
    CHECK(found[0].detail == "unknown member; known: a");

    auto pattern = compiled(R"({"pattern":"^(a|b)*$"})");
    CHECK(pattern.check(std::string(8192, 'a')).empty());
    CHECK(compiled(R"({"pattern":"^(a+)+$"})").check(std::string(4000, 'a') + "!").size() == 1);
    auto too_long = pattern.check(std::string(8193, 'a'));
    REQUIRE(too_long.size() == 1);
    CHECK(too_long[0].detail == "must have at most 8192 bytes");

    auto list = compiled(R"({"items":{"type":"string"}})");
    json::Array::Ptr numbers = json::array();
    for (int i = 0; i < 100000; ++i) numbers->add(i);
    CHECK(list.check(numbers).size() == 64);
}

TEST_CASE("a violation never repeats the value", "[schema]") {
    auto schema = compiled(R"({"properties":{"a":{"pattern":"^x$"},"b":{"enum":["y"]},"c":{"type":"integer"},
        "d":{"maxLength":2},"e":{"const":1}}})");
    auto text = listed(
        schema.check(*json::parse(R"({"a":"hunter2","b":"hunter2","c":"hunter2","d":"hunter2","e":"hunter2"})")));
    CHECK(std::count(text.begin(), text.end(), '\n') == 5);
    CHECK(text.find("hunter2") == std::string::npos);
}

TEST_CASE("threads share a schema", "[schema]") {
    auto schema = compiled(R"({"type":"object","properties":{"a":{"pattern":"^[a-z]+$"},"b":{"enum":[1,2]}}})");
    auto value = *json::parse(R"({"a":"A","b":3})");
    std::vector<std::size_t> counts(4);
    std::vector<std::thread> threads;
    for (auto& count : counts)
        threads.emplace_back([&, slot = &count] {
            for (int i = 0; i < 100; ++i) *slot += schema.check(json::Var(value)).size();
        });
    for (auto& thread : threads) thread.join();
    CHECK(counts == std::vector<std::size_t>(4, 200));
}
