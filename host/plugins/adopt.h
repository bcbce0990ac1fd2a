// plugins: a plugin's table as this host's full table. A shorter one (built
// with older headers) is completed with nulls, a longer one is cut.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace acp::plugins {

template <typename Table>
Table adopt(const void* raw) noexcept {
    Table table;
    std::memset(&table, 0, sizeof table);
    std::uint32_t size = 0;
    std::memcpy(&size, raw, sizeof size);
    std::memcpy(&table, raw, std::min<std::size_t>(size, sizeof table));
    table.struct_size = sizeof table;
    return table;
}

}  // namespace acp::plugins
