#include "wire/http2/memory.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace acp::wire::http2 {

namespace {

constexpr std::size_t kStep = 64;     // sizes are rounded up to a multiple of this
constexpr std::size_t kClasses = 16;  // larger blocks are malloc's
constexpr std::size_t kKept = 1024;   // blocks of each size

/// Stands in front of each block; a kept block's is the link to the next.
struct alignas(std::max_align_t) Header {
    std::size_t size;  ///< without the header
    Header* next;
};

struct Kept {
    Header* first = nullptr;
    std::size_t count = 0;
};

struct Shelf {
    std::array<Kept, kClasses + 1> classes;
    ~Shelf() {
        for (Kept& kept : classes)
            while (Header* header = kept.first) {
                kept.first = header->next;
                std::free(header);
            }
    }
};
thread_local Shelf shelf;

Header* header_of(void* block) noexcept {
    return static_cast<Header*>(block) - 1;
}

void* resize(void* block, std::size_t size) noexcept {
    if (!block) return take_block(size);
    const std::size_t before = header_of(block)->size;
    if (size <= before) return block;
    void* const larger = take_block(size);
    if (!larger) return nullptr;
    std::memcpy(larger, block, before);
    give_block(block);
    return larger;
}

void* take_zeroed(std::size_t count, std::size_t size) noexcept {
    if (size != 0 && count > SIZE_MAX / size) return nullptr;
    void* const block = take_block(count * size);
    if (block) std::memset(block, 0, count * size);
    return block;
}

}  // namespace

void* take_block(std::size_t size) noexcept {
    const std::size_t index = (std::max<std::size_t>(size, 1) + kStep - 1) / kStep;
    if (index <= kClasses) {
        Kept& kept = shelf.classes.at(index);
        if (Header* header = kept.first) {
            kept.first = header->next;
            --kept.count;
            return header + 1;
        }
        size = index * kStep;
    }
    if (size > SIZE_MAX - sizeof(Header)) return nullptr;
    auto* header = static_cast<Header*>(std::malloc(sizeof(Header) + size));
    if (!header) return nullptr;
    header->size = size;
    return header + 1;
}

void give_block(void* block) noexcept {
    if (!block) return;
    Header* const header = header_of(block);
    const std::size_t index = header->size / kStep;
    if (index <= kClasses) {
        Kept& kept = shelf.classes.at(index);
        if (kept.count < kKept) {
            header->next = kept.first;
            kept.first = header;
            ++kept.count;
            return;
        }
    }
    std::free(header);
}

nghttp2_mem* session_memory() noexcept {
    static nghttp2_mem table{
        nullptr,
        [](std::size_t size, void*) { return take_block(size); },
        [](void* block, void*) { give_block(block); },
        [](std::size_t count, std::size_t size, void*) { return take_zeroed(count, size); },
        [](void* block, std::size_t size, void*) { return resize(block, size); },
    };
    return &table;
}

}  // namespace acp::wire::http2
