#include "wire/http1/parse.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "wire/http1/chars.h"

namespace acp::wire::http1 {

namespace {

constexpr std::size_t kMethodMax = 32;
constexpr std::size_t kHostMax = 255;  // RFC 1035 section 2.3.4

enum class Scan : std::uint8_t { ok, more, bad };

/// Reading position in the window; `why` is set with Scan::bad.
struct Cursor {
    const char* at;
    const char* end;
    Refusal why = Refusal::none;

    Scan fail(Refusal refusal) noexcept {
        why = refusal;
        return Scan::bad;
    }
};

/// What the fields said, until all of them are read.
struct Seen {
    std::string_view host;
    bool request = true;
    bool has_host = false;
    bool length = false;
    bool coding = false;
    bool expect = false;
    bool upgrade = false;
    bool connection_close = false;
    bool connection_keep = false;
    bool connection_upgrade = false;
};

std::string_view span(const char* from, const char* to) noexcept {
    return {from, static_cast<std::size_t>(to - from)};
}

/// Names the fault at `p`, which ended a run of permitted characters.
Refusal fault_at(const char* p, const char* end, Refusal other) noexcept {
    if (*p == '\0') return Refusal::nul_byte;
    if (*p == '\n') return Refusal::bare_lf;
    if (*p == '\r' && p + 1 != end && p[1] != '\n') return Refusal::bare_cr;
    return other;
}

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Calls `each(element)` for the elements of a comma-separated list (RFC 9110
/// section 5.6.1, empty ones are skipped); stops and returns false when it
/// returns false.
template <typename Each>
bool for_each_element(std::string_view list, Each&& each) noexcept {
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        const std::string_view element = trim(list.substr(0, comma));
        if (!element.empty() && !each(element)) return false;
        if (comma == std::string_view::npos) break;
        list.remove_prefix(comma + 1);
    }
    return true;
}

bool parse_length(std::string_view digits, std::uint64_t& out) noexcept {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (digits.empty()) return false;
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (!is(c, kDigit)) return false;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (kMax - digit) / 10) return false;
        value = value * 10 + digit;
    }
    out = value;
    return true;
}

/// 1*5DIGIT, at most 65535.
bool is_port(const char* p, const char* end) noexcept {
    if (p == end || end - p > 5) return false;
    unsigned value = 0;
    for (; p != end; ++p) {
        const auto digit = static_cast<unsigned>(*p - '0');
        if (digit > 9) return false;
        value = value * 10 + digit;
    }
    return value <= 65535;
}

bool is_ipv6(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size()) return false;
    std::memcpy(copy.data(), text.data(), text.size());
    in6_addr address{};
    return ::inet_pton(AF_INET6, copy.data(), &address) == 1;
}

struct Authority {
    std::string_view host;  ///< with brackets for IPv6
    std::string_view port;  ///< empty when absent
};

/// uri-host [":" port]. Narrower than RFC 3986 on purpose: a name has no
/// percent-encoding and no sub-delims ("a,b" and "a;b" are never host names),
/// and a colon is followed by a port.
bool parse_authority(std::string_view text, Authority& out) noexcept {
    const char* p = text.data();
    const char* const end = p + text.size();
    if (p == end) return false;
    if (*p == '[') {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return false;
        p += close + 1;
    } else {
        while (p != end && is(*p, kHost)) ++p;
        const auto size = static_cast<std::size_t>(p - text.data());
        if (size == 0 || size > kHostMax) return false;
    }
    out.host = span(text.data(), p);
    out.port = {};
    if (p == end) return true;
    if (*p != ':') return false;
    out.port = span(p + 1, end);
    return is_port(p + 1, end);
}

