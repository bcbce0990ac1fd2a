#include "config/address.h"

#include <catch2/catch.hpp>

using namespace acp::config;

TEST_CASE("endpoints", "[config]") {
    struct Row {
        std::string_view text, host;
        std::uint16_t port;
        bool loopback;
    };
    static constexpr Row good[] = {
        {"127.0.0.1:9000", "127.0.0.1", 9000, true},
        {"127.1.2.3:0", "127.1.2.3", 0, true},
        {"0.0.0.0:80", "0.0.0.0", 80, false},
        {"[::1]:65535", "::1", 65535, true},
        {"[::]:1", "::", 1, false},
        {"[fe80::1]:1", "fe80::1", 1, false},
        {"localhost:9000", "localhost", 9000, true},
        {"a.example.org:9000", "a.example.org", 9000, false},
        {"1a.example:1", "1a.example", 1, false},
        {"localhost.example:1", "localhost.example", 1, false},
    };
    for (const auto& row : good) {
        INFO(row.text);
        auto endpoint = parse_endpoint(row.text);
        REQUIRE(endpoint);
        CHECK(endpoint->host == row.host);
        CHECK(endpoint->port == row.port);
        CHECK(endpoint->is_loopback() == row.loopback);
        CHECK(endpoint->text() == row.text);
    }
    for (std::string_view bad : {"",
                                 ":",
                                 "9000",
                                 ":9000",
                                 "127.0.0.1",
                                 "127.0.0.1:",
                                 "127.0.0.1:65536",
                                 "127.0.0.1:-1",
                                 "127.0.0.1:+1",
                                 "127.0.0.1:9000 ",
                                 " 127.0.0.1:9000",
                                 "127.0.0.1:90a",
                                 "127.0.0.256:1",
                                 "1.2.3:1",
                                 "::1:9000",
                                 "[::1]",
                                 "[::1:9000",
                                 "[127.0.0.1]:1",
                                 "[]:1",
                                 "[host]:1",
                                 "a_b:1",
                                 "a b:1",
                                 "-a:1",
                                 ".a:1",
                                 "a..b:1",
                                 "a/b:1",
                                 "a:b:1"}) {
        INFO(bad);
        CHECK_FALSE(parse_endpoint(bad));
    }
    CHECK_FALSE(parse_endpoint(std::string_view("127.0.0.1\0:1", 12)));
    CHECK_FALSE(parse_endpoint(std::string(300, 'a') + ":1"));
}
