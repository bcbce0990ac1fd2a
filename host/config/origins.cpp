#include "config/origins.h"

#include "json/pointer.h"

namespace acp::config {

std::string Origin::text() const {
    if (line == 0) return source;
    return source + ':' + std::to_string(line) + ':' + std::to_string(column);
}

void Origins::erase(std::string_view pointer) {
    auto first = origins_.lower_bound(pointer);
    while (first != origins_.end() && first->first.starts_with(pointer)) {
        std::string_view rest = std::string_view(first->first).substr(pointer.size());
        first = rest.empty() || rest.front() == '/' ? origins_.erase(first) : std::next(first);
    }
}

Origin Origins::at(std::string_view pointer) const {
    for (;; pointer = json::parent(pointer)) {
        auto found = origins_.find(pointer);
        if (found != origins_.end()) return found->second;
        if (pointer.empty()) return {};
    }
}

Violation locate(const Origin& origin, std::string_view pointer, std::string_view what) {
    std::string key = json::dotted(pointer);
    std::string place = origin.source;
    if (origin.line > 0) place += ':' + std::to_string(origin.line);
    std::string detail = origin.text();
    if (!key.empty()) detail.append(": key ").append(key);
    detail.append(": ").append(what);
    return {place + ':' + key, std::move(detail)};
}

}  // namespace acp::config
