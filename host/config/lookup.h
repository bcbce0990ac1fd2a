// config: values of a document that may be wrong elsewhere. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "json/json.h"
#include "json/pointer.h"
#include "json/schema.h"

namespace acp::config {

class Lookup {
public:
    explicit Lookup(const json::Var& document) : document_(document) {}

    bool has(const std::string& pointer) const { return json::find(document_, pointer).has_value(); }
    /// The string at `pointer`, when there is one.
    std::optional<std::string> text(const std::string& pointer) const {
        auto value = json::find(document_, pointer);
        if (!value || !value->isString()) return {};
        return value->extract<std::string>();
    }
    /// The strings of a list; what else is in it is left out.
    std::vector<std::string> texts(const std::string& pointer) const {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < count(pointer); ++i)
            if (auto one = text(json::child(pointer, i))) out.push_back(std::move(*one));
        return out;
    }
    std::vector<std::string> names(const std::string& pointer) const {
        auto value = json::find(document_, pointer);
        if (!value || value->type() != typeid(json::Object::Ptr)) return {};
        const auto names = value->extract<json::Object::Ptr>()->getNames();
        return {names.begin(), names.end()};
    }
    std::size_t count(const std::string& pointer) const {
        auto value = json::find(document_, pointer);
        if (!value || value->type() != typeid(json::Array::Ptr)) return 0;
        return value->extract<json::Array::Ptr>()->size();
    }
    std::int64_t number(const std::string& pointer, std::int64_t otherwise) const {
        auto value = json::find(document_, pointer);
        if (!value || json::type_name(*value) != "integer") return otherwise;
        return value->convert<std::int64_t>();
    }

private:
    const json::Var& document_;
};

}  // namespace acp::config
