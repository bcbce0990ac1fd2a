// wire/http1: a message head put together on the stack and appended to the
// output at once. A head has some fifteen pieces; appending each to a string
// would be fifteen calls on every request's way.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace acp::wire::http1 {

class HeadWriter {
public:
    explicit HeadWriter(std::string& out) noexcept : out_(out), at_(buffer_) {}
    ~HeadWriter() { flush(); }
    HeadWriter(const HeadWriter&) = delete;
    HeadWriter& operator=(const HeadWriter&) = delete;

    /// Inlined whatever the compiler thinks: with a literal's known size the copy
    /// is a few moves.
    [[gnu::always_inline]] HeadWriter& operator<<(std::string_view piece) {
        if (piece.size() > room()) return append_large(piece);
        std::memcpy(at_, piece.data(), piece.size());
        at_ += piece.size();
        return *this;
    }
    HeadWriter& operator<<(std::uint64_t number) {
        if (room() < 20) flush();
        at_ = std::to_chars(at_, buffer_ + sizeof buffer_, number).ptr;
        return *this;
    }

private:
    [[gnu::noinline]] HeadWriter& append_large(std::string_view piece) {
        flush();
        out_.append(piece);
        return *this;
    }
    std::size_t room() const noexcept { return static_cast<std::size_t>(buffer_ + sizeof buffer_ - at_); }
    void flush() {
        out_.append(buffer_, static_cast<std::size_t>(at_ - buffer_));
        at_ = buffer_;
    }
    std::string& out_;
    char* at_;
    char buffer_[512];
};

}  // namespace acp::wire::http1