bool same_ci(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

/// Whether an absolute-form authority and Host name the same origin.
bool same_origin(std::string_view a, std::string_view b, std::string_view default_port) noexcept {
    Authority left;
    Authority right;
    if (!parse_authority(a, left) || !parse_authority(b, right)) return false;
    const auto port = [&](const Authority& x) { return x.port.empty() ? default_port : x.port; };
    return same_ci(left.host, right.host) && port(left) == port(right);
}

/// Upgrade = #protocol, protocol = token ["/" token] (RFC 9110 section 7.8).
bool is_upgrade_list(std::string_view value) noexcept {
    bool any = false;
    const bool ok = for_each_element(value, [&](std::string_view element) {
        any = true;
        const std::size_t slash = element.find('/');
        if (slash == std::string_view::npos) return is_token(element);
        return is_token(element.substr(0, slash)) && is_token(element.substr(slash + 1));
    });
    return ok && any;
}

bool note_connection(std::string_view value, Seen& seen) noexcept {
    return for_each_element(value, [&](std::string_view option) {
        if (!is_token(option)) return false;
        if (equals_ci(option, "close")) seen.connection_close = true;
        if (equals_ci(option, "keep-alive")) seen.connection_keep = true;
        if (equals_ci(option, "upgrade")) seen.connection_upgrade = true;
        return true;
    });
}

/// Takes in the fields that decide on framing, routing and the connection.
Refusal note_field(std::string_view name, std::string_view value, Head& out, Seen& seen) noexcept {
    switch (name.size()) {
        case 4:
            if (!seen.request || !is_name(name.data(), "host")) break;
            if (seen.has_host) return Refusal::duplicate_host;
            if (Authority parts; !parse_authority(value, parts)) return Refusal::bad_host;
            seen.has_host = true;
            seen.host = value;
            break;
        case 6:
            if (!seen.request || !is_name(name.data(), "expect")) break;
            if (!equals_ci(value, "100-continue")) return Refusal::bad_expect;
            seen.expect = true;
            break;
        case 7:
            if (!is_name(name.data(), "upgrade")) break;
            if (!is_upgrade_list(value)) return Refusal::bad_upgrade;
            seen.upgrade = true;
            break;
        case 10:
            if (is_name(name.data(), "connection") && !note_connection(value, seen)) return Refusal::bad_field_value;
            break;
        case 14:
            if (!is_name(name.data(), "content-length")) break;
            if (seen.length || !parse_length(value, out.content_length)) return Refusal::bad_content_length;
            seen.length = true;
            break;
        case 17:
            if (!is_name(name.data(), "transfer-encoding")) break;
            if (seen.coding || !equals_ci(value, "chunked")) return Refusal::bad_transfer_coding;
            seen.coding = true;
            break;
        default:
            break;
    }
    return Refusal::none;
}

Refusal name_fault(const char* name, const char* p, const char* end) noexcept {
    if (*p != ' ' && *p != '\t') return fault_at(p, end, Refusal::bad_field_name);
    if (p == name) return Refusal::obs_fold;
    while (p != end && (*p == ' ' || *p == '\t')) ++p;
    return p != end && *p == ':' ? Refusal::space_before_colon : Refusal::bad_field_name;
}

/// Field lines up to and with the empty line.
Scan read_fields(Cursor& c, std::size_t max_fields, Head& out, Seen& seen) noexcept {
    const char* const end = c.end;
    const char* p = c.at;
    std::size_t count = 0;
    for (;;) {
        if (p == end) return Scan::more;
        if (*p == '\r') {
            if (p + 1 == end) return Scan::more;
            if (p[1] != '\n') return c.fail(Refusal::bare_cr);
            c.at = p + 2;
            out.field_count = count;
            return Scan::ok;
        }
        const char* const name = p;
        while (p != end && is(*p, kToken)) ++p;
        if (p == end) return Scan::more;
        if (*p != ':' || p == name) return c.fail(name_fault(name, p, end));
        if (count == max_fields) return c.fail(Refusal::too_many_fields);
        const std::string_view name_view = span(name, p);
        ++p;
        while (p != end && (*p == ' ' || *p == '\t')) ++p;
        const char* const value = p;
        p = skip_value(p, end);
        if (p == end) return Scan::more;
        if (*p != '\r') return c.fail(fault_at(p, end, Refusal::bad_field_value));
        if (p + 1 == end) return Scan::more;
        if (p[1] != '\n') return c.fail(Refusal::bare_cr);
        const char* stop = p;
        while (stop != value && (stop[-1] == ' ' || stop[-1] == '\t')) --stop;
        p += 2;
        Field& field = out.fields[count++];
        field.name = name_view;
        field.value = span(value, stop);
        if (const Refusal why = note_field(field.name, field.value, out, seen); why != Refusal::none)
            return c.fail(why);
    }
}

/// "HTTP/1." DIGIT at `p`, of which eight bytes are there.
Refusal read_version(const char* p, int& minor, Refusal shape) noexcept {
    if (std::memcmp(p, "HTTP/", 5) != 0 || !is(p[5], kDigit) || p[6] != '.' || !is(p[7], kDigit)) return shape;
    if (p[5] != '1' || (p[7] != '0' && p[7] != '1')) return Refusal::bad_version;
    minor = p[7] - '0';
    return Refusal::none;
}

Scan read_request_line(Cursor& c, std::size_t target_max, RequestHead& out) noexcept {
    const char* const end = c.end;
    const char* p = c.at;
    const char* const method = p;
    while (p != end && is(*p, kToken)) ++p;
    if (p == end) return Scan::more;
    if (*p != ' ' || p == method) return c.fail(fault_at(p, end, Refusal::bad_request_line));
    out.method = span(method, p);
    if (out.method.size() > kMethodMax) return c.fail(Refusal::unknown_method);
    const char* const target = ++p;
    p = skip_target(p, end);
    if (p == end) return Scan::more;
    if (p == target) return c.fail(fault_at(p, end, *p == ' ' ? Refusal::bad_request_line : Refusal::bad_target));
    out.target = span(target, p);
    if (*p == '\r' && p + 1 == end) return Scan::more;
    // A line that ends behind the target is HTTP/0.9.
    if (*p != ' ') return c.fail(fault_at(p, end, *p == '\r' ? Refusal::bad_request_line : Refusal::bad_target));
    if (out.target.size() > target_max) return c.fail(Refusal::target_too_long);
    ++p;
    // What nearly every line ends with, in one comparison.
    constexpr std::string_view kUsual = "HTTP/1.1\r\n";
    if (static_cast<std::size_t>(end - p) >= kUsual.size() && std::memcmp(p, kUsual.data(), kUsual.size()) == 0) {
        out.minor = 1;
        c.at = p + kUsual.size();
        return Scan::ok;
    }
    const auto* const lf = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p)));
    if (lf == nullptr) return Scan::more;
    for (const char* q = p; q != lf; ++q)
        if (*q == '\0' || (*q == '\r' && q + 1 != lf)) return c.fail(*q == '\0' ? Refusal::nul_byte : Refusal::bare_cr);
    if (lf == p || lf[-1] != '\r') return c.fail(Refusal::bare_lf);
    if (lf - p != 9) return c.fail(Refusal::bad_request_line);
    if (const Refusal why = read_version(p, out.minor, Refusal::bad_request_line); why != Refusal::none)
        return c.fail(why);
    c.at = lf + 1;
    return Scan::ok;
}

