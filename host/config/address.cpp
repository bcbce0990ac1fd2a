#include "config/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace acp::config {

namespace {

using Bytes = std::array<std::uint8_t, 16>;

/// The bytes of the address and how many there are: 4, 16, or 0 for none.
std::pair<Bytes, std::size_t> address(std::string_view text) {
    Bytes bytes{};
    std::string terminated(text);
    if (terminated.find('\0') != std::string::npos) return {bytes, 0};
    if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return {bytes, 4};
    if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return {bytes, 16};
    return {bytes, 0};
}

template <typename Number>
std::optional<Number> decimal(std::string_view text) {
    Number value = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failure != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || text.front() == '-' || text.front() == '.') return false;
    auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    };
    bool has_letter = std::any_of(text.begin(), text.end(), [](char c) { return c > '9'; });
    // Digits and dots that are no address are a mistyped address.
    return has_letter && std::all_of(text.begin(), text.end(), allowed) && text.find("..") == std::string_view::npos;
}

}  // namespace

std::string Endpoint::text() const {
    std::string shown = host.find(':') == std::string::npos ? host : '[' + host + ']';
    return shown + ':' + std::to_string(port);
}

bool Endpoint::is_loopback() const {
    auto [bytes, size] = address(host);
    if (size == 4) return bytes[0] == 127;
    if (size == 16) return std::all_of(bytes.begin(), bytes.end() - 1, [](auto b) { return b == 0; }) && bytes[15] == 1;
    return host == "localhost";
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    auto port = decimal<std::uint16_t>(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    if (!port) return {};
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (address(host).second != 16) return {};
    } else if (address(host).second != 4 && !is_host_name(host)) {
        return {};
    }
    return Endpoint{std::string(host), *port};
}

}  // namespace acp::config
