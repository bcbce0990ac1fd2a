#include "client/url.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>

#include "wire/http1/parse.h"

namespace acp::client {

namespace {

constexpr std::size_t kUrlMax = 8192;

tl::unexpected<Error> refuse(std::string_view why) {
    return fail(Code::invalid, "bad_url", "the URL is refused: " + std::string(why));
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name_char(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
}

Result<std::uint16_t> parse_port(std::string_view digits) {
    unsigned value = 0;
    if (digits.empty() || digits.size() > 5 || !std::all_of(digits.begin(), digits.end(), is_digit))
        return refuse("the port is no number");
    for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
    if (value == 0 || value > 65535) return refuse("the port is out of range");
    return static_cast<std::uint16_t>(value);
}

Result<Url> parse_unix(std::string_view rest) {
    Url url;
    url.scheme = Scheme::unix_socket;
    const std::size_t colon = rest.find(":/");
    url.host = rest.substr(0, colon);
    if (url.host.size() < 2 || url.host.front() != '/') return refuse("the path of the Unix socket must be absolute");
    if (url.host.size() >= sizeof(sockaddr_un{}.sun_path)) return refuse("the path of the Unix socket is too long");
    url.target = colon == std::string_view::npos ? "/" : rest.substr(colon + 1);
    url.host_field = "localhost";
    return url;
}

Result<Url> parse_network(std::string_view rest, Scheme scheme) {
    Url url;
    url.scheme = scheme;
    url.port = scheme == Scheme::https ? 443 : 80;
    const std::size_t path = rest.find_first_of("/?");
    const std::string_view authority = rest.substr(0, path);
    if (authority.find('@') != std::string_view::npos) return refuse("it holds user information");
    std::size_t host_end = 0;
    if (!authority.empty() && authority.front() == '[') {
        host_end = authority.find(']');
        if (host_end == std::string_view::npos) return refuse("the IPv6 address has no end");
        url.host = authority.substr(1, host_end - 1);
        in6_addr address{};
        if (::inet_pton(AF_INET6, url.host.c_str(), &address) != 1) return refuse("the IPv6 address is malformed");
        ++host_end;
    } else {
        while (host_end < authority.size() && is_name_char(authority[host_end])) ++host_end;
        url.host = authority.substr(0, host_end);
        if (url.host.empty() || url.host.size() > 255) return refuse("the host is missing or malformed");
    }
    if (host_end < authority.size()) {
        if (authority[host_end] != ':') return refuse("the host is missing or malformed");
        Result<std::uint16_t> port = parse_port(authority.substr(host_end + 1));
        if (!port) return tl::unexpected(port.error());
        url.port = *port;
    }
    url.host_field = authority;
    url.target = path == std::string_view::npos ? "/" : rest.substr(path);
    if (url.target.front() == '?') url.target.insert(0, 1, '/');
    return url;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    if (text.size() > kUrlMax) return refuse("it is longer than " + std::to_string(kUrlMax) + " bytes");
    if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
        return refuse("it holds white space, a control or a byte beyond ASCII");
    if (text.find('#') != std::string_view::npos) return refuse("it holds a fragment");
    const auto after = [&](std::string_view prefix) { return text.substr(prefix.size()); };
    if (text.starts_with("http://")) return parse_network(after("http://"), Scheme::http);
    if (text.starts_with("https://")) return parse_network(after("https://"), Scheme::https);
    if (text.starts_with("unix://")) return parse_unix(after("unix://"));
    return refuse("it must begin with http://, https:// or unix://");
}

bool is_loopback(const std::string& host) noexcept {
    in_addr v4{};
    if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
    return wire::http1::equals_ci(host, "localhost");
}

}  // namespace acp::client