/// RFC 9112 section 4. The space behind the code is there even without a reason.
Scan read_status_line(Cursor& c, ResponseHead& out) noexcept {
    const char* const p = c.at;
    const char* const stop = skip_value(p, c.end);
    if (stop == c.end) return Scan::more;
    if (*stop != '\r') return c.fail(fault_at(stop, c.end, Refusal::bad_status_line));
    if (stop + 1 == c.end) return Scan::more;
    if (stop[1] != '\n') return c.fail(Refusal::bare_cr);
    if (stop - p < 13 || p[8] != ' ' || p[12] != ' ') return c.fail(Refusal::bad_status_line);
    if (const Refusal why = read_version(p, out.minor, Refusal::bad_status_line); why != Refusal::none)
        return c.fail(why);
    if (p[9] < '1' || p[9] > '5' || !is(p[10], kDigit) || !is(p[11], kDigit)) return c.fail(Refusal::bad_status_line);
    out.status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
    out.reason = span(p + 13, stop);
    c.at = stop + 2;
    return Scan::ok;
}

/// Reduces the target to origin-form and finds the authority (RFC 9112
/// sections 3.2 and 3.3).
Refusal settle_target(RequestHead& out, const Seen& seen) noexcept {
    out.authority = seen.host;
    out.scheme = {};
    const std::string_view target = out.target;
    if (out.method == "CONNECT") {
        Authority parts;
        if (!parse_authority(target, parts) || parts.port.empty()) return Refusal::bad_target;
        out.authority = target;
        return Refusal::none;
    }
    if (target.front() == '/') return Refusal::none;
    if (target == "*") return out.method == "OPTIONS" ? Refusal::none : Refusal::bad_target;
    const std::size_t colon = target.find("://");
    if (colon == std::string_view::npos) return Refusal::bad_target;
    const std::string_view scheme = target.substr(0, colon);
    const bool https = equals_ci(scheme, "https");
    if (!https && !equals_ci(scheme, "http")) return Refusal::bad_target;
    const std::string_view rest = target.substr(colon + 3);
    const std::size_t path = rest.find_first_of("/?");
    out.authority = rest.substr(0, path);
    if (Authority parts; !parse_authority(out.authority, parts)) return Refusal::bad_target;
    out.scheme = scheme;
    if (path != std::string_view::npos)
        out.target = rest.substr(path);
    else if (out.method == "OPTIONS")
        out.target = "*";  // RFC 9112 section 3.2.4
    else
        out.target = target.substr(colon + 2, 1);  // the "/" in front of the authority stands for the empty path
    if (seen.has_host && !same_origin(out.authority, seen.host, https ? "443" : "80")) return Refusal::host_mismatch;
    return Refusal::none;
}

