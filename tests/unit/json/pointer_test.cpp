#include "json/pointer.h"

#include <catch2/catch.hpp>

#include "json/nearest.h"

using namespace acp;

TEST_CASE("RFC 6901 section 5", "[json]") {
    auto document =
        *json::parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8})");
    struct Row {
        std::string_view pointer, value;
    };
    static constexpr Row rows[] = {{"/foo", R"(["bar","baz"])"},
                                   {"/foo/0", "\"bar\""},
                                   {"/", "0"},
                                   {"/a~1b", "1"},
                                   {"/c%d", "2"},
                                   {"/e^f", "3"},
                                   {"/g|h", "4"},
                                   {"/i\\j", "5"},
                                   {"/k\"l", "6"},
                                   {"/ ", "7"},
                                   {"/m~0n", "8"}};
    for (const auto& row : rows) {
        INFO(row.pointer);
        auto value = json::find(document, row.pointer);
        REQUIRE(value);
        CHECK(json::dump(*value) == row.value);
    }
    CHECK(json::dump(*json::find(document, "")) == json::dump(document));
    for (std::string_view wrong : {"foo", "/foo/2", "/foo/-", "/foo/00", "/foo/+0", "/foo/0/x", "/m~n", "/m~2n", "/m~",
                                   "/nothing", "//", "/foo/4294967296"})
        CHECK_FALSE(json::find(document, wrong));
}

TEST_CASE("pointers are built and shown", "[json]") {
    CHECK(json::child("/a", "b/c~d") == "/a/b~1c~0d");
    CHECK(json::child("", std::size_t{3}) == "/3");
    CHECK(json::parent("/a/b") == "/a");
    CHECK(json::parent("/a").empty());
    CHECK(json::parent("").empty());
    CHECK(json::dotted("/server/limits/body_bytes") == "server.limits.body_bytes");
    CHECK(json::dotted("/providers/0/alias") == "providers[0].alias");
    CHECK(json::dotted("").empty());
}

TEST_CASE("the nearest known name is found, a far one is not", "[json]") {
    const std::vector<std::string> known = {"listen", "loops", "workers", "worker_queue", "id"};
    CHECK(json::nearest("lisen", known) == "listen");
    CHECK(json::nearest("lsiten", known) == "listen");
    CHECK(json::nearest("Listen", known) == "listen");
    CHECK(json::nearest("worker-queue", known) == "worker_queue");
    CHECK(json::nearest("worker", known) == "workers");
    CHECK(json::nearest("is", known) == "id");
    CHECK(json::nearest("database", known).empty());
    CHECK(json::nearest("", known).empty());
    CHECK(json::nearest(std::string(100000, 'a'), known).empty());
}
