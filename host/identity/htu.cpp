#include "identity/htu.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "client/url.h"

namespace acp::identity {

namespace {

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/// Escapes of characters that need none are undone, the others get upper-case digits.
std::optional<std::string> normal_escapes(std::string_view path) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            out.push_back(path[i]);
            continue;
        }
        const auto byte = unhex(path.substr(i + 1, 2));
        if (!byte || byte->size() != 1) return {};
        const char c = byte->front();
        if (is_unreserved(c)) {
            out.push_back(c);
        } else {
            const auto value = static_cast<unsigned char>(c);
            out.append({'%', kHex[value >> 4], kHex[value & 15]});
        }
        i += 2;
    }
    return out;
}

/// RFC 3986 section 5.2.4 for a path that begins with "/".
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> kept;
    bool is_folder = false;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        is_folder = segment == "." || segment == "..";
        if (segment == ".." && !kept.empty()) kept.pop_back();
        if (!is_folder) kept.push_back(segment);
    }
    std::string out;
    for (const std::string_view segment : kept) out.append("/").append(segment);
    if (is_folder || out.empty()) out.push_back('/');
    return out;
}

}  // namespace

std::optional<std::string> normal_htu(std::string_view url) {
    const auto colon = url.find("://");
    if (colon == std::string_view::npos) return {};
    std::string text = ascii_lower(url.substr(0, colon));
    text += url.substr(colon, url.find('#') == std::string_view::npos ? std::string_view::npos : url.find('#') - colon);
    const auto parsed = client::parse_url(text);
    if (!parsed || parsed->scheme == client::Scheme::unix_socket) return {};
    const bool is_https = parsed->scheme == client::Scheme::https;
    std::string out = is_https ? "https://" : "http://";
    const bool is_v6 = parsed->host.find(':') != std::string::npos;
    out += is_v6 ? "[" + ascii_lower(parsed->host) + "]" : ascii_lower(parsed->host);
    if (parsed->port != (is_https ? 443 : 80)) out += ":" + std::to_string(parsed->port);
    const auto path = normal_escapes(std::string_view(parsed->target).substr(0, parsed->target.find('?')));
    if (!path) return {};
    return out + without_dots(*path);
}

}  // namespace acp::identity