/// RFC 9112 sections 6.3 and 9.3, as far as both kinds of message share them.
Refusal settle_framing(Head& out, const Seen& seen) noexcept {
    if (seen.coding && seen.length) return Refusal::length_and_chunked;
    if (seen.coding && out.minor == 0) return Refusal::bad_transfer_coding;
    out.framing = seen.coding ? Framing::chunked : seen.length ? Framing::length : Framing::none;
    if (!seen.length) out.content_length = 0;
    out.keep_alive = !seen.connection_close && (out.minor == 1 || seen.connection_keep);
    out.upgrade = out.minor == 1 && seen.upgrade && seen.connection_upgrade;
    return Refusal::none;
}

const char* find_lf(const char* from, const char* end) noexcept {
    if (from >= end) return nullptr;
    return static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)));
}

/// Whether an empty line, however it is spelt, ends the head in [from, end).
bool has_end(const char* from, const char* end) noexcept {
    for (const char* lf = find_lf(from, end); lf != nullptr; lf = find_lf(lf + 1, end)) {
        if (end - lf > 1 && lf[1] == '\n') return true;
        if (end - lf > 2 && lf[1] == '\r' && lf[2] == '\n') return true;
    }
    return false;
}

/// Drives a parse so that the verdict depends on the bytes alone, not on how
/// they arrived: the first line is judged once it is complete, the fields once
/// the empty line is there. A head that is there at once is read in one pass.
template <typename FirstLine, typename Rest>
Parse drive(std::string_view buffer, std::size_t begin, const HeadLimits& limits, std::size_t& scanned, Head& out,
            Refusal& refusal, FirstLine&& first_line, Rest&& rest) noexcept {
    const std::size_t window = std::min(buffer.size(), limits.bytes);
    const char* const start = buffer.data() + std::min(begin, window);
    const char* const end = buffer.data() + window;

    const auto refuse = [&](Refusal why) {
        refusal = why;
        scanned = 0;
        return Parse::refused;
    };
    const auto wait = [&] {
        if (buffer.size() >= limits.bytes)
            return refuse(find_lf(start, end) == nullptr ? Refusal::target_too_long : Refusal::head_too_large);
        scanned = buffer.size();
        return Parse::incomplete;
    };

    refusal = Refusal::none;
    if (scanned > 0) {
        const char* const fresh = buffer.data() + std::min(scanned, window);
        if (find_lf(fresh, end) == nullptr) return wait();
        const bool first_line_is_new = find_lf(start, end) >= fresh;
        const char* const overlap = fresh - start > 2 ? fresh - 2 : start;
        if (!first_line_is_new && !has_end(overlap, end)) return wait();
    }

    Cursor c{start, end};
    Scan scan = first_line(c);
    if (scan == Scan::bad) return find_lf(start, end) == nullptr ? wait() : refuse(c.why);
    if (scan == Scan::ok) scan = rest(c);
    if (scan == Scan::bad) return has_end(start, end) ? refuse(c.why) : wait();
    if (scan == Scan::more) return wait();
    out.size = static_cast<std::size_t>(c.at - buffer.data());
    scanned = 0;
    return Parse::complete;
}

}  // namespace

