#include <catch2/catch.hpp>
#include <string>

#include "base/bytes.h"
#include "wire/websocket/utf8.h"

using acp::wire::websocket::Utf8Check;

namespace {

/// Bytes taken before the check failed; the size when it did not.
std::size_t good_bytes(std::string_view text) {
    Utf8Check check;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (!check.take(text.substr(i, 1))) return i;
    return text.size();
}

}  // namespace

TEST_CASE("a fault in UTF-8 is seen at its first byte", "[websocket]") {
    const struct {
        std::string text;
        std::size_t fault;
    } table[] = {
        {"\x80", 0},      // continuation without start
        {"\xc0\xaf", 0},  // overlong "/"
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 1},      // overlong in three bytes
        {"\xf0\x8f\xbf\xbf", 1},  // overlong in four
        {"\xed\xa0\x80", 1},      // surrogate
        {"\xed\xbf\xbf", 1},
        {"\xf4\x90\x80\x80", 1},  // over U+10FFFF
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"ab\xc3(", 3},
        {"\xe2\x82(", 2},
        {"\xf0\x9f\x98\xc0", 3},
        {"0123456789abcdef\xff", 16},
    };
    for (const auto& row : table) {
        INFO(acp::hex(row.text));
        CHECK(good_bytes(row.text) == row.fault);
        Utf8Check whole;
        CHECK_FALSE(whole.take(row.text));
    }
}

TEST_CASE("UTF-8 may be split anywhere, and must be whole at the end", "[websocket]") {
    const std::string text =
        "plain ascii, long enough; \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 "
        "\xef\xbf\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf and more ascii behind it";
    for (std::size_t at = 0; at <= text.size(); ++at) {
        Utf8Check check;
        REQUIRE(check.take(text.substr(0, at)));
        REQUIRE(check.complete() == acp::is_utf8(text.substr(0, at)));
        REQUIRE(check.take(text.substr(at)));
        REQUIRE(check.complete());
    }
}

TEST_CASE("UTF-8: every pair and triple of bytes, against the check of whole texts", "[websocket]") {
    for (unsigned a = 0x7f; a < 0x100; ++a) {
        for (unsigned b = 0; b < 0x100; ++b) {
            for (const unsigned c : {0x41U, 0x80U, 0xbfU, 0xc2U}) {
                const std::string text{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
                Utf8Check check;
                const bool good = check.take(text) && check.complete();
                if (good != acp::is_utf8(text)) FAIL(acp::hex(text));
            }
        }
    }
}
