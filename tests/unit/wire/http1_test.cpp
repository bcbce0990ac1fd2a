#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "wire/http1/parse.h"

using namespace acp::wire::http1;

namespace {

std::string with_nul(std::string text) {
    // "\0" in a literal ends it; the tables write it as "<NUL>".
    for (std::size_t at = text.find("<NUL>"); at != std::string::npos; at = text.find("<NUL>"))
        text.replace(at, 5, 1, '\0');
    return text;
}

struct Verdict {
    Parse parse = Parse::incomplete;
    Refusal refusal = Refusal::none;
};

Verdict request(std::string_view text, RequestHead& head, const HeadLimits& limits = {}) {
    std::size_t scanned = 0;
    Verdict v;
    v.parse = parse_request(text, limits, scanned, head, v.refusal);
    return v;
}

Verdict response(std::string_view text, ResponseHead& head, std::string_view method = "GET") {
    std::size_t scanned = 0;
    Verdict v;
    v.parse = parse_response(text, {}, scanned, method, head, v.refusal);
    return v;
}

struct Refused {
    const char* text;
    Refusal why;
};

const std::vector<Refused>& refused_requests() {
    static const std::vector<Refused> table = {
        {"GET /\r\n\r\n", Refusal::bad_request_line},
        {"GET\r\n\r\n", Refusal::bad_request_line},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET / a HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET / HTTX/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET / HTTP/11\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_request_line},
        {"\x16\x03\x01\r\n\r\n", Refusal::bad_request_line},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::unknown_method},
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET /\tb HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bad_target},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Refusal::bad_version},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", Refusal::bad_version},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", Refusal::bad_version},
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", Refusal::bare_lf},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", Refusal::bare_lf},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: y\n\n", Refusal::bare_lf},
        {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bare_lf},
        {"GET /\n\n", Refusal::bare_lf},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", Refusal::bare_cr},
        {"GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::bare_cr},
        {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", Refusal::bare_cr},
        {"GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n", Refusal::bare_cr},
        {"GET / HTTP/1.1\r\n\rHost: a\r\n\r\n", Refusal::bare_cr},
        {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", Refusal::bare_cr},
        {"G<NUL>T / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::nul_byte},
        {"GET /<NUL> HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::nul_byte},
        {"GET / HTTP<NUL>1.1\r\nHost: a\r\n\r\n", Refusal::nul_byte},
        {"GET / HTTP/1.1\r\nHost: a\r\nX<NUL>: b\r\n\r\n", Refusal::nul_byte},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: b<NUL>\r\n\r\n", Refusal::nul_byte},
        {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", Refusal::obs_fold},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n", Refusal::obs_fold},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", Refusal::obs_fold},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Refusal::space_before_colon},
        {"GET / HTTP/1.1\r\nHost\t : a\r\n\r\n", Refusal::space_before_colon},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n", Refusal::space_before_colon},
        {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", Refusal::bad_field_name},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", Refusal::bad_field_name},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", Refusal::bad_field_name},
        {"GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n", Refusal::bad_field_name},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\xc3\xa9: z\r\n\r\n", Refusal::bad_field_name},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", Refusal::bad_field_value},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789\x7f\r\n\r\n", Refusal::bad_field_value},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", Refusal::bad_field_value},
        {"GET / HTTP/1.1\r\n\r\n", Refusal::missing_host},
        {"GET / HTTP/1.1\r\nX: y\r\n\r\n", Refusal::missing_host},
        {"GET http://a/ HTTP/1.1\r\n\r\n", Refusal::missing_host},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::duplicate_host},
        {"GET / HTTP/1.0\r\nHost: a\r\nhOST: b\r\n\r\n", Refusal::duplicate_host},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: a:\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", Refusal::bad_host},
        {"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", Refusal::bad_host},
        {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", Refusal::host_mismatch},
        {"GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::host_mismatch},
        {"GET https://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", Refusal::host_mismatch},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n", Refusal::bad_content_length},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         Refusal::length_and_chunked},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
         Refusal::length_and_chunked},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
         Refusal::bad_transfer_coding},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::bad_transfer_coding},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", Refusal::bad_expect},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: web socket\r\n\r\n", Refusal::bad_upgrade},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade:\r\n\r\n", Refusal::bad_upgrade},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c/\r\n\r\n", Refusal::bad_upgrade},
    };
    return table;
}

