#include "workloads/preference.h"

#include <catch2/catch.hpp>

using namespace acp;
using namespace acp::workloads;

namespace {

/// A request, as `change` makes it.
class Request {
public:
    explicit Request(std::optional<std::string> key, void (*change)(dispatch::Context&) = nullptr) {
        c_.method = "POST";
        c_.path = "/a";
        c_.raw_query = "q=1";
        c_.body = "{}";
        c_.principal = std::make_shared<identity::Principal>(identity::Principal{.subject = "alice"});
        if (key) c_.fields = {{"idempotency-key", *key}};
        if (change) change(c_);
    }
    operator const dispatch::Context&() const { return c_; }

private:
    dispatch::Context c_;
};

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
    CHECK_FALSE(idempotency_claim(Request({})).value());
}

TEST_CASE("a key is visible ASCII, quoted or not") {
    CHECK(idempotency_claim(Request("abc-1")).value()->key == "abc-1");
    CHECK(idempotency_claim(Request("\"abc-1\"")).value()->key == "abc-1");
    CHECK(idempotency_claim(Request("abc-1")).value()->principal == "alice");
    CHECK(idempotency_claim(Request(std::string(128, 'k'))));
    for (const auto& bad :
         {std::string(), std::string("\"\""), std::string("\""), std::string("a b"), std::string("a\"b"),
          std::string("\xc3\xa4"), std::string("a\x7f"), std::string(129, 'k')}) {
        CAPTURE(bad);
        const auto claim = idempotency_claim(Request(bad));
        REQUIRE_FALSE(claim);
        CHECK(claim.error().slug == "bad_idempotency_key");
    }
}

TEST_CASE("the fingerprint covers what makes the request") {
    const std::string base = fingerprint(Request("k"));
    CHECK(base == fingerprint(Request("k")));
    CHECK(base != fingerprint(Request("k", [](dispatch::Context& c) { c.method = "PATCH"; })));
    CHECK(base != fingerprint(Request("k", [](dispatch::Context& c) { c.path = "/b"; })));
    CHECK(base != fingerprint(Request("k", [](dispatch::Context& c) { c.raw_query = "q=2"; })));
    CHECK(base != fingerprint(Request("k", [](dispatch::Context& c) { c.body = "{ }"; })));
}
