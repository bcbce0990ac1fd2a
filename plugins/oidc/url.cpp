#include "oidc/url.h"

#include <algorithm>

namespace acp::oidc {

namespace {

constexpr std::size_t kUrlBytes = 2048;
constexpr std::string_view kHttps = "https://", kHttp = "http://";

bool is_visible(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_port(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_host(std::string_view text) noexcept {
    if (text.starts_with('['))
        return text.size() > 2 && text.ends_with(']') &&
               text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") == std::string_view::npos;
}

}  // namespace

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

std::optional<std::string> origin_of(std::string_view url) {
    if (url.size() > kUrlBytes || !is_visible(url) || url.find_first_of("\\#") != std::string_view::npos) return std::nullopt;
    const bool https = url.starts_with(kHttps);
    if (!https && !url.starts_with(kHttp)) return std::nullopt;
    const std::string_view scheme = https ? kHttps : kHttp;
    const std::string_view rest = url.substr(scheme.size());
    const std::string authority = lowered(rest.substr(0, rest.find_first_of("/?")));
    const std::size_t bracket = authority.find(']');
    const std::size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
    const std::string host = authority.substr(0, colon);
    if (!is_host(host)) return std::nullopt;
    std::string out = std::string(scheme) + host;
    if (colon == std::string::npos) return out;
    const std::string port = authority.substr(colon + 1);
    if (!is_port(port)) return std::nullopt;
    if (port != (https ? "443" : "80")) out += ":" + port;
    return out;
}

bool is_plain_loopback(std::string_view origin) noexcept {
    if (!origin.starts_with(kHttp)) return false;
    const std::string_view authority = origin.substr(kHttp.size());
    const std::string_view host = authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                                             : authority.substr(0, authority.find(':'));
    if (host == "localhost" || host == "[::1]") return true;
    // 127.0.0.0/8: four numbers, for 127.evil.example is a name.
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos &&
           std::count(host.begin(), host.end(), '.') == 3;
}

bool is_local(std::string_view path) noexcept {
    if (path.size() > kUrlBytes || !path.starts_with('/') || !is_visible(path) || path.find('\\') != std::string_view::npos)
        return false;
    return path.substr(0, path.find_first_of("?#")).find("//") == std::string_view::npos;
}

std::string with_query(std::string url, std::string_view query) {
    url += url.find('?') == std::string::npos ? '?' : '&';
    return url.append(query);
}

}  // namespace acp::oidc
