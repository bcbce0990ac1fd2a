#include "redact/known_values.h"

#include <algorithm>
#include <string>

#include "base/bytes.h"

namespace acp::redact {

namespace {

__extension__ using Wide = unsigned __int128;
constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;

std::uint64_t times(std::uint64_t a, std::uint64_t b) noexcept {
    Wide product = static_cast<Wide>(a) * b;
    std::uint64_t sum = static_cast<std::uint64_t>(product & kPrime) + static_cast<std::uint64_t>(product >> 61);
    return sum >= kPrime ? sum - kPrime : sum;
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t sum = a + b;
    return sum >= kPrime ? sum - kPrime : sum;
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b) noexcept {
    return a >= b ? a - b : a + kPrime - b;
}

std::uint64_t symbol(char c) noexcept {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(c)) + 1;
}

}  // namespace

KnownValues::KnownValues() : powers_{1} {
    random_bytes(&base_, sizeof base_);
    base_ = base_ % (kPrime - 512) + 512;
}

void KnownValues::learn(std::string_view value) {
    if (value.size() < kShortest) return;
    add(value);
    std::string encoded = base64url(value);
    for (char& c : encoded) c = c == '-' ? '+' : c == '_' ? '/' : c;
    add(encoded);
    wipe(encoded);
}

void KnownValues::add(std::string_view value) {
    while (powers_.size() <= value.size()) powers_.push_back(times(powers_.back(), base_));
    std::uint64_t hash = 0;
    std::uint64_t window = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
        hash = plus(times(hash, base_), symbol(value[i]));
        if (i + 1 == kShortest) window = hash;
    }
    auto& values = by_window_[window];
    bool known = std::any_of(values.begin(), values.end(),
                             [&](const Value& v) { return v.length == value.size() && v.hash == hash; });
    if (!known) values.push_back({value.size(), hash});
    seen_[(window >> 6) & 1023] |= std::uint64_t{1} << (window & 63);
}

void KnownValues::find(std::string_view text, Spans& out) const {
    if (by_window_.empty() || text.size() < kShortest) return;
    std::vector<std::uint64_t> prefix(text.size() + 1);
    for (std::size_t i = 0; i < text.size(); ++i) prefix[i + 1] = plus(times(prefix[i], base_), symbol(text[i]));
    auto piece = [&](std::size_t at, std::size_t length) {
        return minus(prefix[at + length], times(prefix[at], powers_[length]));
    };
    for (std::size_t i = 0; i + kShortest <= text.size(); ++i) {
        std::uint64_t window = piece(i, kShortest);
        if ((seen_[(window >> 6) & 1023] >> (window & 63) & 1) == 0) continue;
        auto found = by_window_.find(window);
        if (found == by_window_.end()) continue;
        for (const Value& value : found->second)
            if (value.length <= text.size() - i && piece(i, value.length) == value.hash)
                out.push_back({i, i + value.length});
    }
}

}  // namespace acp::redact
