// alphaswarm-cp plugin SDK: structs of the other side, whatever headers it was built with.
#pragma once

#include <cstdint>
#include <cstring>

namespace acp::sdk {

/// A copy of `given` as these headers know it: what a shorter struct lacks is
/// zero ("not given"), what a longer one has more is left out. Nothing behind
/// its struct_size is read.
template <typename Struct>
Struct whole(const Struct* given) noexcept {
    Struct known;
    std::memset(&known, 0, sizeof known);
    if (!given) return known;
    uint32_t size = 0;
    std::memcpy(&size, given, sizeof size);
    std::memcpy(&known, given, size < sizeof known ? size : sizeof known);
    return known;
}

}  // namespace acp::sdk
