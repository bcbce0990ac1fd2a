// base: owners of what a C library hands out: std::unique_ptr<T, FreeWith<T_free>>.
#pragma once

namespace acp {

template <auto Free>
struct FreeWith {
    template <typename T>
    void operator()(T* pointer) const noexcept {
        Free(pointer);
    }
};

}  // namespace acp
