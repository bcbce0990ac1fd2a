#include "dispatch/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "wire/http1/parse.h"

namespace acp::dispatch {

namespace {

constexpr int kMostHops = 32;
constexpr int kMappedBits = 96;

std::optional<Address> address_of_text(std::string_view text) {
    if (text.size() > INET6_ADDRSTRLEN) return {};
    const std::string copy(text);
    Address out{};
    in_addr v4{};
    if (::inet_pton(AF_INET6, copy.c_str(), out.data()) == 1) return out;
    if (::inet_pton(AF_INET, copy.c_str(), &v4) != 1) return {};
    out = {};
    out[10] = out[11] = 0xff;
    std::memcpy(&out[12], &v4, sizeof v4);
    return out;
}

bool is_port(std::string_view text) noexcept {
    return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// "1.2.3.4", "1.2.3.4:80", "::1", "[::1]", "[::1]:80".
std::optional<Address> address_of_hop(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return {};
        const auto rest = text.substr(end + 1);
        if (!rest.empty() && !(rest.front() == ':' && is_port(rest.substr(1)))) return {};
        const auto inside = text.substr(1, end - 1);
        return inside.find(':') == std::string_view::npos ? std::nullopt : address_of_text(inside);
    }
    if (std::count(text.begin(), text.end(), ':') == 1) {
        const auto colon = text.find(':');
        if (!is_port(text.substr(colon + 1))) return {};
        text = text.substr(0, colon);
    }
    return address_of_text(text);
}

/// As the wire writes an address, without a port.
std::string text_of(const Address& address) {
    static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char text[INET6_ADDRSTRLEN] = {};
    if (std::equal(kMapped.begin(), kMapped.end(), address.begin())) {
        ::inet_ntop(AF_INET, &address[12], text, sizeof text);
        return text;
    }
    ::inet_ntop(AF_INET6, address.data(), text, sizeof text);
    return std::string("[").append(text).append("]");
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::optional<TrustedProxies::Network> TrustedProxies::network_of(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = address_of_text(text.substr(0, slash));
    if (!address) return {};
    const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    Network out{*address, 128};
    if (slash == std::string_view::npos) return out;
    const auto bits = text.substr(slash + 1);
    int value = -1;
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), value);
    if (error != std::errc() || end != bits.data() + bits.size() || value < 0 || value > (is_v4 ? 32 : 128)) return {};
    out.bits = is_v4 ? kMappedBits + value : value;
    return out;
}

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& texts) {
    TrustedProxies out;
    for (const auto& text : texts) {
        if (text == "unix") {
            out.unix_socket_ = true;
        } else if (auto network = network_of(text)) {
            out.networks_.push_back(*network);
        } else {
            return fail(Code::invalid, "bad_network", text + " is no address, no network such as 10.0.0.0/8, and not unix");
        }
    }
    return out;
}

bool TrustedProxies::has(const Address& address) const noexcept {
    return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
        const auto whole = static_cast<std::size_t>(network.bits / 8);
        if (!std::equal(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(whole), network.address.begin())) return false;
        const int rest = network.bits % 8;
        return rest == 0 || ((address[whole] ^ network.address[whole]) >> (8 - rest)) == 0;
    });
}

bool TrustedProxies::has_peer(std::string_view peer) const noexcept {
    const auto address = address_of_hop(peer);
    return address ? has(*address) : unix_socket_ && peer.starts_with("unix");
}

std::string client_address(const wire::RequestView& request, const TrustedProxies& proxies) {
    std::string out(request.peer);
    if (proxies.empty() || !proxies.has_peer(request.peer)) return out;
    int hops = 0;
    for (auto field = request.fields.rbegin(); field != request.fields.rend(); ++field) {
        if (!wire::http1::equals_ci(field->name, "x-forwarded-for")) continue;
        std::string_view left = field->value;
        for (bool more = true; more;) {
            const auto comma = left.rfind(',');
            more = comma != std::string_view::npos;
            const auto address = address_of_hop(trimmed(more ? left.substr(comma + 1) : left));
            if (!address || ++hops > kMostHops) return out;
            out = text_of(*address);
            if (!proxies.has(*address)) return out;
            if (more) left = left.substr(0, comma);
        }
    }
    return out;
}

}  // namespace acp::dispatch
