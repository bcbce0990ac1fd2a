#include "client/origin.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace acp;
using namespace acp::client;

TEST_CASE("URLs that are understood") {
    struct Row {
        const char* text;
        Scheme scheme;
        const char* host;
        int port;
        const char* target;
        const char* host_field;
        const char* place;
    };
    const std::vector<Row> rows = {
        {"http://example.com", Scheme::http, "example.com", 80, "/", "example.com", "example.com:80"},
        {"http://127.0.0.1:9000/a?b=c", Scheme::http, "127.0.0.1", 9000, "/a?b=c", "127.0.0.1:9000", "127.0.0.1:9000"},
        {"http://[::1]:81/x", Scheme::http, "::1", 81, "/x", "[::1]:81", "[::1]:81"},
        {"https://a?q", Scheme::https, "a", 443, "/?q", "a", "a:443"},
        {"unix:///run/docker.sock:/v1.41/info?x=y", Scheme::unix_socket, "/run/docker.sock", 0, "/v1.41/info?x=y",
         "localhost", "/run/docker.sock"},
        {"unix:///run/docker.sock", Scheme::unix_socket, "/run/docker.sock", 0, "/", "localhost", "/run/docker.sock"},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        const Result<Url> url = parse_url(row.text);
        REQUIRE(url);
        CHECK(url->scheme == row.scheme);
        CHECK(url->host == row.host);
        CHECK(url->port == row.port);
        CHECK(url->target == row.target);
        CHECK(url->host_field == row.host_field);
        CHECK(client::origin_of(*url).place() == row.place);
    }
}

TEST_CASE("URLs that are refused") {
    const std::vector<std::string> rows = {
        "",
        "example.com",
        "ftp://a/",
        "HTTP://a/",
        "http://",
        "http:///x",
        "http://:80/",
        "http://a:/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:8x/",
        "http://u:p@a/",
        "http://a b/",
        "http://a/ b",
        "http://a/\r\nX: y",
        "http://a/#f",
        "http://a\t/",
        "http://\xc3\xa9/",
        "http://a/\xc3\xa9",
        "http://[::1/",
        "http://[::g]/",
        "http://[::1]x/",
        "http://a,b/",
        "http://" + std::string(256, 'a') + "/",
        "http://a/" + std::string(9000, 'a'),
        "unix://run/docker.sock:/x",
        "unix:///:/x",
        "unix:///" + std::string(108, 'a') + ":/x",
        std::string("http://a/\0", 10),
    };
    for (const std::string& text : rows) {
        INFO(text);
        const Result<Url> url = parse_url(text);
        REQUIRE_FALSE(url);
        CHECK(url.error().code == Code::invalid);
    }
}
