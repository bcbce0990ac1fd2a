// ledger: the database schema as numbered steps that only go forward.
#pragma once

#include <string_view>
#include <vector>

namespace acp::ledger {

struct Migration {
    int version = 0;
    std::string_view name;
    std::vector<std::string_view> statements;
};

/// In order of version, from 1. A step that was released is never edited.
const std::vector<Migration>& sqlite_migrations();

}  // namespace acp::ledger
