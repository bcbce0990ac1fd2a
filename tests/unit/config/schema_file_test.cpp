// The schema and the structs say the same.
#include <catch2/catch.hpp>
#include <fstream>

#include "config/load.h"
#include "json/json.h"
#include "json/pointer.h"
#include "json/schema.h"

using namespace acp;
using namespace acp::config;

namespace {

json::Var schema() {
    return *json::parse(schema_text());
}

/// Calls `visit` with the pointer and the schema of every property.
template <typename Visit>
void each_property(const json::Object::Ptr& node, const std::string& pointer, const Visit& visit) {
    if (node->has("properties")) {
        auto properties = node->getObject("properties");
        for (const auto& name : properties->getNames()) {
            auto property = properties->getObject(name);
            visit(json::child(pointer, name), property);
            each_property(property, json::child(pointer, name), visit);
        }
    }
    if (node->has("items")) each_property(node->getObject("items"), json::child(pointer, "0"), visit);
}

/// The defaults of the schema as a document, without the maps that may be left
/// out but not be empty.
json::Var defaults(const json::Object::Ptr& node) {
    json::Object::Ptr out = json::object();
    auto properties = node->getObject("properties");
    for (const auto& name : properties->getNames()) {
        auto property = properties->getObject(name);
        if (property->has("default"))
            out->set(name, property->get("default"));
        else if (property->has("properties") && !property->has("required"))
            out->set(name, defaults(property));
    }
    return out;
}

}  // namespace

TEST_CASE("the schema of the file is sound", "[config]") {
    REQUIRE(json::Schema::compile(schema()));
    std::size_t count = 0;
    each_property(schema().extract<json::Object::Ptr>(), "",
                  [&](const std::string& pointer, const json::Object::Ptr& s) {
                      INFO(pointer);
                      ++count;
                      CHECK_FALSE(json::text_or(s, "description").empty());
                      CHECK_FALSE(json::text_or(s, "type").empty());
                      if (s->has("properties")) CHECK_FALSE(s->getValue<bool>("additionalProperties"));
                      if (s->has("default")) {
                          auto own = json::Schema::compile(json::Var(s));
                          REQUIRE(own);
                          CHECK(own->check(s->get("default")).empty());
                      }
                  });
    CHECK(count > 50);
}

TEST_CASE("the defaults of the schema are those of the structs", "[config]") {
    auto bare = load_text("data_dir: d\n", "/c/f.yaml", {}, {});
    REQUIRE(bare);
    json::Object::Ptr full = defaults(schema().extract<json::Object::Ptr>()).extract<json::Object::Ptr>();
    full->set("data_dir", "d");
    // JSON is YAML.
    auto written_out = load_text(json::dump(json::Var(full)), "/c/f.yaml", {}, {});
    if (!written_out) FAIL(describe(written_out.error()));
    bare->origins = {};
    written_out->origins = {};
    CHECK(*bare == *written_out);

    Config plain;
    CHECK(bare->server == plain.server);
    CHECK(bare->state.kind == plain.state.kind);
    CHECK(bare->identity == plain.identity);
    CHECK(bare->workloads == plain.workloads);
    CHECK(bare->log == plain.log);
    CHECK(bare->audit == plain.audit);
    CHECK(bare->metrics == plain.metrics);
    auto tls =
        load_text("data_dir: d\nserver: {tls: {certificates: [{certificate: c, key: k}]}}\n", "/c/f.yaml", {}, {});
    REQUIRE(tls);
    json::Object::Ptr of_tls =
        defaults(json::find(schema(), "/properties/server/properties/tls")->extract<json::Object::Ptr>())
            .extract<json::Object::Ptr>();
    CHECK(tls->server.tls->client_auth == json::text_or(of_tls, "client_auth"));
    CHECK(tls->server.tls->min_version == json::text_or(of_tls, "min_version"));
    CHECK(of_tls->size() == 2);
    CHECK(bare->plugins.directories == plain.plugins.directories);
    CHECK(bare->plugins.trust == plain.plugins.trust);
}

