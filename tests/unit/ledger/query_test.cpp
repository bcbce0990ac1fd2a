#include "ledger/query.h"

#include <catch2/catch.hpp>
#include <limits>
#include <set>

#include "base/bytes.h"
#include "support.h"

using namespace acp;
using namespace acp::ledger;
using namespace acp::ledger::test;

TEST_CASE("cursors are read back, and nothing else is") {
    CHECK(read_cursor(make_cursor(42)).value() == 42);
    CHECK(read_cursor("").value() == std::numeric_limits<std::int64_t>::max());
    for (const std::string& cursor :
         {std::string("x"), std::string("42"), base64url("1:"), base64url("1:0"), base64url("1:-5"), base64url("2:5"),
          base64url("1:5x"), base64url("1: 5"), base64url("1:99999999999999999999"), std::string(5000, 'A')}) {
        INFO(cursor);
        auto read = read_cursor(cursor);
        REQUIRE_FALSE(read);
        CHECK(read.error().code == Code::invalid);
        CHECK(read.error().slug == "cursor_invalid");
    }
}

TEST_CASE("runs are listed newest first, page by page") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    std::vector<std::string> begun;
    for (int i = 0; i < 25; ++i) begun.push_back(start(*ledger, intent("w" + std::to_string(i % 2))));
    std::vector<std::string> seen;
    std::string cursor;
    std::vector<std::size_t> sizes;
    do {
        auto page = ledger->list({}, 10, cursor);
        REQUIRE(page);
        sizes.push_back(page->rows.size());
        for (const auto& row : page->rows) seen.push_back(row.run_uid);
        cursor = page->next_cursor;
        // A run that begins between two pages moves none of the old ones.
        start(*ledger);
    } while (!cursor.empty());
    CHECK(sizes == std::vector<std::size_t>{10, 10, 5});
    CHECK(std::vector<std::string>(begun.rbegin(), begun.rend()) == seen);

    CHECK(ledger->list({}, 0).error().slug == "limit_invalid");
    CHECK(ledger->list({}, 501).error().slug == "limit_invalid");
    CHECK(ledger->list({}, 500).has_value());
    CHECK(ledger->list({}, 10, "nonsense").error().slug == "cursor_invalid");
}

TEST_CASE("filters") {
    TempDir dir;
    LedgerOptions options = options_for(dir / "l.db");
    std::int64_t now = 1'700'000'000'000;
    options.now_ms = [&now] { return now; };
    auto ledger = open(options);
    std::string first = start(*ledger, intent("a"));
    now += 1000;
    RunIntent other = intent("b");
    other.action = "workload.stop";
    other.provider_alias = "docker";
    other.user_id = "bob' OR 1=1 --";
    std::string second = start(*ledger, other);
    REQUIRE(finish(*ledger, second));

    auto uids = [&](const RunFilter& filter) {
        std::set<std::string> out;
        RunPage page = ledger->list(filter, 10).value();
        for (const auto& row : page.rows) out.insert(row.run_uid);
        return out;
    };
    using Set = std::set<std::string>;
    RunFilter filter;
    CHECK(uids(filter) == Set{first, second});
    filter.status = "running";
    CHECK(uids(filter) == Set{first});
    filter = {};
    filter.action = "workload.stop";
    CHECK(uids(filter) == Set{second});
    filter.target = "a";
    CHECK(uids(filter).empty());
    filter = {};
    filter.provider = "local";
    CHECK(uids(filter) == Set{first});
    filter = {};
    filter.user_id = "bob' OR 1=1 --";
    CHECK(uids(filter) == Set{second});
    filter = {};
    filter.since_ms = now;
    CHECK(uids(filter) == Set{second});
    filter = {};
    filter.until_ms = now;
    CHECK(uids(filter) == Set{first});
}

TEST_CASE("security events are listed like runs") {
    TempDir dir;
    auto ledger = open(dir / "l.db");
    for (int i = 0; i < 5; ++i) REQUIRE(record(*ledger, i % 2 == 0 ? "token.mint" : "login"));
    auto page = ledger->list_events({}, 3);
    REQUIRE(page);
    REQUIRE(page->rows.size() == 3);
    CHECK(page->rows[0].id > page->rows[1].id);
    CHECK(ledger->list_events({}, 3, page->next_cursor).value().rows.size() == 2);
    EventFilter filter;
    filter.kind = "login";
    CHECK(ledger->list_events(filter, 10).value().rows.size() == 2);
}