const std::vector<Refused>& refused_responses() {
    static const std::vector<Refused> table = {
        {"HTTP/1.1 200\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1  200 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1 20 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1 2000 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1 099 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1 600 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1 2x0 OK\r\n\r\n", Refusal::bad_status_line},
        {"ICY 200 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", Refusal::bad_status_line},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", Refusal::bad_status_line},
        {"HTTP/2.0 200 OK\r\n\r\n", Refusal::bad_version},
        {"HTTP/1.1 200 OK\n\n", Refusal::bare_lf},
        {"HTTP/1.1 200 O\rK\r\n\r\n", Refusal::bare_cr},
        {"HTTP/1.1 200 <NUL>\r\n\r\n", Refusal::nul_byte},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", Refusal::bad_content_length},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::length_and_chunked},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Refusal::bad_transfer_coding},
        {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Refusal::bad_transfer_coding},
        {"HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", Refusal::space_before_colon},
        {"HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\n\r\n", Refusal::obs_fold},
    };
    return table;
}

}  // namespace

TEST_CASE("a request head is read into views of its buffer") {
    const std::string text =
        "POST /a/b?c=d%20e HTTP/1.1\r\nHost: Example.com:8080\r\ncontent-length:  12 \t\r\n"
        "X-Long: 0123456789\t0123456789\xc3\xa9 end\r\nX-Empty:\r\n\r\nbody";
    RequestHead head;
    Verdict v = request(text, head);
    REQUIRE(v.parse == Parse::complete);
    CHECK(v.refusal == Refusal::none);
    CHECK(head.size == text.size() - 4);
    CHECK(head.method == "POST");
    CHECK(head.target == "/a/b?c=d%20e");
    CHECK(head.authority == "Example.com:8080");
    CHECK(head.minor == 1);
    CHECK(head.framing == Framing::length);
    CHECK(head.content_length == 12);
    CHECK(head.keep_alive);
    CHECK_FALSE(head.upgrade);
    CHECK_FALSE(head.expect_continue);
    REQUIRE(head.field_count == 4);
    CHECK(head.fields[1].name == "content-length");
    CHECK(head.fields[1].value == "12");
    CHECK(head.field("x-long") == "0123456789\t0123456789\xc3\xa9 end");
    CHECK(head.field("x-empty").data() != nullptr);
    CHECK(head.field("x-empty").empty());
    CHECK(head.field("x-missing").data() == nullptr);
}

TEST_CASE("request targets in their four forms") {
    struct Row {
        const char* line;
        const char* host;
        const char* target;
        const char* authority;
    };
    const std::vector<Row> rows = {
        {"GET / HTTP/1.1", "a", "/", "a"},
        {"GET //x HTTP/1.1", "a", "//x", "a"},
        {"GET /?q HTTP/1.1", "127.0.0.1", "/?q", "127.0.0.1"},
        {"GET /x HTTP/1.1", "[::1]:9000", "/x", "[::1]:9000"},
        {"OPTIONS * HTTP/1.1", "a", "*", "a"},
        {"GET http://a/x?y HTTP/1.1", "a", "/x?y", "a"},
        {"GET HTTP://A/x HTTP/1.1", "a", "/x", "A"},
        {"GET http://a:80/x HTTP/1.1", "a", "/x", "a:80"},
        {"GET https://a/x HTTP/1.1", "a:443", "/x", "a"},
        {"GET http://a HTTP/1.1", "a", "/", "a"},
        {"GET http://a?q HTTP/1.1", "a", "?q", "a"},
        {"OPTIONS http://a HTTP/1.1", "a", "*", "a"},
        {"GET http://[::1]:80/x HTTP/1.1", "[::1]", "/x", "[::1]:80"},
        {"CONNECT b:443 HTTP/1.1", "b:443", "b:443", "b:443"},
    };
    for (const Row& row : rows) {
        INFO(row.line);
        const std::string text = std::string(row.line) + "\r\nHost: " + row.host + "\r\n\r\n";
        RequestHead head;
        REQUIRE(request(text, head).parse == Parse::complete);
        CHECK(head.target == row.target);
        CHECK(head.authority == row.authority);
    }
}

TEST_CASE("versions, persistence, expectations and upgrades") {
    struct Row {
        const char* text;
        int minor;
        bool keep_alive, upgrade, expect;
        Framing framing;
    };
    const std::vector<Row> rows = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, true, false, false, Framing::none},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1, true, false, false, Framing::none},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", 1, false, false, false, Framing::none},
        {"GET / HTTP/1.0\r\n\r\n", 0, false, false, false, Framing::none},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, true, false, false, Framing::none},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", 0, false, false, false,
         Framing::none},
        {"GET http://a/ HTTP/1.0\r\n\r\n", 0, false, false, false, Framing::none},
        {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 0\r\n\r\n", 1, true, false, true,
         Framing::length},
        {"PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", 0, false, false, false,
         Framing::length},
        {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n", 1, true, false, false, Framing::chunked},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 1, true, true, false,
         Framing::none},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", 1, true, false, false, Framing::none},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n", 1, true, false, false, Framing::none},
        {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: h2c, a/1\r\n\r\n", 0, false, false, false, Framing::none},
        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", 1, true, false, false,
         Framing::length},
        {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n", 1, true, false, false, Framing::length},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        RequestHead head;
        REQUIRE(request(row.text, head).parse == Parse::complete);
        CHECK(head.size == std::string_view(row.text).size());
        CHECK(head.minor == row.minor);
        CHECK(head.keep_alive == row.keep_alive);
        CHECK(head.upgrade == row.upgrade);
        CHECK(head.expect_continue == row.expect);
        CHECK(head.framing == row.framing);
    }
}