TEST_CASE("every key of the schema reaches the structs", "[config]") {
    auto base = load_text("data_dir: d\n", "/c/f.yaml", {}, {});
    REQUIRE(base);
    base->origins = {};
    auto with_tls =
        load_text("data_dir: d\nserver: {tls: {certificates: [{certificate: a, key: b}]}}\n", "/c/f.yaml", {}, {});
    REQUIRE(with_tls);
    with_tls->origins = {};
    each_property(
        schema().extract<json::Object::Ptr>(), "", [&](const std::string& pointer, const json::Object::Ptr& s) {
            bool in_list = pointer.starts_with("/providers/") || pointer.starts_with("/http_routes/") ||
                           pointer.starts_with("/identity/flows/") ||
                           pointer.starts_with("/server/tls/certificates/") || pointer.starts_with("/identity/issuers/") ||
                           pointer.starts_with("/identity/role_mapping/") || pointer.starts_with("/identity/clients/");
            bool one_choice = s->has("enum") && s->getArray("enum")->size() == 1;
            if (in_list || one_choice || s->has("properties")) return;
            std::string value = "other";
            auto type = json::text_or(s, "type");
            if (type == "integer")
                value = std::to_string(s->getValue<int>("default") == s->getValue<int>("maximum")
                                           ? s->getValue<int>("default") - 1
                                           : s->getValue<int>("default") + 1);
            if (type == "boolean") value = "true";
            if (type == "array") value = "[10.0.0.1]";
            if (s->has("enum")) value = "'" + s->getArray("enum")->getElement<std::string>(1) + "'";
            if (pointer == "/server/listen" || pointer == "/egress/proxy") value = "127.0.0.1:1";
            if (pointer == "/state/url") value = "redis://other";
            if (pointer == "/egress/proxy_credentials") value = "user:password";
            if (pointer == "/server/public_url") value = "https://other.example";
            if (pointer == "/identity/issuer") value = "https://other.example";
            if (pointer == "/workloads/default_provider") value = "p";
            if (pointer == "/providers" || pointer == "/http_routes" || pointer == "/identity/flows") value = "[{alias: p, plugin: p}]";
            if (pointer == "/identity/assertion_keys") value = "{upstream: key.pem}";
            if (pointer == "/identity/issuers") value = "[{issuer: 'https://a', audiences: [a]}]";
            if (pointer == "/identity/roles") value = "{auditor: [a]}";
            if (pointer == "/identity/role_mapping") value = "[{issuer: 'https://a', claim: c, equals: x, role: viewer}]";
            if (pointer == "/identity/clients") value = "[{id: c, methods: [none], grants: [g]}]";
            if (pointer == "/server/tls/certificates") value = "[{certificate: c, key: k}]";
            std::string variable = "ALPHASWARM_CP_";
            for (const auto& c : pointer.substr(1)) variable += c == '/' ? std::string("__") : std::string(1, c);
            INFO(variable << "=" << value);
            Environment environment{{variable, value}};
            if (pointer == "/workloads/default_provider")
                environment.emplace("ALPHASWARM_CP_PROVIDERS", "[{alias: p, plugin: p}]");
            if (pointer == "/identity/role_mapping")
                environment.emplace("ALPHASWARM_CP_IDENTITY__ISSUERS", "[{issuer: 'https://a', audiences: [a]}]");
            auto* before = &*base;
            if (pointer.starts_with("/server/tls/")) {
                if (pointer != "/server/tls/certificates")
                    environment.emplace("ALPHASWARM_CP_SERVER__TLS__CERTIFICATES", "[{certificate: a, key: b}]");
                before = &*with_tls;
            }
            // Only databases elsewhere have a URL.
            if (pointer == "/state/url") environment.emplace("ALPHASWARM_CP_STATE__KIND", "redis");
            if (pointer == "/egress/proxy_credentials") environment.emplace("ALPHASWARM_CP_EGRESS__PROXY", "p:1");
            // These two go together.
            if (pointer == "/server/tls/client_ca")
                environment.emplace("ALPHASWARM_CP_SERVER__TLS__CLIENT_AUTH", "required");
            if (pointer == "/server/tls/client_auth")
                environment.emplace("ALPHASWARM_CP_SERVER__TLS__CLIENT_CA", "ca.pem");
            auto changed = load_text("data_dir: d\n", "/c/f.yaml", environment, {});
            if (!changed) FAIL(describe(changed.error()));
            changed->origins = {};
            if (pointer == "/workloads/default_provider")
                CHECK(changed->workloads.default_provider == "p");
            else
                CHECK_FALSE(*changed == *before);
        });
}

TEST_CASE("limits_json shows every bound of the file", "[config]") {
    auto config = load_text("data_dir: d\nserver: {limits: {body_bytes: 2048}, workers: 3}\n", "/c/f.yaml", {}, {});
    REQUIRE(config);
    auto shown = *json::parse_object(limits_json(*config));
    CHECK(shown->getValue<int>("body_bytes") == 2048);
    CHECK(shown->getValue<int>("workers") == 3);
    CHECK(shown->getValue<int>("header_bytes") == 16384);
    for (std::string_view section :
         {"/properties/server/properties/limits/properties", "/properties/server/properties"}) {
        auto properties = json::find(schema(), section)->extract<json::Object::Ptr>();
        for (const auto& [name, property] : *properties) {
            INFO(name);
            if (property.extract<json::Object::Ptr>()->getValue<std::string>("type") == "integer")
                CHECK(shown->has(name));
        }
    }
}

TEST_CASE("the embedded schema is the file", "[config]") {
    std::ifstream file(std::string(ACP_CONFIG_DIR) + "/../host/config/schema.json");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    REQUIRE_FALSE(text.empty());
    CHECK(schema_text() == text);
}
