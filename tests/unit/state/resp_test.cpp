// Replies of Redis, byte by byte, and URLs.
#include "state/resp.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "state/redis_url.h"

using namespace acp;
using namespace acp::state;
using resp::Progress;
using resp::Reply;

namespace {

Progress progress_of(std::string_view bytes) {
    Reply reply;
    std::size_t used = 0;
    return resp::parse(bytes, reply, used);
}

/// A whole reply; every part of it is incomplete.
Reply whole(const std::string& bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        INFO("cut at " << i);
        CHECK(progress_of(bytes.substr(0, i)) == Progress::incomplete);
    }
    Reply reply;
    std::size_t used = 0;
    CHECK(resp::parse(bytes + "+more", reply, used) == Progress::complete);
    CHECK(used == bytes.size());
    return reply;
}

std::string refused(std::string_view url) {
    auto parsed = parse_redis_url(url);
    INFO(url);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.find("hunter2") == std::string::npos);
    return parsed.error().message;
}

RedisUrl accepted(std::string_view url) {
    auto parsed = parse_redis_url(url);
    if (!parsed) FAIL(url << ": " << parsed.error().message);
    return *parsed;
}

}  // namespace

TEST_CASE("commands are arrays of strings", "[state]") {
    CHECK(resp::command({"GET", "k"}) == "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    CHECK(resp::command({"SET", "", std::string_view("\0\r\n", 3)}) == std::string("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$3\r\n\0\r\n\r\n", 28));
}

TEST_CASE("replies", "[state]") {
    CHECK(whole("+OK\r\n").text == "OK");
    CHECK(whole("+\r\n").kind == Reply::Kind::text);
    CHECK(whole("-ERR what\r\n").is_error("ERR "));
    CHECK_FALSE(whole("+ERR what\r\n").is_error("ERR "));
    CHECK(whole(":42\r\n").number == 42);
    CHECK(whole(":-9223372036854775808\r\n").number == INT64_MIN);
    CHECK(whole("$3\r\na\r\n\r\n").text == "a\r\n");
    CHECK(whole("$0\r\n\r\n").kind == Reply::Kind::bytes);
    CHECK(whole("$-1\r\n").is_null());
    CHECK(whole("*-1\r\n").is_null());
    CHECK(whole("*0\r\n").kind == Reply::Kind::list);
    const Reply list = whole("*3\r\n$1\r\na\r\n:7\r\n*1\r\n$-1\r\n");
    REQUIRE(list.list.size() == 3);
    CHECK(list.list[0].text == "a");
    CHECK(list.list[1].number == 7);
    CHECK(list.list[2].list.at(0).is_null());
}

TEST_CASE("what is no reply", "[state]") {
    for (std::string_view bytes :
         {"\r\n", "HTTP/1.1 400 Bad Request\r\n", "OK\r\n", ":\r\n", ":+1\r\n", ": 1\r\n", ":1a\r\n", ":9223372036854775808\r\n", "$-2\r\n", "$x\r\n",
          "$1048577\r\n", "$99999999999\r\n", "$1\r\nabc", "*-2\r\n", "*100001\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n", "+OK\n", "%1\r\n"}) {
        INFO(bytes);
        CHECK(progress_of(bytes) == Progress::malformed);
    }
    CHECK(progress_of("+" + std::string(5000, 'a')) == Progress::malformed);
    // Announced is not there: nothing is set aside for it.
    CHECK(progress_of("*100000\r\n") == Progress::incomplete);
}

TEST_CASE("URLs of Redis", "[state]") {
    RedisUrl url = accepted("redis://cache.example");
    CHECK((url.host == "cache.example" && url.port == 6379 && !url.is_tls && url.database == 0 && url.password.empty()));
    url = accepted("rediss://us%2fer:p%40ss%3A@[::1]:7000/3?ca=/etc/ca%20s.pem&cert=/c&key=/k");
    CHECK((url.is_tls && url.host == "::1" && url.port == 7000 && url.database == 3));
    CHECK((url.user == "us/er" && url.password == "p@ss:"));
    CHECK((url.ca == "/etc/ca s.pem" && url.certificate == "/c" && url.key == "/k"));
    CHECK(url.place() == "[::1]:7000");
    url = accepted("unix://:hunter2@/run/redis/redis.sock?db=2");
    CHECK((url.socket == "/run/redis/redis.sock" && url.password == "hunter2" && url.user.empty() && url.database == 2));
    CHECK(url.place() == "/run/redis/redis.sock");
    CHECK(accepted("redis://h:1/").database == 0);
    CHECK(accepted("redis://h/65535").database == 65535);

    for (std::string_view bad : {"",
                                 "redis:",
                                 "redis:/h",
                                 "http://h",
                                 "REDIS://h",
                                 "redis://",
                                 "redis://:hunter2@",
                                 "redis://h:0",
                                 "redis://h:65536",
                                 "redis://h:",
                                 "redis://h:6x",
                                 "redis://[::1",
                                 "redis://[::1]x",
                                 "redis://[::1]:",
                                 "redis://h/x",
                                 "redis://h/-1",
                                 "redis://h/65536",
                                 "redis://h?ca=/f",
                                 "rediss://h?cert=/f",
                                 "rediss://h?ca=",
                                 "redis://h?db=1&what=hunter2",
                                 "redis://hunter2@h",
                                 "redis://u:hunter2%@h",
                                 "redis://u:%zz@h",
                                 "redis://u:%00@h",
                                 "redis://:hunter2@h#f",
                                 "redis://h h",
                                 "redis://h\x7f",
                                 "redis://h\xc3\xa4",
                                 "unix://relative/path",
                                 "unix://",
                                 "unix:///"})
        CHECK_FALSE(refused(bad).empty());
    CHECK(refused("unix:///" + std::string(200, 'a')).find("too long") != std::string::npos);
}
