#include "auth/claims.h"

#include <algorithm>

namespace acp::auth {

namespace {

std::vector<std::string> texts(const json::Var& value) {
    std::vector<std::string> out;
    if (value.type() != typeid(json::Array::Ptr)) return out;
    for (const auto& item : *value.extract<json::Array::Ptr>())
        if (item.isString()) out.push_back(item.extract<std::string>());
    return out;
}

}  // namespace

std::vector<std::string> audiences_of(const json::Object::Ptr& claims) {
    const json::Var value = claims->get("aud");
    if (value.isString()) return {value.extract<std::string>()};
    return texts(value);
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto space = std::min(text.find(' '), text.size());
        if (space > 0 && !holds(out, text.substr(0, space))) out.emplace_back(text.substr(0, space));
        text.remove_prefix(std::min(space + 1, text.size()));
    }
    return out;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

std::vector<std::string> texts_of(const json::Object::Ptr& claims, const std::string& name) {
    return texts(claims->get(name));
}

bool holds(const std::vector<std::string>& list, std::string_view wanted) noexcept {
    return std::find(list.begin(), list.end(), wanted) != list.end();
}

}  // namespace acp::auth
