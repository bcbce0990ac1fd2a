// wire/http1: character classes of the grammar, one table look-up per byte.
// Internal to this room.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
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

inline constexpr std::uint64_t kOnes = 0x0101010101010101U;
inline constexpr std::uint64_t kHigh = 0x8080808080808080U;

/// Lanes of `word` that hold `c`, in their high bits. Exact for the lowest such
/// lane; a borrow may add others above it.
constexpr std::uint64_t lanes_with(std::uint64_t word, char c) noexcept {
    const std::uint64_t x = word ^ (kOnes * static_cast<unsigned char>(c));
    return (x - kOnes) & ~x & kHigh;
}
/// The same for lanes below `bound`, which is at most 0x80.
constexpr std::uint64_t lanes_below(std::uint64_t word, std::uint64_t bound) noexcept {
    return (word - kOnes * bound) & ~word & kHigh;
}

/// First byte at or behind `p` that is not in `what`, or `end`. Eight bytes a
/// step: `suspect(word)` flags, in high bits, lanes that may be outside; of these
/// the lowest is looked up, so that a false alarm costs one step more.
template <typename Suspect>
[[gnu::always_inline]] inline const char* skip_class(const char* p, const char* end, CharClass what,
                                                     Suspect suspect) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        while (end - p >= 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, p, 8);
            const std::uint64_t lanes = suspect(word);
            if (lanes == 0) {
                p += 8;
                continue;
            }
            p += std::countr_zero(lanes) / 8;
            if (!is(*p, what)) return p;
            ++p;
        }
    }
    while (p != end && is(*p, what)) ++p;
    return p;
}

/// First byte that is no field content, or `end`.
inline const char* skip_value(const char* p, const char* end) noexcept {
    return skip_class(p, end, kValue,
                      [](std::uint64_t word) { return lanes_below(word, 0x20) | lanes_with(word, 0x7f); });
}

/// First byte that is not of a request target, or `end`.
inline const char* skip_target(const char* p, const char* end) noexcept {
    return skip_class(p, end, kTarget, [](std::uint64_t word) {
        return lanes_below(word, 0x21) | lanes_with(word, 0x7f) | lanes_with(word, '#') | (word & kHigh);
    });
}

/// Compares a field name, all of it token characters, with one in lower case
/// that holds letters and "-" alone: for those, setting bit 5 is lower case and
/// no other token character becomes one of them.
template <std::size_t N>
bool is_name(const char* name, const char (&lower)[N]) noexcept {
    constexpr std::size_t kSize = N - 1;
    constexpr std::uint64_t kLower = kOnes * 0x20;
    static_assert(kSize >= 4);
    std::uint64_t different = 0;
    const auto compare = [&](std::size_t at, auto word) {
        auto wanted = word;
        std::memcpy(&word, name + at, sizeof word);
        std::memcpy(&wanted, lower + at, sizeof wanted);
        different |= (word | static_cast<decltype(word)>(kLower)) ^ wanted;
    };
    // The last word overlaps the one before it.
    if constexpr (kSize < 8) {
        compare(0, std::uint32_t{});
        compare(kSize - 4, std::uint32_t{});
    } else {
        for (std::size_t at = 0; at + 8 <= kSize; at += 8) compare(at, std::uint64_t{});
        compare(kSize - 8, std::uint64_t{});
    }
    return different == 0;
}

}  // namespace acp::wire::http1