TEST_CASE("a head object is used again without a trace of the last request") {
    RequestHead head;
    REQUIRE(request("PUT / HTTP/1.0\r\nHost: a\r\nContent-Length: 7\r\nConnection: keep-alive\r\n\r\n", head).parse ==
            Parse::complete);
    REQUIRE(request("GET http://b/ HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\n\r\n", head).parse ==
            Parse::complete);
    REQUIRE(request("GET /x HTTP/1.0\r\n\r\n", head).parse == Parse::complete);
    CHECK(head.content_length == 0);
    CHECK(head.framing == Framing::none);
    CHECK(head.authority.empty());
    CHECK(head.field_count == 0);
    CHECK_FALSE(head.expect_continue);
    CHECK_FALSE(head.keep_alive);
}

TEST_CASE("requests that a strict server refuses") {
    for (const Refused& row : refused_requests()) {
        const std::string text = with_nul(row.text);
        INFO(text);
        RequestHead head;
        Verdict v = request(text, head);
        CHECK(v.parse == Parse::refused);
        CHECK(refusal_name(v.refusal) == refusal_name(row.why));
    }
}

TEST_CASE("limits of a head") {
    const std::string first = "GET / HTTP/1.1\r\nHost: a\r\n";
    RequestHead head;
    SECTION("size, to the byte") {
        const std::string text = first + "X: " + std::string(100, 'x') + "\r\n\r\n";
        HeadLimits limits;
        limits.bytes = text.size();
        CHECK(request(text, head, limits).parse == Parse::complete);
        --limits.bytes;
        CHECK(request(text, head, limits).refusal == Refusal::head_too_large);
    }
    SECTION("an endless head is refused as soon as the limit is reached") {
        const std::string text = first + "X: " + std::string(20000, 'x');
        CHECK(request(text.substr(0, 16383), head).parse == Parse::incomplete);
        CHECK(request(text.substr(0, 16384), head).refusal == Refusal::head_too_large);
    }
    SECTION("number of fields") {
        std::string text = first;
        for (int i = 0; i < 99; ++i) text += "X: y\r\n";
        CHECK(request(text + "\r\n", head).parse == Parse::complete);
        CHECK(head.field_count == 100);
        CHECK(request(text + "X: y\r\n\r\n", head).refusal == Refusal::too_many_fields);
    }
    SECTION("length of the target") {
        HeadLimits limits;
        limits.target = 10;
        CHECK(request("GET /123456789 HTTP/1.1\r\nHost: a\r\n\r\n", head, limits).parse == Parse::complete);
        CHECK(request("GET /1234567890 HTTP/1.1\r\nHost: a\r\n\r\n", head, limits).refusal == Refusal::target_too_long);
        CHECK(request("GET /" + std::string(20000, 'x'), head).refusal == Refusal::target_too_long);
    }
}

