// wire/http1: a message head written straight into the output. A head has some
// fifteen pieces; appending each by itself would be fifteen calls on every
// request's way.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "wire/buffer.h"

namespace acp::wire::http1 {

class HeadWriter {
public:
    /// `bytes`: what the head will most likely need; it may get longer.
    HeadWriter(Buffer& out, std::size_t bytes) : out_(out) { more(bytes); }
    ~HeadWriter() { out_.commit(at_); }
    HeadWriter(const HeadWriter&) = delete;
    HeadWriter& operator=(const HeadWriter&) = delete;

    /// Inlined whatever the compiler thinks: with a literal's known size the copy
    /// is a few moves.
    [[gnu::always_inline]] HeadWriter& operator<<(std::string_view piece) {
        if (piece.size() > room()) more(piece.size());
        std::memcpy(at_, piece.data(), piece.size());
        at_ += piece.size();
        return *this;
    }
    [[gnu::always_inline]] HeadWriter& operator<<(std::uint64_t number) {
        constexpr std::size_t kDigits = 20;
        if (kDigits > room()) more(kDigits);
        at_ = std::to_chars(at_, at_ + kDigits, number).ptr;
        return *this;
    }

private:
    std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    [[gnu::noinline]] void more(std::size_t bytes) {
        if (at_) out_.commit(at_);
        at_ = out_.tail(bytes);
        end_ = out_.data() + out_.capacity();
    }
    Buffer& out_;
    char* at_ = nullptr;
    const char* end_ = nullptr;
};

}  // namespace acp::wire::http1
