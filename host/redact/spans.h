// redact: ranges of a text that must not be shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace acp::redact {

inline constexpr std::string_view kReplacement = "[redacted]";

/// Half-open byte range.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};
using Spans = std::vector<Span>;

/// `text` with each range, overlapping ones merged, replaced by kReplacement.
std::string replace(std::string_view text, Spans& spans);

}  // namespace acp::redact
