#include "identity/htu.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace acp::identity;

TEST_CASE("each URL has one spelling", "[htu]") {
    struct Row {
        const char* given;
        const char* normal;
    };
    const std::vector<Row> rows = {
        {"https://a.example/x", "https://a.example/x"},
        {"HTTPS://A.Example/x", "https://a.example/x"},
        {"https://a.example:443/x", "https://a.example/x"},
        {"http://a.example:80/x", "http://a.example/x"},
        {"http://a.example:443/x", "http://a.example:443/x"},
        {"https://a.example:80/x", "https://a.example:80/x"},
        {"https://a.example", "https://a.example/"},
        {"https://a.example?q", "https://a.example/"},
        {"https://a.example/x?q=1", "https://a.example/x"},
        {"https://a.example/x#f", "https://a.example/x"},
        {"https://a.example/x?q=1#f", "https://a.example/x"},
        {"https://a.example/%7euser", "https://a.example/~user"},
        {"https://a.example/%2f", "https://a.example/%2F"},
        {"https://a.example/%2F", "https://a.example/%2F"},
        {"https://a.example/a%2fb", "https://a.example/a%2Fb"},
        {"https://a.example/X", "https://a.example/X"},
        {"https://a.example/a/./b", "https://a.example/a/b"},
        {"https://a.example/a/../b", "https://a.example/b"},
        {"https://a.example/../../b", "https://a.example/b"},
        {"https://a.example/a/..", "https://a.example/"},
        {"https://a.example/a/b/.", "https://a.example/a/b/"},
        {"https://a.example/%2e%2e/b", "https://a.example/b"},
        {"https://a.example/a//b", "https://a.example/a//b"},
        {"https://a.example/a/", "https://a.example/a/"},
        {"https://[2001:DB8::1]:9443/x", "https://[2001:db8::1]:9443/x"},
        {"http://127.0.0.1:9000/manage/runs", "http://127.0.0.1:9000/manage/runs"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.given);
        CHECK(normal_htu(row.given) == std::string(row.normal));
    }
}

TEST_CASE("what is no URL of a request has none", "[htu]") {
    for (const char* bad :
         {"", "/x", "a.example/x", "ftp://a.example/x", "unix:///run/x.sock", "https://u@a.example/x",
          "https://u:p@a.example/x", "https:///x", "https://", "https://a.example:0/x", "https://a.example:99999/x",
          "https://a.example/%", "https://a.example/%2", "https://a.example/%zz", "https://a.example/a b",
          "https://a.example/\xc3\xa4", "https://a.example/\n", "javascript:alert(1)"}) {
        CAPTURE(bad);
        CHECK_FALSE(normal_htu(bad));
    }
}
