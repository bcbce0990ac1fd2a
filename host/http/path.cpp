#include "http/path.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"

namespace acp::http {

namespace {

/// What may stand in a path as it is: unreserved characters of RFC 3986 but the
/// dot, which is looked at where it stands.
constexpr std::array<bool, 256> make_plain() {
    std::array<bool, 256> table{};
    for (std::size_t c = 0; c < 256; ++c)
        table[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '~';
    return table;
}
constexpr std::array<bool, 256> kPlain = make_plain();

tl::unexpected<Error> bad_path(std::string why) { return fail(Code::invalid, "bad_path", std::move(why)); }

/// Decodes %XX; false when malformed.
bool decode(std::string_view in, bool plus_is_space, std::string& out) {
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == '%') {
            if (i + 2 >= in.size()) return false;
            auto byte = unhex(in.substr(i + 1, 2));
            if (!byte) return false;
            out += *byte;
            i += 2;
        } else {
            out.push_back(plus_is_space && in[i] == '+' ? ' ' : in[i]);
        }
    }
    return true;
}

bool has_control(std::string_view s) noexcept {
    return std::any_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

Target split_target(std::string_view target) noexcept {
    auto mark = target.find('?');
    if (mark == std::string_view::npos) return {target, {}};
    return {target.substr(0, mark), target.substr(mark + 1)};
}

bool is_plain_path(std::string_view path) noexcept {
    if (path.empty() || path[0] != '/') return false;
    bool segment_start = false;
    for (char c : path) {
        if (kPlain[static_cast<unsigned char>(c)]) {
            segment_start = false;
            continue;
        }
        // A dot inside a name is fine; a segment that starts with one, or with
        // another slash, is looked at closely.
        if ((c != '/' && c != '.') || segment_start) return false;
        segment_start = c == '/';
    }
    return true;
}

Result<std::string> normalise_path(std::string_view path) {
    if (path.empty() || path[0] != '/') return bad_path("the path must start with a slash");
    std::string out;
    std::size_t at = 1;
    while (at <= path.size()) {
        std::size_t end = std::min(path.find('/', at), path.size());
        std::string_view raw = path.substr(at, end - at);
        const bool last = end == path.size();
        std::string segment;
        if (!decode(raw, false, segment)) return bad_path("a percent escape in the path is malformed");
        if (segment.empty() && !last) return bad_path("the path has an empty segment");
        if (segment == "." || segment == "..") return bad_path("the path has a dot segment");
        if (segment.find_first_of("/\\;") != std::string::npos)
            return bad_path("a path segment holds a slash, a backslash or a semicolon, encoded or not");
        if (segment.find('%') != std::string::npos) return bad_path("a path segment is encoded twice");
        if (has_control(segment)) return bad_path("the path holds a control character");
        if (!is_utf8(segment)) return bad_path("the path is not valid UTF-8");
        out += '/';
        out += segment;
        at = end + 1;
    }
    return out;
}

Result<Query> Query::parse(std::string_view raw, std::string_view repeatable) {
    Query q;
    while (!raw.empty()) {
        auto amp = raw.find('&');
        std::string_view part = raw.substr(0, amp);
        raw = amp == std::string_view::npos ? std::string_view() : raw.substr(amp + 1);
        if (part.empty()) continue;
        auto equals = part.find('=');
        std::string name;
        std::string value;
        bool ok = decode(part.substr(0, equals), true, name) &&
                  (equals == std::string_view::npos || decode(part.substr(equals + 1), true, value));
        if (!ok) return fail(Code::invalid, "bad_query", "a percent escape in the query is malformed");
        if (has_control(name) || has_control(value) || !is_utf8(name) || !is_utf8(value))
            return fail(Code::invalid, "bad_query", "the query holds control characters or invalid UTF-8");
        if (name != repeatable && q.get(name)) return fail(Code::invalid, "bad_query", "query parameter '" + name + "' is given twice");
        if (q.pairs_.size() == 32) return fail(Code::invalid, "bad_query", "more than 32 query parameters");
        q.pairs_.emplace_back(std::move(name), std::move(value));
    }
    return q;
}

std::optional<std::string> decode_form_value(std::string_view raw) {
    std::string out;
    if (!decode(raw, true, out)) return std::nullopt;
    return out;
}

const std::string* Query::find(std::string_view name) const noexcept {
    for (const auto& [n, v] : pairs_)
        if (n == name) return &v;
    return nullptr;
}

void Query::forget(std::string_view name) noexcept {
    for (auto& [n, v] : pairs_)
        if (n == name) wipe(v);
    std::erase_if(pairs_, [name](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> Query::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [n, v] : pairs_)
        if (n == name) values.push_back(v);
    return values;
}

std::optional<std::string> Query::get(std::string_view name) const {
    for (const auto& [n, v] : pairs_)
        if (n == name) return v;
    return std::nullopt;
}

Result<void> Query::only(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : pairs_) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        std::string list;
        for (auto k : known) list += (list.empty() ? "" : ", ") + std::string(k);
        return fail(Code::invalid, "unknown_parameter",
                    "unknown query parameter '" + name + "'; known here: " + (list.empty() ? "none" : list));
    }
    return {};
}

Result<bool> Query::flag(std::string_view name, bool fallback) const {
    auto value = get(name);
    if (!value) return fallback;
    if (*value == "true" || *value == "1" || value->empty()) return true;
    if (*value == "false" || *value == "0") return false;
    return fail(Code::invalid, "bad_parameter", "query parameter '" + std::string(name) + "' must be true or false");
}

Result<std::int64_t> Query::integer(std::string_view name, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) const {
    auto value = get(name);
    if (!value) return fallback;
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (error != std::errc() || end != value->data() + value->size() || number < low || number > high)
        return fail(Code::invalid, "bad_parameter",
                    "query parameter '" + std::string(name) + "' must be an integer from " + std::to_string(low) +
                        " to " + std::to_string(high));
    return number;
}

}  // namespace acp::http
