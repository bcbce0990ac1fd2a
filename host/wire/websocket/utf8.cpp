#include "wire/websocket/utf8.h"

#include <cstring>

namespace acp::wire::websocket {

namespace {

/// First byte at or behind `p` that is not ASCII, or `end`, give or take the
/// seven before it.
const char* skip_ascii(const char* p, const char* end) noexcept {
    constexpr std::uint64_t kHigh = 0x8080808080808080U;
    while (end - p >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, 8);
        if ((word & kHigh) != 0) break;
        p += 8;
    }
    return p;
}

}  // namespace

bool Utf8Check::take(std::string_view bytes) noexcept {
    const char* p = bytes.data();
    const char* const end = p + bytes.size();
    while (p != end) {
        if (left_ == 0) {
            p = skip_ascii(p, end);
            if (p == end) break;
        }
        const auto c = static_cast<std::uint8_t>(*p++);
        if (left_ > 0) {
            if (c < low_ || c > high_) return false;
            low_ = 0x80;
            high_ = 0xbf;
            --left_;
            continue;
        }
        // RFC 3629 section 4: what the second byte may be depends on the first.
        if (c < 0x80) continue;
        if (c < 0xc2 || c > 0xf4) return false;
        left_ = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if (c == 0xe0) low_ = 0xa0;
        if (c == 0xed) high_ = 0x9f;
        if (c == 0xf0) low_ = 0x90;
        if (c == 0xf4) high_ = 0x8f;
    }
    return true;
}

}  // namespace acp::wire::websocket
