#include "json/pointer.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace acp::json {

namespace {

std::optional<std::string> unescaped(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (token[i] != '~') {
            out.push_back(token[i]);
            continue;
        }
        if (++i == token.size()) return {};
        if (token[i] == '0')
            out.push_back('~');
        else if (token[i] == '1')
            out.push_back('/');
        else
            return {};
    }
    return out;
}

std::optional<std::vector<std::string>> tokens(std::string_view pointer) {
    std::vector<std::string> out;
    while (!pointer.empty()) {
        if (pointer.front() != '/') return {};
        pointer.remove_prefix(1);
        auto token = unescaped(pointer.substr(0, pointer.find('/')));
        if (!token) return {};
        out.push_back(std::move(*token));
        pointer.remove_prefix(std::min(pointer.find('/'), pointer.size()));
    }
    return out;
}

/// An array index as RFC 6901 section 4 spells it: digits, no leading zero.
std::optional<unsigned> index_of(const std::string& token) {
    unsigned value = 0;
    auto [end, failure] = std::from_chars(token.data(), token.data() + token.size(), value);
    if (token.empty() || failure != std::errc() || end != token.data() + token.size()) return {};
    if (token.size() > 1 && token.front() == '0') return {};
    return std::optional<Var>(std::in_place, value);
}

}  // namespace

std::string child(std::string_view pointer, std::string_view name) {
    std::string out(pointer);
    out.push_back('/');
    for (char c : name) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out.push_back(c);
    }
    return out;
}

std::string child(std::string_view pointer, std::size_t index) {
    return std::string(pointer) + '/' + std::to_string(index);
}

std::string_view parent(std::string_view pointer) noexcept {
    auto slash = pointer.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : pointer.substr(0, slash);
}

std::optional<Var> find(const Var& root, std::string_view pointer) {
    auto path = tokens(pointer);
    if (!path) return {};
    Var value = root;
    for (const auto& token : *path) {
        if (value.type() == typeid(Object::Ptr)) {
            Object::Ptr object = value.extract<Object::Ptr>();
            if (!object->has(token)) return {};
            value = object->get(token);
        } else if (value.type() == typeid(Array::Ptr)) {
            Array::Ptr array = value.extract<Array::Ptr>();
            auto index = index_of(token);
            if (!index || *index >= array->size()) return {};
            value = array->get(*index);
        } else {
            return {};
        }
    }
    return std::optional<Var>(std::in_place, value);
}

std::string dotted(std::string_view pointer) {
    std::string out;
    for (const auto& token : tokens(pointer).value_or(std::vector<std::string>{})) {
        if (index_of(token)) {
            out += '[' + token + ']';
        } else {
            if (!out.empty()) out.push_back('.');
            out += token;
        }
    }
    return out;
}

}  // namespace acp::json