TEST_CASE("how a request arrives does not change the verdict") {
    std::vector<std::string> texts;
    for (const Refused& row : refused_requests()) texts.push_back(with_nul(row.text));
    texts.emplace_back("GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
    texts.emplace_back("\r\nPOST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    for (const std::string& text : texts) {
        INFO(text);
        RequestHead whole;
        const Verdict expected = request(text, whole);
        for (std::size_t split = 0; split < text.size(); ++split) {
            RequestHead head;
            std::size_t scanned = 0;
            Verdict v;
            v.parse = parse_request(std::string_view(text).substr(0, split), {}, scanned, head, v.refusal);
            if (v.parse == Parse::incomplete) v.parse = parse_request(text, {}, scanned, head, v.refusal);
            REQUIRE(v.parse == expected.parse);
            REQUIRE(v.refusal == expected.refusal);
        }
        RequestHead head;
        std::size_t scanned = 0;
        Verdict v;
        for (std::size_t size = 0; size <= text.size() && v.parse == Parse::incomplete; ++size)
            v.parse = parse_request(std::string_view(text).substr(0, size), {}, scanned, head, v.refusal);
        CHECK(v.parse == expected.parse);
        CHECK(v.refusal == expected.refusal);
        if (v.parse == Parse::complete) CHECK(head.size == whole.size);
    }
}

TEST_CASE("response heads and their framing") {
    struct Row {
        const char* text;
        const char* method;
        int status;
        Framing framing;
        bool keep_alive;
    };
    const std::vector<Row> rows = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET", 200, Framing::length, true},
        {"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", "GET", 200, Framing::chunked, true},
        {"HTTP/1.1 404 Not \xc3\xa9\tFound\r\n\r\n", "GET", 404, Framing::until_close, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", "GET", 200, Framing::until_close, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", "GET", 200, Framing::length, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", 200, Framing::none, true},
        {"HTTP/1.1 100 Continue\r\n\r\n", "POST", 100, Framing::none, true},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "GET", 204, Framing::none, true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", "GET", 304, Framing::none, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "CONNECT", 200, Framing::none, true},
        {"HTTP/1.1 407 No\r\nContent-Length: 1\r\n\r\n", "CONNECT", 407, Framing::length, true},
        {"HTTP/1.1 200 OK\r\nHost: not our business\r\nExpect: x\r\nContent-Length: 0\r\n\r\n", "GET", 200,
         Framing::length, true},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        ResponseHead head;
        REQUIRE(response(row.text, head, row.method).parse == Parse::complete);
        CHECK(head.status == row.status);
        CHECK(head.framing == row.framing);
        CHECK(head.keep_alive == row.keep_alive);
    }
    ResponseHead head;
    REQUIRE(response("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", head).parse ==
            Parse::complete);
    CHECK(head.upgrade);
    CHECK(head.reason == "Switching Protocols");
}

TEST_CASE("responses that a strict client refuses") {
    for (const Refused& row : refused_responses()) {
        const std::string text = with_nul(row.text);
        INFO(text);
        ResponseHead head;
        Verdict v = response(text, head);
        CHECK(v.parse == Parse::refused);
        CHECK(refusal_name(v.refusal) == refusal_name(row.why));
        for (std::size_t split = 0; split < text.size(); ++split) {
            std::size_t scanned = 0;
            Verdict two;
            two.parse = parse_response(std::string_view(text).substr(0, split), {}, scanned, "GET", head, two.refusal);
            if (two.parse == Parse::incomplete) two.parse = parse_response(text, {}, scanned, "GET", head, two.refusal);
            REQUIRE(two.parse == v.parse);
            REQUIRE(two.refusal == v.refusal);
        }
    }
    ResponseHead head;
    CHECK(response("HTTP/1.1 200 " + std::string(20000, 'x'), head).refusal == Refusal::head_too_large);
}

TEST_CASE("every refusal has a name of its own and a status") {
    std::set<std::string_view> names;
    for (int i = 0; i < static_cast<int>(Refusal::last_); ++i) {
        const auto refusal = static_cast<Refusal>(i);
        CHECK(names.insert(refusal_name(refusal)).second);
        const int status = refusal_status(refusal);
        CHECK((status == 400 || status == 414 || status == 417 || status == 431 || status == 501 || status == 505));
    }
    CHECK(refusal_status(Refusal::bad_version) == 505);
    CHECK(refusal_status(Refusal::bad_expect) == 417);
    CHECK(refusal_status(Refusal::target_too_long) == 414);
    CHECK(refusal_status(Refusal::too_many_fields) == 431);
    CHECK(refusal_status(Refusal::head_too_large) == 431);
    CHECK(refusal_status(Refusal::bare_lf) == 400);
}

TEST_CASE("tokens, values and lists") {
    CHECK(is_token("!#$%&'*+-.^_`|~09azAZ"));
    for (const char* bad : {"", "a b", "a:b", "\"", "(", "\x7f", "\xc3\xa9"}) CHECK_FALSE(is_token(bad));
    CHECK(is_field_value(""));
    CHECK(is_field_value("a\tb \xff 0123456789 0123456789"));
    for (const char* bad : {"a\rb", "a\nb", "\x01", "0123456789abcdef\x7f", "0123456\x1f"})
        CHECK_FALSE(is_field_value(bad));
    CHECK_FALSE(is_field_value(std::string_view("a\0b", 3)));
    CHECK(equals_ci("CoNt", "cont"));
    CHECK_FALSE(equals_ci("cont", "conta"));
    CHECK_FALSE(equals_ci("@", "`"));
    CHECK(list_has("a, Upgrade ,b", "upgrade"));
    CHECK(list_has(",,upgrade", "upgrade"));
    CHECK_FALSE(list_has("upgraded, up grade", "upgrade"));
    CHECK_FALSE(list_has("", "upgrade"));
}
