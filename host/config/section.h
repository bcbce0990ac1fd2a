// config: reading one map of the checked document. Internal to this room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json/json.h"
#include "json/pointer.h"

namespace acp::config {

/// One map of the document. Keys that are missing leave the default alone.
class Section {
public:
    Section(const json::Var& document, std::string pointer) : document_(document), pointer_(std::move(pointer)) {}

    Section section(const std::string& name) const { return {document_, json::child(pointer_, name)}; }
    const std::string& pointer() const { return pointer_; }
    bool is_given() const { return json::find(document_, pointer_).has_value(); }

    void read(const std::string& name, std::string& out) const {
        if (auto value = find(name)) out = value->extract<std::string>();
    }
    void read(const std::string& name, std::optional<std::string>& out) const {
        if (auto value = find(name)) out = value->extract<std::string>();
    }
    void read(const std::string& name, std::int64_t& out) const {
        if (auto value = find(name)) out = value->convert<std::int64_t>();
    }
    void read(const std::string& name, bool& out) const {
        if (auto value = find(name)) out = value->convert<bool>();
    }
    void read(const std::string& name, std::vector<std::string>& out) const {
        auto value = find(name);
        if (!value) return;
        out.clear();
        for (const auto& element : *value->extract<json::Array::Ptr>()) out.push_back(element.extract<std::string>());
    }
    void read_json(const std::string& name, std::string& out) const {
        if (auto value = find(name)) out = json::canonical(*value);
    }

    /// The keys of this map.
    std::vector<std::string> names() const {
        auto value = json::find(document_, pointer_);
        if (!value || value->type() != typeid(json::Object::Ptr)) return {};
        const auto names = value->extract<json::Object::Ptr>()->getNames();
        return {names.begin(), names.end()};
    }

    std::vector<Section> list(const std::string& name) const {
        std::vector<Section> out;
        auto value = find(name);
        if (!value) return out;
        for (std::size_t i = 0; i < value->extract<json::Array::Ptr>()->size(); ++i)
            out.emplace_back(document_, json::child(json::child(pointer_, name), i));
        return out;
    }

private:
    std::optional<json::Var> find(const std::string& name) const {
        return json::find(document_, json::child(pointer_, name));
    }

    const json::Var& document_;
    std::string pointer_;
};

/// Where relative paths start from.
struct Base {
    std::filesystem::path folder;

    std::filesystem::path placed(const std::string& path) const { return (folder / path).lexically_normal(); }
    /// Leaves `out` alone when the key is missing.
    void read(const Section& section, const std::string& name, std::filesystem::path& out) const {
        std::optional<std::string> path;
        section.read(name, path);
        if (path) out = placed(*path);
    }
};

}  // namespace acp::config
