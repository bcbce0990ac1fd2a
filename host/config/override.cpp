#include "config/override.h"

#include <functional>
#include <map>

#include "base/bytes.h"
#include "json/pointer.h"
#include "json/schema.h"

namespace acp::config {

namespace {

constexpr std::string_view prefix = "ALPHASWARM_CP_";

std::vector<std::string> path_of(std::string_view variable) {
    std::string rest = ascii_lower(variable.substr(prefix.size()));
    std::vector<std::string> path;
    for (std::size_t start = 0;;) {
        auto end = rest.find("__", start);
        path.push_back(rest.substr(start, end - start));
        if (end == std::string::npos) return path;
        start = end + 2;
    }
}

/// The map that holds the last key of `path`, made where it is missing.
json::Object::Ptr holder_of(const std::vector<std::string>& path, const Origin& origin, Document& document) {
    json::Object::Ptr holder = document.value.extract<json::Object::Ptr>();
    std::string pointer;
    for (std::size_t i = 0; i + 1 < path.size(); ++i) {
        pointer = json::child(pointer, path[i]);
        if (!holder->has(path[i]) || holder->get(path[i]).isEmpty()) {
            holder->set(path[i], json::object());
            document.origins.set(pointer, origin);
        }
        json::Var next = holder->get(path[i]);
        if (next.type() != typeid(json::Object::Ptr)) {
            document.violations.push_back(
                locate(origin, pointer, "is no map but " + std::string(json::type_name(next)) + "; set it as a whole"));
            return {};
        }
        holder = next.extract<json::Object::Ptr>();
    }
    return holder;
}

void put(const std::vector<std::string>& path, const Origin& origin, Document& document,
         const std::function<json::Var(const std::string& pointer)>& value) {
    auto holder = holder_of(path, origin, document);
    if (holder.isNull()) return;
    std::string pointer;
    for (const auto& key : path) pointer = json::child(pointer, key);
    document.origins.erase(pointer);
    document.unread.erase(pointer);
    holder->set(path.back(), value(pointer));
    document.origins.set(pointer, origin);
}

}  // namespace

void apply_overrides(const Environment& environment, const Overrides& overrides, Document& document) {
    if (document.value.type() != typeid(json::Object::Ptr)) return;
    std::map<std::vector<std::string>, std::string> set_by;
    for (const auto& variable : environment) {
        const std::string& name = variable.first;
        const std::string& text = variable.second;
        if (name.size() <= prefix.size() || ascii_lower(name).compare(0, prefix.size(), ascii_lower(prefix)) != 0) continue;
        Origin origin{"environment variable " + name, 0, 0};
        auto path = path_of(name);
        auto [first, fresh] = set_by.emplace(path, name);
        if (!fresh) {
            document.violations.push_back(locate(origin, "", "sets the same key as " + first->second + "; keep one"));
            continue;
        }
        put(path, origin, document,
            [&](const std::string& pointer) { return read_override(text, origin.source, pointer, document); });
    }
    if (overrides.listen)
        put({"server", "listen"}, {"option --listen", 0, 0}, document, [&](const auto&) { return *overrides.listen; });
    if (overrides.data_dir) {
        // Made absolute here: in the file, paths start from the file's folder.
        std::error_code ignored;
        auto path = std::filesystem::absolute(*overrides.data_dir, ignored);
        put({"data_dir"}, {"option --data-dir", 0, 0}, document,
            [&](const auto&) { return overrides.data_dir->empty() ? std::string() : path.string(); });
    }
}

}  // namespace acp::config
