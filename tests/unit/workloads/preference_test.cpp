#include "workloads/preference.h"

#include <catch2/catch.hpp>

using namespace acp;
using namespace acp::workloads;

namespace {

dispatch::Context request(std::optional<std::string> key) {
    dispatch::Context c;
    c.method = "POST";
    c.path = "/a";
    c.raw_query = "q=1";
    c.body = "{}";
    c.principal.subject = "alice";
    if (key) c.fields = {{"idempotency-key", *key}};
    return c;
}

std::string fingerprint(const dispatch::Context& c) {
    return idempotency_claim(c).value()->fingerprint;
}

}  // namespace

TEST_CASE("how long a client waits") {
    const std::pair<const char*, std::int64_t> table[] = {{"", 7},
                                                          {"wait=5", 5000},
                                                          {"wait=0", 0},
                                                          {"respond-async", 0},
                                                          {"respond-async, wait=10", 10'000},
                                                          {"wait=10,respond-async", 10'000},
                                                          {"wait=999", 300'000},
                                                          {" wait=5 ", 5000},
                                                          {"wait=-1", 7},
                                                          {"wait=", 7},
                                                          {"wait=x", 7},
                                                          {"wait=5s", 7},
                                                          {"return=minimal", 7},
                                                          {",,wait=2,", 2000},
                                                          {"wait=99999999999999999999", 7},
                                                          {"waiting=5", 7}};
    for (const auto& [prefer, ms] : table) {
        CAPTURE(prefer);
        CHECK(wait_ms(prefer, 7) == ms);
    }
}

TEST_CASE("no key is no claim") {
    CHECK_FALSE(idempotency_claim(request({})).value());
}

TEST_CASE("a key is visible ASCII, quoted or not") {
    CHECK(idempotency_claim(request("abc-1")).value()->key == "abc-1");
    CHECK(idempotency_claim(request("\"abc-1\"")).value()->key == "abc-1");
    CHECK(idempotency_claim(request("abc-1")).value()->principal == "alice");
    CHECK(idempotency_claim(request(std::string(128, 'k'))));
    for (const auto& bad :
         {std::string(), std::string("\"\""), std::string("\""), std::string("a b"), std::string("a\"b"),
          std::string("\xc3\xa4"), std::string("a\x7f"), std::string(129, 'k')}) {
        CAPTURE(bad);
        const auto claim = idempotency_claim(request(bad));
        REQUIRE_FALSE(claim);
        CHECK(claim.error().slug == "bad_idempotency_key");
    }
}

TEST_CASE("the fingerprint covers what makes the request") {
    const auto base = request("k");
    auto other = base;
    CHECK(fingerprint(base) == fingerprint(other));
    other.method = "PATCH";
    CHECK(fingerprint(base) != fingerprint(other));
    other = base;
    other.path = "/b";
    CHECK(fingerprint(base) != fingerprint(other));
    other = base;
    other.raw_query = "q=2";
    CHECK(fingerprint(base) != fingerprint(other));
    other = base;
    other.body = "{ }";
    CHECK(fingerprint(base) != fingerprint(other));
}
