#include <algorithm>
#include <catch2/catch.hpp>

#include "manage/routes.h"
#include "state/open.h"
#include "unit/plugins/house.h"

using namespace acp;
using namespace acp::manage;

namespace {

/// Everything the routes refer to; nothing of it is called here.
struct Rooms {
    plugins::test::TempDir dir;
    redact::Redactor redactor;
    std::unique_ptr<ledger::Ledger> ledger = open_ledger(dir.path() / "ledger.db");
    std::unique_ptr<state::Store> state = state::open({}).value();
    plugins::Catalogue catalogue{plugins::host_api(), plugins::CatalogueOptions{dir.path() / "state", {}}};
    work::Pool queries{"queries", 1, 1}, callers{"callers", 1, 1}, pool{"actions", 1, 1}, streams{"streams", 1, 1}, probes{"probes", 1, 1};
    workloads::Actions actions{*ledger, pool, streams, {}};
    std::atomic<bool> draining{false};
    Services services{
        redactor, *ledger, *state, catalogue, actions, queries, callers, pool, streams, probes, "", "0.0.0", "{}", false, false, draining, [] {
            return std::string();
        }};
    OpenApi api = OpenApi::load().value();
    dispatch::Router router;

    static std::unique_ptr<ledger::Ledger> open_ledger(const std::string& path) {
        ledger::LedgerOptions options;
        options.path = path;
        return std::move(ledger::Ledger::open(std::move(options)).value());
    }
};

struct Operation {
    std::string method, path;
    json::Object::Ptr object;
};

/// The operations of a document, methods in upper case.
std::vector<Operation> operations(const OpenApi& api) {
    std::vector<Operation> all;
    const auto document = json::parse_object(api.text(), {64, 4U << 20}).value();
    const auto paths = document->getObject("paths");
    for (const auto& path : paths->getNames())
        for (const auto& method : paths->getObject(path)->getNames()) {
            std::string upper = method;
            std::transform(upper.begin(), upper.end(), upper.begin(), [](char c) { return static_cast<char>(c - 32); });
            all.push_back({upper, path, paths->getObject(path)->getObject(method)});
        }
    return all;
}

/// A path that the pattern matches.
std::string example(std::string pattern) {
    for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{'))
        pattern.replace(open, pattern.find('}') - open + 1, "x");
    return pattern;
}

dispatch::Route route(std::string method, std::string pattern, std::string id) {
    return {std::move(method),
            std::move(pattern),
            std::move(id),
            "a scope of its own",
            dispatch::Body::none,
            {},
            {},
            [](const dispatch::ContextPtr&) {}};
}

bool is_brokers(const std::string& path) { return path.starts_with("/auth/") || path.starts_with("/.well-known/"); }

/// All routes, with stubs for those of the identity broker, which room auth serves.
Result<void> serve(Rooms& rooms) {
    for (const auto& operation : operations(rooms.api))
        if (is_brokers(operation.path))
            if (auto added = rooms.api.mount(rooms.router, route(operation.method, operation.path, json::text_or(operation.object, "operationId"))); !added) return added;
    return add_routes(rooms.router, rooms.api, rooms.services);
}

}  // namespace

TEST_CASE("every operation of the document is served, under its id and with its scope, and nothing else is") {
    Rooms rooms;
    const auto added = serve(rooms);
    if (!added) FAIL(added.error().message);
    const auto documented = operations(rooms.api);
    CHECK(documented.size() > 20);
    CHECK(rooms.router.routes().size() == documented.size());
    for (const auto& operation : documented) {
        CAPTURE(operation.method, operation.path);
        dispatch::Params params;
        const auto match = rooms.router.match(operation.method, example(operation.path), params);
        REQUIRE(match.route);
        CHECK(match.route->pattern == operation.path);
        CHECK(match.route->operation_id == json::text_or(operation.object, "operationId"));
        const auto scopes = operation.object->getArray("x-scopes");
        CHECK(match.route->scope == (scopes->size() > 0 ? scopes->getElement<std::string>(0) : std::string()));
        CHECK(operation.object->has("x-required-acr"));
        const int handlers =
            (match.route->immediate ? 1 : 0) + (match.route->blocking ? 1 : 0) + (match.route->deferred ? 1 : 0);
        CHECK(handlers == 1);
        // An immediate handler sees no token: it must be public.
        if (match.route->immediate) CHECK(match.route->scope.empty());
    }
}

TEST_CASE("only health, the document itself and the identity broker are open to strangers") {
    Rooms rooms;
    REQUIRE(serve(rooms));
    std::vector<std::string> open;
    for (const auto& r : rooms.router.routes())
        if (r->scope.empty() && !is_brokers(r->pattern)) open.push_back(r->pattern);
    for (const auto& pattern : open) {
        CAPTURE(pattern);
        CHECK((pattern == "/manage/healthz" || pattern == "/manage/livez" || pattern == "/manage/readyz" ||
               pattern == "/manage/openapi.json"));
    }
    CHECK_FALSE(open.empty());
}

TEST_CASE("a route that the document lacks, or calls otherwise, is refused") {
    Rooms rooms;
    const auto unknown_path = rooms.api.mount(rooms.router, route("GET", "/manage/secret-door", "x"));
    REQUIRE_FALSE(unknown_path);
    CHECK(unknown_path.error().slug == "openapi_disagrees");
    CHECK(unknown_path.error().message.find("GET /manage/secret-door is not in the document") != std::string::npos);
    CHECK_FALSE(rooms.api.mount(rooms.router, route("TRACE", "/manage/workloads", "listWorkloads")));
    const auto other_id = rooms.api.mount(rooms.router, route("GET", "/manage/workloads", "x"));
    REQUIRE_FALSE(other_id);
    CHECK(other_id.error().message.find("another operationId") != std::string::npos);
    CHECK(rooms.router.routes().empty());
}

TEST_CASE("the document's scope counts, not the route's own; the operator may open one") {
    Rooms rooms;
    REQUIRE(rooms.api.mount(rooms.router, route("GET", "/manage/workloads", "listWorkloads")));
    CHECK(rooms.router.routes().back()->scope == "read:infrastructure");
    REQUIRE(rooms.api.mount(rooms.router, route("GET", "/manage/metrics", "getMetrics"), true));
    CHECK(rooms.router.routes().back()->scope.empty());
}

TEST_CASE("an operation that nothing serves is found before serving starts") {
    Rooms rooms;
    REQUIRE(serve(rooms));
    REQUIRE(rooms.api.check_all_mounted());
    REQUIRE(rooms.api.add_operation("POST", "/ext/promise", json::object({{"operationId", std::string("x")}})));
    const auto checked = rooms.api.check_all_mounted();
    REQUIRE_FALSE(checked);
    CHECK(checked.error().message.find("POST /ext/promise") != std::string::npos);
}

TEST_CASE("an operation needs scopes, and is added once") {
    Rooms rooms;
    REQUIRE(rooms.api.add_operation("GET", "/ext/a", json::object({{"operationId", std::string("a")}})));
    CHECK_FALSE(rooms.api.add_operation("GET", "/ext/a", json::object()));
    CHECK(rooms.api.add_operation("POST", "/ext/a", json::object({{"operationId", std::string("b")}})));
    const auto mounted = rooms.api.mount(rooms.router, route("GET", "/ext/a", "a"));
    REQUIRE_FALSE(mounted);
    CHECK(mounted.error().message.find("x-scopes") != std::string::npos);
}

TEST_CASE("a plugin's routes join the document below their mount; its mistakes are left out") {
    Rooms rooms;
    rooms.dir.put(ACP_GREETER, "greeter.so");
    rooms.catalogue.load({rooms.dir.path()});
    rooms.catalogue.make_routes({"hello", "test.greeter", "{}", "/ext/hello"});
    REQUIRE(rooms.catalogue.view()->routes.size() == 1);
    const auto added = serve(rooms);
    if (!added) FAIL(added.error().message);
    std::vector<std::string> mounted;
    for (const auto& r : rooms.router.routes())
        if (r->pattern.starts_with("/ext/"))
            mounted.push_back(r->method + " " + r->pattern + " " + r->operation_id + " " + r->scope);
    CHECK(mounted ==
          std::vector<std::string>{
              "GET /ext/hello/greet/{name} hello.greet read:greetings", "POST /ext/hello/echo hello.echo admin:cluster",
              "GET /ext/hello/slow hello.slow read:greetings", "GET /ext/hello/fail hello.fail read:greetings",
              "GET /ext/hello/late hello.late read:greetings", "HEAD /ext/hello/ping hello.ping read:greetings",
              "DELETE /ext/hello/greet/{name} hello.forget read:greetings"});
    const auto all = operations(rooms.api);
    const auto echo =
        std::find_if(all.begin(), all.end(), [](const Operation& o) { return o.path == "/ext/hello/echo"; });
    REQUIRE(echo != all.end());
    CHECK(echo->object->getArray("tags")->size() == 1);
}

TEST_CASE("parts of the contract that are not served yet say so") {
    Rooms rooms;
    REQUIRE(serve(rooms));
    for (auto path : {"/proxy/web/x", "/auth/login", "/manage/connections", "/manage/halt", "/console/"}) {
        CAPTURE(path);
        dispatch::Params params;
        const auto match = rooms.router.match("GET", path, params);
        CHECK(match.route == nullptr);
        CHECK(match.reserved != nullptr);
    }
    dispatch::Params params;
    CHECK(rooms.router.match("GET", "/manage/nonsense", params).reserved == nullptr);
}

TEST_CASE("every schema that routes check bodies with compiles") {
    const auto api = OpenApi::load().value();
    for (auto name : {"DeploymentSpec", "ExecRequest"}) {
        const auto schema = api.schema(name);
        if (!schema) FAIL(schema.error().message);
    }
    CHECK_FALSE(api.schema("NoSuchSchema"));
}
