#include "dispatch/router.h"

#include <catch2/catch.hpp>

using namespace acp::dispatch;

namespace {

Route route(std::string method, std::string pattern) {
    Route r;
    r.method = std::move(method);
    r.pattern = std::move(pattern);
    r.operation_id = r.method + r.pattern;
    return r;
}

/// Operation found and its parameters, e.g. "GET/a/{x} x=1"; "405 <allow>", "501 <why>" or "404".
std::string find(const Router& router, std::string_view method, std::string_view path) {
    Params params;
    const auto match = router.match(method, path, params);
    if (match.route) {
        std::string out = match.route->operation_id;
        for (const auto& [n, v] : params) out += " " + n + "=" + v;
        return out;
    }
    if (!match.allow.empty()) return "405 " + match.allow;
    return match.reserved ? "501 " + *match.reserved : "404";
}

}  // namespace

TEST_CASE("literal and parameter segments lead to their routes") {
    Router router;
    for (auto pattern : {"/a", "/a/{x}", "/a/{x}/b", "/a/{x}/{y}", "/a/list"})
        REQUIRE(router.add(route("GET", pattern)));
    CHECK(find(router, "GET", "/a") == "GET/a");
    CHECK(find(router, "GET", "/a/1") == "GET/a/{x} x=1");
    CHECK(find(router, "GET", "/a/1/b") == "GET/a/{x}/b x=1");
    CHECK(find(router, "GET", "/a/1/c") == "GET/a/{x}/{y} x=1 y=c");
    CHECK(find(router, "GET", "/a/list") == "GET/a/list");
    CHECK(find(router, "GET", "/a/list/b") == "GET/a/{x}/b x=list");
    CHECK(find(router, "GET", "/a/a b/b") == "GET/a/{x}/b x=a b");
    for (auto path : {"/", "/b", "/a/", "/a/1/", "/a/1/b/", "/a/1/b/c", "/a//b", "/A"}) {
        CAPTURE(path);
        CHECK(find(router, "GET", path) == "404");
    }
}

TEST_CASE("a literal segment that leads nowhere gives way to the parameter") {
    Router router;
    router.add(route("GET", "/{x}/end"));
    router.add(route("GET", "/lit/{y}/other"));
    CHECK(find(router, "GET", "/lit/end") == "GET/{x}/end x=lit");
    CHECK(find(router, "GET", "/lit/1/other") == "GET/lit/{y}/other y=1");
}

TEST_CASE("a path with other methods tells which") {
    Router router;
    router.add(route("GET", "/a/{x}"));
    router.add(route("DELETE", "/a/{id}"));
    CHECK(find(router, "POST", "/a/1") == "405 GET, HEAD, DELETE, OPTIONS");
    CHECK(find(router, "HEAD", "/a/1") == "GET/a/{x} x=1");
    // Each route names its parameters itself.
    CHECK(find(router, "DELETE", "/a/1") == "DELETE/a/{id} id=1");
    CHECK(find(router, "get", "/a/1").starts_with("405"));
}

TEST_CASE("HEAD of its own goes before GET's") {
    Router router;
    router.add(route("GET", "/a"));
    router.add(route("HEAD", "/a"));
    router.add(route("HEAD", "/b"));
    CHECK(find(router, "HEAD", "/a") == "HEAD/a");
    CHECK(find(router, "POST", "/a") == "405 GET, HEAD, OPTIONS");
    CHECK(find(router, "GET", "/b") == "405 HEAD, OPTIONS");
}

TEST_CASE("a route is registered once, whatever its parameters are called") {
    Router router;
    REQUIRE(router.add(route("GET", "/a/{x}")));
    const auto again = router.add(route("GET", "/a/{y}"));
    REQUIRE_FALSE(again);
    CHECK(again.error().slug == "route_taken");
    CHECK(router.routes().size() == 1);
    REQUIRE(router.add(route("GET", "/a")));
    CHECK_FALSE(router.add(route("GET", "/a")));
}

TEST_CASE("a reserved prefix answers for what no route takes, whole segments only") {
    Router router;
    router.add(route("GET", "/proxy/known"));
    router.reserve("/proxy", "the proxy");
    router.reserve("/ext/", "extensions");
    CHECK(find(router, "GET", "/proxy/known") == "GET/proxy/known");
    CHECK(find(router, "GET", "/proxy") == "501 the proxy");
    CHECK(find(router, "GET", "/proxy/a/b") == "501 the proxy");
    CHECK(find(router, "GET", "/proxy2") == "404");
    CHECK(find(router, "GET", "/ext/a") == "501 extensions");
    CHECK(find(router, "GET", "/ext") == "404");
}
