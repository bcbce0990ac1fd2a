#include "bundle/names.h"

#include <algorithm>

namespace acp::bundle {

std::string name_fault(std::string_view name) {
    if (name.empty()) return "is empty";
    if (name.size() > 255) return "has more than 255 characters";
    if (name.front() == '/') return "is absolute";
    // Other letters have several spellings that look alike.
    for (char c : name)
        if (c < 0x20 || c > 0x7e) return "has a character outside printable ASCII";
    if (name.find('\\') != std::string_view::npos) return "has a backslash";
    int depth = 0;
    for (;;) {
        auto slash = std::min(name.find('/'), name.size());
        std::string_view segment = name.substr(0, slash);
        if (segment.empty()) return "has an empty segment";
        if (segment == "." || segment == "..") return "has the segment " + std::string(segment);
        if (++depth > most_depth) return "is deeper than " + std::to_string(most_depth) + " levels";
        if (slash == name.size()) return {};
        name.remove_prefix(slash + 1);
    }
}

}  // namespace acp::bundle
