// http: request paths and queries, decoded once and strictly. Whoever decides
// on a path and whoever acts on it use the value made here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace acp::http {

/// Splits an origin-form target at the first "?".
struct Target {
    std::string_view path;
    std::string_view query;  ///< raw, without "?"
};
Target split_target(std::string_view target) noexcept;

/// Whether the path can be routed as it stands: only unreserved characters and
/// "/", no empty or dot segment. Nearly all requests; costs one pass.
bool is_plain_path(std::string_view path) noexcept;

/// Percent-decodes the segments of a path. Refuses what two readers could take
/// differently: encoded "/", "\" and NUL, controls, ";" parameters, empty and
/// dot segments (also encoded), malformed escapes, invalid UTF-8.
Result<std::string> normalise_path(std::string_view path);

/// One name or value of application/x-www-form-urlencoded; nullopt when an escape
/// is malformed.
std::optional<std::string> decode_form_value(std::string_view raw);

/// application/x-www-form-urlencoded pairs of a query. Refuses malformed
/// escapes, controls, invalid UTF-8, more than 32 pairs, and names other
/// than `repeatable` that are repeated.
class Query {
public:
    static Result<Query> parse(std::string_view raw, std::string_view repeatable = {});
    /// All values of a name, in their order.
    std::vector<std::string> all(std::string_view name) const;
    std::optional<std::string> get(std::string_view name) const;
    /// The first value of that name, or null.
    const std::string* find(std::string_view name) const noexcept;
    bool has(std::string_view name) const noexcept { return find(name) != nullptr; }
    /// Removes and wipes what has this name: a secret that was looked at.
    void forget(std::string_view name) noexcept;
    const std::vector<std::pair<std::string, std::string>>& pairs() const noexcept { return pairs_; }
    /// An error that names the first parameter outside `known`.
    Result<void> only(std::initializer_list<std::string_view> known) const;
    /// Absent: `fallback`. "true" or "false", anything else is an error.
    Result<bool> flag(std::string_view name, bool fallback) const;
    /// Absent: `fallback`. A decimal integer within [low, high].
    Result<std::int64_t> integer(std::string_view name, std::int64_t fallback, std::int64_t low, std::int64_t high) const;

private:
    std::vector<std::pair<std::string, std::string>> pairs_;
};

}  // namespace acp::http
