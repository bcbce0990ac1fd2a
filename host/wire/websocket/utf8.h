// wire/websocket: UTF-8 (RFC 3629) that arrives in pieces.
#pragma once

#include <cstdint>
#include <string_view>

namespace acp::wire::websocket {

/// Judges one text, piece by piece. A character may be split between pieces.
class Utf8Check {
public:
    /// False at the first byte that no well-formed text could have there:
    /// overlong forms, surrogates and values over U+10FFFF fail at their second
    /// byte, not at their last.
    bool take(std::string_view bytes) noexcept;
    /// Whether the text may end here.
    bool complete() const noexcept { return left_ == 0; }
    void reset() noexcept { *this = {}; }

private:
    std::uint8_t left_ = 0;    ///< bytes that the character at hand still needs
    std::uint8_t low_ = 0x80;  ///< bounds of the next of them
    std::uint8_t high_ = 0xbf;
};

}  // namespace acp::wire::websocket
