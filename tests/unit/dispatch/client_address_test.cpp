#include "dispatch/client_address.h"

#include <catch2/catch.hpp>

using namespace acp;
using namespace acp::dispatch;

namespace {

TrustedProxies trusting(const std::vector<std::string>& texts) {
    return TrustedProxies::parse(texts).value();
}

std::string from(std::string_view peer, const std::vector<std::string>& forwarded, const TrustedProxies& proxies) {
    std::vector<wire::http1::Field> fields;
    for (const auto& value : forwarded) fields.push_back({"X-Forwarded-For", value});
    wire::RequestView request;
    const std::string kept(peer);
    request.peer = kept;
    request.fields = fields;
    return client_address(request, proxies);
}

}  // namespace

TEST_CASE("the client is the last address that is no trusted proxy's") {
    const auto proxies = trusting({"10.0.0.0/8", "192.0.2.1", "fd00::/8"});
    struct Case {
        std::string peer;
        std::vector<std::string> forwarded;
        std::string client;
    };
    const auto c = GENERATE(values<Case>({
        {"10.1.2.3:400", {}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"203.0.113.9"}, "203.0.113.9"},
        {"10.1.2.3:400", {"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
        {"10.1.2.3:400", {"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
        {"10.1.2.3:400", {"203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
        {"10.1.2.3:400", {"203.0.113.9,\t192.0.2.1 ", "10.9.9.9"}, "203.0.113.9"},
        {"10.1.2.3:400", {"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
        {"10.1.2.3:400", {"203.0.113.9:5555"}, "203.0.113.9"},
        {"10.1.2.3:400", {"2001:db8::7"}, "[2001:db8::7]"},
        {"10.1.2.3:400", {"[2001:db8::7]:443"}, "[2001:db8::7]"},
        {"[fd00::1]:9", {"203.0.113.9"}, "203.0.113.9"},
        {"[::ffff:10.0.0.1]:9", {"203.0.113.9"}, "203.0.113.9"},
        // Strangers say nothing, whatever they write.
        {"203.0.113.1:4", {"10.0.0.1"}, "203.0.113.1:4"},
        {"unix", {"203.0.113.9"}, "unix"},
        {"unknown", {"203.0.113.9"}, "unknown"},
        // Behind what is malformed everything is made up.
        {"10.1.2.3:400", {"203.0.113.9, nonsense"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"203.0.113.9, nonsense, 10.0.0.2"}, "10.0.0.2"},
        {"10.1.2.3:400", {""}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"203.0.113.9,"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"203.0.113.9:"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"203.0.113.9:123456"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"[2001:db8::7"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"[203.0.113.9]"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"0x7f.1"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"203.0.113"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"unknown"}, "10.1.2.3:400"},
        {"10.1.2.3:400", {"_hidden"}, "10.1.2.3:400"},
    }));
    CAPTURE(c.peer, c.forwarded);
    CHECK(from(c.peer, c.forwarded, proxies) == c.client);
}

TEST_CASE("networks end at their last bit") {
    const auto proxies = trusting({"172.16.0.0/12", "0.0.0.0/32", "unix"});
    CHECK(proxies.has_peer("172.31.255.255:1"));
    CHECK_FALSE(proxies.has_peer("172.32.0.0:1"));
    CHECK_FALSE(proxies.has_peer("172.15.255.255:1"));
    CHECK(proxies.has_peer("unix"));
    CHECK(from("unix", {"203.0.113.9"}, proxies) == "203.0.113.9");
    CHECK_FALSE(trusting({"0.0.0.0/0"}).has_peer("[2001:db8::1]:1"));
    CHECK(trusting({"::/0"}).has_peer("[2001:db8::1]:1"));
    CHECK(trusting({}).empty());
}

TEST_CASE("a chain of proxies is followed so far and no further") {
    std::string chain = "203.0.113.9";
    for (int i = 0; i < 100; ++i) chain += ", 10.0.0." + std::to_string(i);
    CHECK(from("10.1.2.3:400", {chain}, trusting({"10.0.0.0/8"})) == "10.0.0.68");
}

TEST_CASE("what is no network is refused by name") {
    for (const auto* text : {"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "::/129", "proxy.example", "", "10.0.0"})
        CHECK(TrustedProxies::parse({"10.0.0.1", text}).error().message.find(text) == 0);
}
