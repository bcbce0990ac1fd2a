#include "dispatch/router.h"

#include <algorithm>

namespace acp::dispatch {

namespace {

/// First segment of `path` ("/a/b" gives "a") and what follows it.
std::pair<std::string_view, std::string_view> split(std::string_view path) noexcept {
    path.remove_prefix(1);
    auto slash = path.find('/');
    if (slash == std::string_view::npos) return {path, {}};
    return {path.substr(0, slash), path.substr(slash)};
}

bool is_parameter(std::string_view segment) noexcept {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

}  // namespace

const Route* Router::Methods::find(std::string_view method) const noexcept {
    for (const Route* route : routes)
        if (route->method == method) return route;
    return method == "HEAD" ? find("GET") : nullptr;
}

std::string Router::Methods::allow() const {
    std::string list;
    for (const Route* route : routes) {
        if (route->method == "HEAD" && find("GET")) continue;
        list += (list.empty() ? "" : ", ") + route->method;
        if (route->method == "GET") list += ", HEAD";
    }
    return list + (list.empty() ? "" : ", ") + "OPTIONS";
}

Result<void> Router::add(Route added) {
    auto owned = std::make_unique<Route>(std::move(added));
    const Route* route = owned.get();
    Methods* methods = nullptr;
    if (route->pattern.find('{') == std::string::npos) {
        methods = &literal_[route->pattern];
    } else {
        Node* node = &root_;
        for (std::string_view rest = route->pattern; !rest.empty();) {
            auto [segment, after] = split(rest);
            std::unique_ptr<Node>& next = is_parameter(segment) ? node->any : node->literal[std::string(segment)];
            if (!next) next = std::make_unique<Node>();
            node = next.get();
            rest = after;
        }
        methods = &node->methods;
    }
    for (const Route* other : methods->routes)
        if (other->method == route->method)
            return fail(Code::conflict, "route_taken", route->method + " " + route->pattern + " is registered twice");
    const bool literal = route->pattern.find('{') == std::string::npos;
    if (literal && route->immediate && route->scope.empty() && route->method == "GET") immediate_.push_back(route);
    methods->routes.push_back(route);
    routes_.push_back(std::move(owned));
    return {};
}

const Route* Router::immediate(std::string_view method, std::string_view path) const noexcept {
    if (method != "GET") return nullptr;
    // A handful of entries: comparing lengths first is faster than hashing.
    for (const Route* route : immediate_)
        if (route->pattern == path) return route;
    return nullptr;
}

void Router::reserve(std::string prefix, std::string why) { reserved_.emplace_back(std::move(prefix), std::move(why)); }

const Router::Methods* Router::walk(const Node& node, std::string_view rest, std::vector<std::string>& values) {
    if (rest.empty()) return node.methods.routes.empty() ? nullptr : &node.methods;
    auto [segment, after] = split(rest);
    if (segment.empty()) return nullptr;
    // A literal segment counts more than a parameter; only if it leads nowhere is the parameter tried.
    if (auto at = node.literal.find(segment); at != node.literal.end())
        if (const Methods* found = walk(*at->second, after, values)) return found;
    if (!node.any) return nullptr;
    values.emplace_back(segment);
    if (const Methods* found = walk(*node.any, after, values)) return found;
    values.pop_back();
    return nullptr;
}

Router::Match Router::match(std::string_view method, std::string_view path, Params& params) const {
    Match match;
    const Methods* methods = nullptr;
    std::vector<std::string> values;
    if (auto at = literal_.find(path); at != literal_.end())
        methods = &at->second;
    else if (path.size() > 1)
        methods = walk(root_, path, values);
    if (methods) {
        match.route = methods->find(method);
        if (!match.route) {
            match.allow = methods->allow();
            return match;
        }
        std::size_t next = 0;
        for (std::string_view rest = match.route->pattern; !rest.empty() && next < values.size();) {
            auto [segment, after] = split(rest);
            if (is_parameter(segment))
                params.emplace_back(segment.substr(1, segment.size() - 2), std::move(values[next++]));
            rest = after;
        }
        return match;
    }
    for (const auto& [prefix, why] : reserved_)
        if (path.starts_with(prefix) && (path.size() == prefix.size() || prefix.back() == '/' || path[prefix.size()] == '/'))
            match.reserved = &why;
    return match;
}

}  // namespace acp::dispatch
