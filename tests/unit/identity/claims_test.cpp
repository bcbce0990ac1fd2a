#include "identity/claims.h"

#include <array>
#include <catch2/catch.hpp>
#include <limits>

using namespace acp;
using namespace acp::identity;

namespace {

constexpr std::int64_t now = 1'800'000'000;

/// A token with these claims; its signature is not looked at here.
jose::Compact token(const std::string& claims, const std::string& typ = "jwt") {
    jose::Compact out;
    out.typ = typ;
    out.claims = json::parse_object(claims).value();
    return out;
}

std::string claims(const std::string& more, const std::string& exp = "1800000600") {
    return R"({"iss":"https://idp.example","aud":"us","exp":)" + exp + more + "}";
}

ExpectedClaims expected(bool needs_iat = false) {
    static constexpr std::array<std::string_view, 2> audiences{"us", "us too"};
    static constexpr std::array<std::string_view, 2> types{"jwt", ""};
    return {"https://idp.example", audiences, types, 30, needs_iat};
}

std::string fault(const std::string& text, const std::string& typ = "jwt", bool needs_iat = false) {
    const auto times = check_claims(token(text, typ), expected(needs_iat), now);
    if (times) return "";
    CHECK(times.error().code == Code::unauthenticated);
    CHECK(times.error().slug == "invalid_token");
    return times.error().internal;
}

std::optional<std::int64_t> seconds(const std::string& value) {
    return seconds_of(json::parse_object(R"({"exp":)" + value + "}").value(), "exp");
}

}  // namespace

TEST_CASE("claims that are as expected give their times") {
    const auto times = check_claims(token(claims(R"(,"iat":1799999990,"nbf":1799999990)")), expected(), now).value();
    CHECK(times.expires_unix_s == 1800000600);
    CHECK(times.issued_unix_s == 1799999990);
    CHECK(check_claims(token(claims("")), expected(), now).value().issued_unix_s == 0);
}

TEST_CASE("a number of seconds is finite, not negative and fits") {
    CHECK(seconds("0") == 0);
    CHECK(seconds("1800000000") == now);
    CHECK(seconds("1800000000.9") == now);
    CHECK(seconds("1.8e9") == now);
    CHECK(seconds("1000000000000000") == 1'000'000'000'000'000);
    for (const char* bad : {"-1", "-0.5", "1000000000000001", "1e15", "9223372036854775807", "9223372036854775808",
                            "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "1e308",
                            "1e400", "-1e400", "\"1800000000\"", "true", "null", "[1800000000]", "{}", "\"\""}) {
        CAPTURE(bad);
        // What is beyond numbers may be refused as JSON already.
        auto object = json::parse_object(R"({"exp":)" + std::string(bad) + "}");
        if (object) CHECK_FALSE(seconds_of(*object, "exp"));
    }
    CHECK_FALSE(seconds_of(json::object(), "exp"));
}

TEST_CASE("iss is exact") {
    for (const char* issuer : {"\"https://idp.example/\"", "\"https://IDP.example\"", "\"https://idp.exampl\"", "\"\"",
                               "null", "5", R"(["https://idp.example"])"}) {
        CAPTURE(issuer);
        CHECK(fault(R"({"iss":)" + std::string(issuer) + R"(,"aud":"us","exp":1800000600})") == "iss");
    }
    CHECK(fault(R"({"aud":"us","exp":1800000600})") == "iss");
    // An issuer that was not configured is nobody, not everybody.
    auto open = expected();
    open.issuer = "";
    CHECK(check_claims(token(R"({"aud":"us","exp":1800000600})"), open, now).error().internal == "iss");
}

TEST_CASE("aud has one of ours") {
    const auto with = [](const std::string& aud) {
        return fault(R"({"iss":"https://idp.example","aud":)" + aud + R"(,"exp":1800000600})");
    };
    CHECK(with(R"("us")").empty());
    CHECK(with(R"("us too")").empty());
    CHECK(with(R"(["x","us"])").empty());
    for (const char* bad : {"\"Us\"", "\"us \"", "\"\"", "[]", "null", "5", "{\"us\":1}", "[[\"us\"]]", "[5,null]"}) {
        CAPTURE(bad);
        CHECK(with(bad) == "aud");
    }
    CHECK(fault(R"({"iss":"https://idp.example","exp":1800000600})") == "aud");
    auto none = expected();
    none.audiences = {};
    CHECK(check_claims(token(claims("")), none, now).error().internal == "aud");
}

TEST_CASE("typ is one of those that are expected") {
    CHECK(fault(claims(""), "").empty());
    CHECK(fault(claims(""), "at+jwt") == "typ");
    CHECK(fault(claims(""), "dpop+jwt") == "typ");
    auto none = expected();
    none.types = {};
    CHECK(check_claims(token(claims("")), none, now).error().internal == "typ");
}

TEST_CASE("times hold with the leeway and not beyond") {
    CHECK(fault(claims("", "1799999971")).empty());
    CHECK(fault(claims("", "1799999970")) == "exp");
    CHECK(check_claims(token(claims("", "1799999970")), expected(), now).error().message.find("expired") !=
          std::string::npos);
    CHECK(fault(claims(R"(,"nbf":1800000030)")).empty());
    CHECK(fault(claims(R"(,"nbf":1800000031)")) == "nbf");
    CHECK(fault(claims(R"(,"nbf":"soon")")) == "nbf");
    CHECK(fault(claims(R"(,"nbf":null)")) == "nbf");
    CHECK(fault(claims(R"(,"iat":1800000030)")).empty());
    CHECK(fault(claims(R"(,"iat":1800000031)")) == "iat in the future");
    CHECK(fault(claims(R"(,"iat":"now")")) == "iat missing");
    CHECK(fault(claims(""), "jwt", true) == "iat missing");
    CHECK(fault(R"({"iss":"https://idp.example","aud":"us"})") == "exp missing");
    CHECK(fault(claims("", "-1")) == "exp missing");
}

TEST_CASE("a leeway is at most a minute") {
    auto wide = expected();
    wide.leeway_s = 86400;
    CHECK(check_claims(token(claims("", "1799999941")), wide, now));
    CHECK_FALSE(check_claims(token(claims("", "1799999940")), wide, now));
    wide.leeway_s = -5;
    CHECK_FALSE(check_claims(token(claims("", "1800000000")), wide, now));
    CHECK(check_claims(token(claims("", "1800000001")), wide, now));
}
