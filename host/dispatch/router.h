// dispatch: from a request to the handler that may serve it: routing,
// authentication, authorisation, admission, bodies. It decides on the
// normalised path and hands on that same value.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dispatch/route.h"

namespace acp::dispatch {

using Params = std::vector<std::pair<std::string, std::string>>;

/// Fixed once serving starts; lookups are [any-thread].
class Router {
public:
    /// `pattern` is literal segments and `{name}` segments. Fails when the
    /// method and pattern are taken.
    Result<void> add(Route route);
    /// Answers every path below `prefix` that no route takes with 501 and
    /// `why`: a part of the contract that this version does not have.
    void reserve(std::string prefix, std::string why);

    struct Match {
        const Route* route = nullptr;
        std::string allow;          ///< set when the path exists for other methods
        const std::string* reserved = nullptr;
    };
    /// `path` is normalised. Literal paths are found without allocation.
    Match match(std::string_view method, std::string_view path, Params& params) const;
    /// The public route that answers at once (probes, mostly) for this very path,
    /// or null. `path` need not be normalised: it is taken only when it is equal
    /// to a registered literal, and those are normal.
    const Route* immediate(std::string_view method, std::string_view path) const noexcept;
    const std::vector<std::unique_ptr<Route>>& routes() const noexcept { return routes_; }

private:
    struct Methods {
        std::vector<const Route*> routes;
        const Route* find(std::string_view method) const noexcept;
        std::string allow() const;
    };
    struct Node {
        std::map<std::string, std::unique_ptr<Node>, std::less<>> literal;
        std::unique_ptr<Node> any;
        Methods methods;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept { return std::hash<std::string_view>{}(s); }
    };
    static const Methods* walk(const Node& node, std::string_view rest, std::vector<std::string>& values);

    std::vector<std::unique_ptr<Route>> routes_;
    std::vector<const Route*> immediate_;
    std::unordered_map<std::string, Methods, Hash, std::equal_to<>> literal_;
    Node root_;
    std::vector<std::pair<std::string, std::string>> reserved_;
};

}  // namespace acp::dispatch
