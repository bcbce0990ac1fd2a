#include "workloads/deployment.h"

#include <catch2/catch.hpp>

#include "manage/openapi.h"

using namespace acp;
using namespace acp::workloads;

namespace {

const json::Schema& schema() {
    static const auto api = manage::OpenApi::load().value();
    static const auto schema = api.schema("DeploymentSpec").value();
    return schema;
}

Result<sdk::DeploymentSpec> parse(const std::string& text, std::string* provider = nullptr) {
    std::string named;
    auto spec = parse_spec(json::parse_object(text).value(), schema(), "web", named);
    if (provider) *provider = named;
    return spec;
}

}  // namespace

TEST_CASE("a service id is a DNS label") {
    for (auto good : {"a", "0", "web-1", "a--b"}) CHECK(is_service_id(good));
    CHECK(is_service_id(std::string(63, 'a')));
    for (auto bad : {"", "-a", "a-", "A", "a.b", "a_b", "a b", "\xc3\xa4", "a/b"}) CHECK_FALSE(is_service_id(bad));
    CHECK_FALSE(is_service_id(std::string(64, 'a')));
}

TEST_CASE("a full spec arrives whole") {
    std::string provider;
    const auto spec =
        parse(
            R"({"service_id":"web","provider":"docker","image":"nginx:1","replicas":3,"namespace":"prod","command":["a","b c"],"args":["-x"],
        "env":{"A":"1","B":""},"labels":{"team":"x"},"ports":[{"container_port":80},{"name":"m","container_port":9000,"host_port":19000,"protocol":"udp"}],
        "resources":{"memory":"1Gi","cpu":"500m"},"metadata":{"z":1,"a":2},"health_check_path":"/ok","health_check_port":80})",
            &provider)
            .value();
    CHECK(provider == "docker");
    CHECK(spec.service_id == "web");
    CHECK(spec.image == "nginx:1");
    CHECK(spec.replicas == 3);
    CHECK(spec.namespace_ == "prod");
    CHECK(spec.command == std::vector<std::string>{"a", "b c"});
    CHECK(spec.args == std::vector<std::string>{"-x"});
    CHECK(spec.env == sdk::Pairs{{"A", "1"}, {"B", ""}});
    REQUIRE(spec.ports.size() == 2);
    CHECK(spec.ports[0].protocol == "tcp");
    CHECK(spec.ports[0].host_port == 0);
    CHECK(spec.ports[1].name == "m");
    CHECK(spec.ports[1].host_port == 19000);
    CHECK(spec.resources_json == R"({"cpu":"500m","memory":"1Gi"})");
    CHECK(spec.metadata_json == R"({"a":2,"z":1})");
    CHECK(spec.health_check_port == 80);
    CHECK(spec.spec_hash.size() == 64);
}

TEST_CASE("the hash depends on the meaning, not on the spelling") {
    const auto a = parse(R"({"image":"x","env":{"A":"1","B":"2"}})").value();
    CHECK(a.replicas == 1);
    CHECK(parse(R"({ "env": {"B":"2","A":"1"}, "image":"x", "service_id":"web" })").value().spec_hash == a.spec_hash);
    CHECK(parse(R"({"image":"x","env":{"A":"1","B":"3"}})").value().spec_hash != a.spec_hash);
}

TEST_CASE("what is wrong is named by its place") {
    struct Case {
        const char *text, *pointer;
    };
    const auto c =
        GENERATE(values<Case>({{R"({"image":"x","replica":1})", "/replica"},
                               {R"({"image":"x","replicas":"1"})", "/replicas"},
                               {R"({"image":"x","replicas":-1})", "/replicas"},
                               {R"({"image":"x","replicas":99999999999})", "/replicas"},
                               {R"({"image":"x","ports":[{"container_port":70000}]})", "/ports/0/container_port"},
                               {R"({"image":"x","ports":[{}]})", "/ports/0"},
                               {R"({"image":"x","env":{"A":1}})", "/env/A"},
                               {R"({"image":"x","command":"sh -c x"})", "/command"},
                               {R"({"image":"x","service_id":"other"})", "/service_id"},
                               {R"({"image":"x","service_id":7})", "/service_id"}}));
    const auto spec = parse(c.text);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().code == Code::invalid);
    CHECK(spec.error().slug == "invalid_spec");
    REQUIRE_FALSE(spec.error().violations.empty());
    CHECK(spec.error().violations.front().pointer == c.pointer);
}

TEST_CASE("a spec needs something to run, and no secrets from elsewhere") {
    CHECK(parse("{}").error().message.find("image or a command") != std::string::npos);
    CHECK(parse(R"({"command":["x"]})"));
    CHECK(parse(R"({"image":"x","env_from_secrets":{}})"));
    CHECK(parse(R"({"image":"x","env_from_secrets":{"A":"b"}})").error().code == Code::unsupported);
}

TEST_CASE("a status is shown whole, and what a plugin garbles is left out") {
    sdk::DeploymentStatus s;
    s.service_id = "web";
    s.phase = ACP_PHASE_DEGRADED;
    s.replicas_desired = 2;
    s.conditions_json = R"([{"type":"Ready"}])";
    s.endpoints_json = "no JSON";
    s.last_transition_unix_ms = 1'700'000'000'123;
    auto out = status_json(s, "local");
    CHECK(json::text_or(out, "phase") == "degraded");
    CHECK(json::text_or(out, "provider") == "local");
    CHECK(json::text_or(out, "last_transition_at") == "2023-11-14T22:13:20.123Z");
    CHECK(out->getArray("conditions")->size() == 1);
    CHECK(out->getArray("endpoints")->size() == 0);
    CHECK(out->get("raw").isEmpty());
    s.last_transition_unix_ms = 0;
    CHECK(status_json(s, "local")->get("last_transition_at").isEmpty());
    CHECK(phase_name(99) == "unknown");
    CHECK(phase_name(ACP_PHASE_FAILED) == "failed");
}
