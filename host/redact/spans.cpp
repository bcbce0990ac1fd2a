#include "redact/spans.h"

#include <algorithm>

namespace acp::redact {

std::string replace(std::string_view text, Spans& spans) {
    std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.begin < b.begin; });
    std::string out;
    out.reserve(text.size());
    std::size_t shown = 0;  // everything before this byte is already decided
    for (std::size_t i = 0; i < spans.size();) {
        Span merged = spans[i++];
        while (i < spans.size() && spans[i].begin <= merged.end) merged.end = std::max(merged.end, spans[i++].end);
        out.append(text.substr(shown, merged.begin - shown));
        out.append(kReplacement);
        shown = merged.end;
    }
    out.append(text.substr(shown));
    return out;
}

}  // namespace acp::redact
