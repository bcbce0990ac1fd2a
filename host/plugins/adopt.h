// plugins: a plugin's table as this host's full table. A shorter one (built
// with older headers) is completed with nulls, a longer one is cut.
#pragma once

#include "alphaswarm-cp/sdk/sized.hpp"

namespace acp::plugins {

template <typename Table>
Table adopt(const void* raw) noexcept {
    Table table = sdk::whole(static_cast<const Table*>(raw));
    table.struct_size = sizeof table;
    return table;
}

}  // namespace acp::plugins
