// wire/http1: character classes of the grammar, one table look-up per byte.
// Internal to this room.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace acp::wire::http1 {

enum CharClass : std::uint8_t {
    kToken = 1,   ///< tchar, RFC 9110 section 5.6.2
    kValue = 2,   ///< field content, SP and HTAB, RFC 9110 section 5.5
    kTarget = 4,  ///< VCHAR but "#": a fragment is never sent, RFC 9112 section 3.2
    kHost = 8,    ///< unreserved, RFC 3986 section 2.3
    kDigit = 16,
};

constexpr std::array<std::uint8_t, 256> make_char_table() noexcept {
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool digit = c >= '0' && c <= '9';
        const bool alpha = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        unsigned flags = 0;
        bool token_mark = false;
        for (const char mark : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
            token_mark = token_mark || c == static_cast<unsigned char>(mark);
        if (digit || alpha || token_mark) flags |= kToken;
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) flags |= kValue;
        if (c > 0x20 && c < 0x7f && c != '#') flags |= kTarget;
        if (digit || alpha || c == '-' || c == '.' || c == '_' || c == '~') flags |= kHost;
        if (digit) flags |= kDigit;
        table[c] = static_cast<std::uint8_t>(flags);
    }
    return table;
}

inline constexpr std::array<std::uint8_t, 256> kCharTable = make_char_table();

inline bool is(char c, CharClass what) noexcept {
    return (kCharTable[static_cast<unsigned char>(c)] & what) != 0;
}

/// First byte that is no field content, or `end`. Eight bytes a step while
/// none of them is a control: a false alarm (HTAB, or a borrow between lanes)
/// only sends the step through the table.
inline const char* skip_value(const char* p, const char* end) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101U;
    constexpr std::uint64_t kHigh = 0x8080808080808080U;
    for (;;) {
        while (end - p >= 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, p, 8);
            const std::uint64_t del = word ^ (kOnes * 0x7f);
            const std::uint64_t below_space = (word - kOnes * 0x20) & ~word;
            const std::uint64_t is_del = (del - kOnes) & ~del;
            if (((below_space | is_del) & kHigh) != 0) break;
            p += 8;
        }
        const char* const stop = end - p > 8 ? p + 8 : end;
        while (p != stop && is(*p, kValue)) ++p;
        if (p != stop || p == end) return p;
    }
}

}  // namespace acp::wire::http1
