#include "redact/redactor.h"

#include <catch2/catch.hpp>

using namespace acp;
using redact::Redactor;

namespace {

std::string shown(const char* text) {
    return json::dump(Redactor().redact(json::parse(text).value()));
}

}  // namespace

TEST_CASE("values are copied with the secrets hidden") {
    struct Row {
        const char* in;
        const char* out;
    };
    const Row rows[] = {
        {R"({"password":"x","user":"u"})", R"({"password":"[redacted]","user":"u"})"},
        {R"({"password":12345,"token":true,"secret":null,"jwt":""})",
         R"({"password":"[redacted]","token":true,"secret":null,"jwt":""})"},
        {R"({"tokens":512,"max_tokens":4096,"keys":3})", R"({"tokens":512,"max_tokens":4096,"keys":3})"},
        {R"({"credentials":{"user":"u","list":["a",{"b":"c"}]}})",
         R"({"credentials":{"user":"[redacted]","list":["[redacted]",{"b":"[redacted]"}]}})"},
        {R"({"env":{"DB_PASSWORD":"x","TZ":"UTC"}})", R"({"env":{"DB_PASSWORD":"[redacted]","TZ":"UTC"}})"},
        {R"({"env":["DB_PASSWORD=x y","TZ=UTC","URL=amqp://u:p@h"]})",
         R"({"env":["DB_PASSWORD=[redacted]","TZ=UTC","URL=amqp://u:[redacted]@h"]})"},
        {R"({"args":["--password","x","--user","u"]})", R"({"args":["--password","[redacted]","--user","u"]})"},
        {R"({"args":["--password=x","--token","--verbose","-p"]})",
         R"({"args":["--password=[redacted]","--token","--verbose","-p"]})"},
        {R"({"command":["sh","-c","mysql --password=x -h db"]})",
         R"({"command":["sh","-c","mysql --password=[redacted] -h db"]})"},
        {R"([["Authorization","Bearer abc"]])", R"([["Authorization","Bearer [redacted]"]])"},
        {R"({"env":[{"name":"DB_PASSWORD","value":"x"},{"name":"TZ","value":"UTC"}]})",
         R"({"env":[{"name":"DB_PASSWORD","value":"[redacted]"},{"name":"TZ","value":"UTC"}]})"},
        {R"({"secretKeyRef":{"name":"db","key":"pw"}})", R"({"secretKeyRef":{"name":"db","key":"pw"}})"},
        {R"({"key":"tier","operator":"In","values":["a"]})", R"({"key":"tier","operator":"In","values":["a"]})"},
        {R"({"key":"abc"})", R"({"key":"[redacted]"})"},
        {R"({"kind":"Secret","metadata":{"name":"n"},"data":{"a":"eA=="},"stringData":{"b":"y"}})",
         R"({"kind":"Secret","metadata":{"name":"n"},"data":{"a":"[redacted]"},"stringData":{"b":"[redacted]"}})"},
        {R"({"kty":"EC","kid":"1","x":"AA","d":"BB"})", R"({"kty":"EC","kid":"1","x":"AA","d":"[redacted]"})"},
        {R"({"delete_keys":["a"],"secret_name":"n","env_from_secrets":{"A":"store/a"}})",
         R"({"delete_keys":["a"],"secret_name":"n","env_from_secrets":{"A":"store/a"}})"},
        {R"({"AKIAIOSFODNN7EXAMPLE":1,"AKIAIOSFODNN7EXAMPLF":2})", R"({"[redacted]":1,"[redacted]#2":2})"},
        {R"("Bearer abc")", R"("Bearer [redacted]")"},
        {R"({"n":1.5,"b":true,"z":null,"l":[],"o":{}})", R"({"n":1.5,"b":true,"z":null,"l":[],"o":{}})"},
    };
    for (const Row& row : rows) {
        INFO(row.in);
        CHECK(shown(row.in) == row.out);
    }
}

TEST_CASE("no canary survives, however it is nested") {
    Redactor redactor;
    redactor.learn_value("canary-known");
    auto value = json::parse(R"({
        "a": {"b": [{"c": {"api_key": "canary-name"}}, "x canary-known y"]},
        "list": ["PASSWORD=canary-env", "--secret", "canary-flag", ["--token=canary-deep"]],
        "text": "Authorization: Bearer canary-header",
        "json": "{\"client_secret\": \"canary-json\"}",
        "yaml": "users:\n- user:\n    token: canary-yaml\n",
        "url": "https://u:canary-url@h/p?access_token=canary-query",
        "canary-known": 1
    })");
    std::string out = json::dump(redactor.redact(value.value()));
    CHECK(out.find("canary") == std::string::npos);
}

TEST_CASE("the argument is not changed and shares nothing with the copy") {
    auto value = json::parse(R"({"a":{"password":"x"}})").value();
    auto copy = Redactor().redact(value);
    CHECK(json::dump(value) == R"({"a":{"password":"x"}})");
    copy.extract<json::Object::Ptr>()->getObject("a")->set("b", 1);
    CHECK(json::dump(value) == R"({"a":{"password":"x"}})");
}

TEST_CASE("too deep a value is hidden whole") {
    json::Var value(std::string("leaf"));
    for (int i = 0; i < 200; ++i) {
        json::Object::Ptr outer = json::object();
        outer->set("a", value);
        value = json::Var(outer);
    }
    std::string out = json::dump(Redactor().redact(value));
    CHECK(out.find("leaf") == std::string::npos);
    CHECK(out.find("[redacted]") != std::string::npos);
}
