// ledger: filters, pages and cursors of the read side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ledger/run.h"

namespace acp::ledger {

/// Empty text matches everything.
struct RunFilter {
    std::string status;
    std::string action;
    std::string provider;
    std::string target;
    std::string user_id;
    std::optional<std::int64_t> since_ms;  ///< Unix time, inclusive
    std::optional<std::int64_t> until_ms;  ///< Unix time, exclusive
};

struct EventFilter {
    std::string kind;
    std::string actor;
    std::string outcome;
    std::optional<std::int64_t> since_ms;
    std::optional<std::int64_t> until_ms;
};

inline constexpr std::size_t kMaxPage = 500;

/// Newest first. `next_cursor` is empty on the last page.
struct RunPage {
    std::vector<RunRow> rows;
    std::string next_cursor;
};
struct EventPage {
    std::vector<EventRow> rows;
    std::string next_cursor;
};

/// Opaque to clients: where the next page starts.
std::string make_cursor(std::int64_t before_id);
/// Code::invalid, `cursor_invalid`, for anything make_cursor() did not make.
/// The empty cursor is the first page.
Result<std::int64_t> read_cursor(std::string_view cursor);

/// Code::invalid, `limit_invalid`, unless 1 <= limit <= kMaxPage.
Result<void> check_limit(std::size_t limit);

/// Takes one row more than a page holds; cuts it off and makes the cursor.
template <typename Page>
Page make_page(std::vector<typename decltype(Page::rows)::value_type> rows, std::size_t limit) {
    Page page;
    if (rows.size() > limit) {
        rows.resize(limit);
        page.next_cursor = make_cursor(rows.back().id);
    }
    page.rows = std::move(rows);
    return page;
}

}  // namespace acp::ledger
