#include "ledger/wording.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"

using namespace acp;
using namespace acp::ledger;

TEST_CASE("text is stored as valid UTF-8 of bounded length") {
    CHECK_FALSE(stored_text("").has_value());
    CHECK(stored_text("gr\xc3\xbc\xc3\x9f").value() == "gr\xc3\xbc\xc3\x9f");
    CHECK(stored_text(std::string_view("a\0b\xff"
                                       "c\xc3",
                                       6))
              .value() ==
          "a\xef\xbf\xbd"
          "b\xef\xbf\xbd"
          "c\xef\xbf\xbd");
    CHECK(stored_text("\xed\xa0\x80").value() == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    std::string cut = stored_text(std::string(kMaxText, 'x') + "\xc3\xbc").value();
    CHECK(cut.size() <= kMaxText);
    CHECK(cut.ends_with("x [cut]"));
    CHECK(is_utf8(stored_text(std::string(kMaxText - 17, 'x') + std::string(10, '\xc3')).value()));
}

TEST_CASE("a secret is hidden before the text is cut") {
    redact::Redactor redactor;
    std::string text = std::string(kMaxText - 30, 'x') + " ghp_0123456789abcdefghijABCDEFGHIJ012345";
    CHECK(stored_text(text, redactor).value().find("ghp_") == std::string::npos);
}

TEST_CASE("JSON too large for a row is told by size and digest") {
    redact::Redactor redactor;
    json::Var big(std::string(kMaxJson, 'x'));
    auto stored = json::parse_object(stored_json(big, redactor, nullptr).value()).value();
    CHECK(stored->getValue<std::int64_t>("bytes") == static_cast<std::int64_t>(kMaxJson) + 2);
    CHECK(stored->getValue<std::string>("sha256") == sha256_hex(json::dump(big)));
    CHECK_FALSE(stored_json(json::Var(), redactor, nullptr).has_value());
}

TEST_CASE("responses keep their bytes unless they hold a secret") {
    redact::Redactor redactor;
    StoredResponse response{201, "application/json", "/manage/runs/1?token=abc", "{ \"a\" : 1.50 }"};
    StoredResponse stored = stored_response(response, redactor);
    CHECK(stored.status == 201);
    CHECK(stored.body == response.body);
    CHECK(stored.location == "/manage/runs/1?token=[redacted]");
    response.body = R"({"access_token": "abc", "n": 1})";
    CHECK(stored_response(response, redactor).body == R"({"access_token":"[redacted]","n":1})");
    response.body = "password=hunter2 rest";
    CHECK(stored_response(response, redactor).body == "password=[redacted] rest");
}
