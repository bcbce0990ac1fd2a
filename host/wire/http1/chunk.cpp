#include <algorithm>
#include <limits>

#include "wire/http1/chars.h"
#include "wire/http1/parse.h"

namespace acp::wire::http1 {

namespace {

constexpr std::uint32_t kExtensionMax = 256;
constexpr std::uint32_t kTrailersMax = 8192;
/// Enough for 2^63-1; a longer run of leading zeros is a waste of our time.
constexpr std::uint8_t kDigitsMax = 16;
constexpr auto kSizeMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
    return -1;
}

Refusal line_end_or(char c, Refusal other) noexcept {
    if (c == '\n') return Refusal::bare_lf;
    if (c == '\0') return Refusal::nul_byte;
    return other;
}

}  // namespace

ChunkDecoder::Step ChunkDecoder::refuse(Refusal why, std::size_t consumed) noexcept {
    phase_ = Phase::refused;
    refusal_ = why;
    return {State::refused, consumed, {}};
}

ChunkDecoder::Step ChunkDecoder::step(std::string_view input) noexcept {
    if (phase_ == Phase::done) return {State::done, 0, {}};
    if (phase_ == Phase::refused) return {State::refused, 0, {}};
    for (std::size_t i = 0; i < input.size(); ++i) {
        const char c = input[i];
        switch (phase_) {
            case Phase::size_first:
            case Phase::size: {
                const int digit = hex_digit(c);
                if (digit >= 0) {
                    if (++digits_ > kDigitsMax) return refuse(Refusal::bad_chunk_size, i);
                    left_ = (left_ << 4) | static_cast<std::uint64_t>(digit);
                    if (left_ > kSizeMax) return refuse(Refusal::bad_chunk_size, i);
                    phase_ = Phase::size;
                    break;
                }
                if (phase_ == Phase::size && c == '\r') {
                    phase_ = Phase::size_lf;
                } else if (phase_ == Phase::size && c == ';') {
                    overhead_ = 0;
                    phase_ = Phase::extension;
                } else {
                    // RFC 9112 section 7.1.1 knows white space before ";" as
                    // "bad"; nobody needs it, and smugglers like it.
                    return refuse(line_end_or(c, Refusal::bad_chunk_size), i);
                }
                break;
            }
            case Phase::extension:
                if (c == '\r') {
                    phase_ = Phase::size_lf;
                } else if (!is(c, kValue)) {
                    return refuse(line_end_or(c, Refusal::bad_chunk_extension), i);
                } else if (++overhead_ > kExtensionMax) {
                    return refuse(Refusal::bad_chunk_extension, i);
                }
                break;
            case Phase::size_lf:
                if (c != '\n') return refuse(Refusal::bare_cr, i);
                overhead_ = 0;
                phase_ = left_ == 0 ? Phase::trailer_start : Phase::data;
                break;
            case Phase::data: {
                const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - i));
                left_ -= count;
                if (left_ == 0) phase_ = Phase::data_cr;
                return {State::data, i + count, input.substr(i, count)};
            }
            case Phase::data_cr:
                if (c != '\r') return refuse(Refusal::bad_chunk_end, i);
                phase_ = Phase::data_lf;
                break;
            case Phase::data_lf:
                if (c != '\n') return refuse(Refusal::bad_chunk_end, i);
                digits_ = 0;
                phase_ = Phase::size_first;
                break;
            case Phase::trailer_start:
                if (c == '\r') {
                    phase_ = Phase::end_lf;
                    break;
                }
                if (!is(c, kToken)) return refuse(line_end_or(c, Refusal::bad_trailer), i);
                phase_ = Phase::trailer_name;
                if (++overhead_ > kTrailersMax) return refuse(Refusal::bad_trailer, i);
                break;
            case Phase::trailer_name:
                if (c == ':') {
                    phase_ = Phase::trailer_value;
                } else if (!is(c, kToken)) {
                    return refuse(line_end_or(c, Refusal::bad_trailer), i);
                }
                if (++overhead_ > kTrailersMax) return refuse(Refusal::bad_trailer, i);
                break;
            case Phase::trailer_value:
                if (c == '\r') {
                    phase_ = Phase::trailer_lf;
                } else if (!is(c, kValue)) {
                    return refuse(line_end_or(c, Refusal::bad_trailer), i);
                }
                if (++overhead_ > kTrailersMax) return refuse(Refusal::bad_trailer, i);
                break;
            case Phase::trailer_lf:
                if (c != '\n') return refuse(Refusal::bare_cr, i);
                phase_ = Phase::trailer_start;
                break;
            case Phase::end_lf:
                if (c != '\n') return refuse(Refusal::bare_cr, i);
                phase_ = Phase::done;
                return {State::done, i + 1, {}};
            case Phase::done:
            case Phase::refused:
                break;  // left above
        }
    }
    return {State::more, input.size(), {}};
}

}  // namespace acp::wire::http1
