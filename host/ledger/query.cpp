#include "ledger/query.h"

#include <charconv>
#include <limits>

#include "base/bytes.h"

namespace acp::ledger {

namespace {

constexpr std::string_view kCursorVersion = "1:";

}  // namespace

std::string make_cursor(std::int64_t before_id) {
    return base64url(std::string(kCursorVersion) + std::to_string(before_id));
}

Result<std::int64_t> read_cursor(std::string_view cursor) {
    if (cursor.empty()) return std::numeric_limits<std::int64_t>::max();
    auto refused = [] {
        return fail(Code::invalid, "cursor_invalid", "the cursor is not one of this list: start again without it");
    };
    auto text = unbase64url(cursor.substr(0, 64));
    if (!text || !text->starts_with(kCursorVersion)) return refused();
    std::string_view digits = std::string_view(*text).substr(kCursorVersion.size());
    std::int64_t id = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
    if (error != std::errc() || end != digits.data() + digits.size() || id <= 0) return refused();
    return id;
}

Result<void> check_limit(std::size_t limit) {
    if (limit >= 1 && limit <= kMaxPage) return {};
    return fail(Code::invalid, "limit_invalid", "limit must be from 1 to " + std::to_string(kMaxPage));
}

}  // namespace acp::ledger