std::string_view Head::field(std::string_view lower) const noexcept {
    for (std::size_t i = 0; i < field_count; ++i)
        if (equals_ci(fields[i].name, lower)) return fields[i].value;
    return {};
}

Parse parse_request(std::string_view buffer, const HeadLimits& limits, std::size_t& scanned, RequestHead& out,
                    Refusal& refusal) noexcept {
    const bool leading_crlf = buffer.size() >= 2 && buffer[0] == '\r' && buffer[1] == '\n';
    Seen seen;
    return drive(
        buffer, leading_crlf ? 2 : 0, limits, scanned, out, refusal,
        [&](Cursor& c) { return read_request_line(c, limits.target, out); },
        [&](Cursor& c) {
            const Scan scan = read_fields(c, std::min(limits.fields, kMaxFields), out, seen);
            if (scan != Scan::ok) return scan;
            Refusal why = settle_framing(out, seen);
            if (why == Refusal::none && out.minor == 1 && !seen.has_host) why = Refusal::missing_host;
            if (why == Refusal::none) why = settle_target(out, seen);
            // RFC 9110 section 10.1.1: ignored from HTTP/1.0.
            out.expect_continue = seen.expect && out.minor == 1;
            return why == Refusal::none ? Scan::ok : c.fail(why);
        });
}

Parse parse_response(std::string_view buffer, const HeadLimits& limits, std::size_t& scanned,
                     std::string_view request_method, ResponseHead& out, Refusal& refusal) noexcept {
    Seen seen;
    seen.request = false;
    const Parse verdict = drive(
        buffer, 0, limits, scanned, out, refusal, [&](Cursor& c) { return read_status_line(c, out); },
        [&](Cursor& c) {
            const Scan scan = read_fields(c, std::min(limits.fields, kMaxFields), out, seen);
            if (scan != Scan::ok) return scan;
            if (const Refusal why = settle_framing(out, seen); why != Refusal::none) return c.fail(why);
            const bool tunnel = request_method == "CONNECT" && out.status / 100 == 2;
            const bool no_content =
                request_method == "HEAD" || out.status / 100 == 1 || out.status == 204 || out.status == 304;
            if (no_content || tunnel) {
                out.framing = Framing::none;
            } else if (out.framing == Framing::none) {
                out.framing = Framing::until_close;
                out.keep_alive = false;
            }
            return Scan::ok;
        });
    // A status line that fills the window is no matter of a target.
    if (verdict == Parse::refused && refusal == Refusal::target_too_long) refusal = Refusal::head_too_large;
    return verdict;
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is(c, kToken); });
}

bool is_target(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && skip_target(text.data(), end) == end;
}

bool is_authority(std::string_view text) noexcept {
    Authority parts;
    return parse_authority(text, parts);
}

bool is_field_value(std::string_view text) noexcept {
    return skip_value(text.data(), text.data() + text.size()) == text.data() + text.size();
}

bool equals_ci(std::string_view text, std::string_view lower) noexcept {
    if (text.size() != lower.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
    }
    return true;
}

bool list_has(std::string_view list, std::string_view lower) noexcept {
    return !for_each_element(list, [&](std::string_view element) { return !equals_ci(element, lower); });
}

}  // namespace acp::wire::http1
