#include "redact/marks.h"

#include <catch2/catch.hpp>

#include "redact/redactor.h"

using namespace acp;
using redact::Redactor;
using redact::SchemaMarks;

namespace {

std::string shown(const SchemaMarks& marks, const char* text) {
    return json::dump(Redactor().redact(json::parse(text).value(), &marks));
}

}  // namespace

TEST_CASE("marks from a schema") {
    auto schema = json::parse(R"({
        "$defs": {
            "node": {"properties": {"pin": {"x-secret": true}, "next": {"$ref": "#/$defs/node"},
                                    "seen": {"x-secret": false}}},
            "a/b": {"properties": {"odd": {"writeOnly": true}}}
        },
        "properties": {
            "tree": {"$ref": "#/$defs/node"},
            "odd": {"$ref": "#/$defs/a~1b"},
            "list": {"items": {"properties": {"code": {"writeOnly": true}}}},
            "map": {"additionalProperties": {"format": "password"}},
            "tuple": {"prefixItems": [{"type": "string"}, {"x-secret": true}]},
            "either": {"oneOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"x-secret": true}}}]},
            "whole": {"type": "object", "x-secret": true}
        }})");
    SchemaMarks marks = SchemaMarks::compile(schema.value());
    CHECK(shown(marks, R"({"tree":{"pin":"1","seen":"2","next":{"pin":3,"next":{"pin":"4"}}}})") ==
          R"({"tree":{"pin":"[redacted]","seen":"2","next":{"pin":"[redacted]","next":{"pin":"[redacted]"}}}})");
    CHECK(shown(marks, R"({"odd":{"odd":"x"}})") == R"({"odd":{"odd":"[redacted]"}})");
    CHECK(shown(marks, R"({"list":[{"code":"x","n":1},{"code":"y"}]})") ==
          R"({"list":[{"code":"[redacted]","n":1},{"code":"[redacted]"}]})");
    CHECK(shown(marks, R"({"map":{"a":"x","b":"y"}})") == R"({"map":{"a":"[redacted]","b":"[redacted]"}})");
    CHECK(shown(marks, R"({"either":{"a":"x","b":"y"}})") == R"({"either":{"a":"x","b":"[redacted]"}})");
    CHECK(shown(marks, R"({"whole":{"a":["x",1,true,null]}})") ==
          R"({"whole":{"a":["[redacted]","[redacted]",true,null]}})");
    CHECK(shown(marks, R"({"pin":"x","code":"y"})") == R"({"pin":"x","code":"y"})");
}

TEST_CASE("marks by pointer") {
    SchemaMarks marks;
    marks.add("/spec/env/*/value");
    marks.add("/a~1b/~0");
    CHECK(shown(marks, R"({"spec":{"env":[{"name":"n","value":"v"}]}})") ==
          R"({"spec":{"env":[{"name":"n","value":"[redacted]"}]}})");
    CHECK(shown(marks, R"({"spec":{"env":{"x":{"value":"v"}}},"a/b":{"~":"t","*":"u"}})") ==
          R"({"spec":{"env":{"x":{"value":"[redacted]"}}},"a/b":{"~":"[redacted]","*":"u"}})");
}
