#include "identity/claim_values.h"

#include "json/pointer.h"

namespace acp::identity {

std::optional<json::Var> claim_at(const json::Object::Ptr& claims, const std::string& name) {
    std::optional<json::Var> value;
    if (name.starts_with('/'))
        value = json::find(json::Var(claims), name);
    else if (claims->has(name))
        value = claims->get(name);
    if (value && value->isEmpty()) return {};
    return value;
}

std::string claim_text(const json::Object::Ptr& claims, const std::string& name, std::string fallback) {
    const auto value = claim_at(claims, name);
    return value && value->isString() ? value->extract<std::string>() : fallback;
}

std::optional<std::vector<std::string>> words_of(const json::Var& value) {
    std::vector<std::string> out;
    if (value.isString()) {
        const auto& text = value.extract<std::string>();
        for (std::size_t at = 0; (at = text.find_first_not_of(' ', at)) != std::string::npos;) {
            const auto end = text.find(' ', at);
            out.push_back(text.substr(at, end - at));
            if (end == std::string::npos) break;
            at = end;
        }
        return out;
    }
    if (value.type() != typeid(json::Array::Ptr)) return {};
    for (const json::Var& element : *value.extract<json::Array::Ptr>()) {
        if (!element.isString()) return {};
        out.push_back(element.extract<std::string>());
    }
    return out;
}

}  // namespace acp::identity
