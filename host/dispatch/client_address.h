// dispatch: where a request came from, when proxies that are believed stand in front.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/exchange.h"

namespace acp::dispatch {

/// An IPv6 address, or an IPv4 one in its mapped form (RFC 4291 section 2.5.5.2).
using Address = std::array<std::uint8_t, 16>;

/// Networks whose hosts are believed about whom they forward for.
class TrustedProxies {
public:
    /// Each is an address, a network ADDRESS/BITS, or "unix" for the Unix socket's peers.
    /// Code::invalid names the first that is none.
    static Result<TrustedProxies> parse(const std::vector<std::string>& texts);

    bool empty() const noexcept { return networks_.empty() && !unix_socket_; }
    /// `peer` as the wire tells it: "1.2.3.4:80", "[::1]:80", or no address of a network.
    bool has_peer(std::string_view peer) const noexcept;
    bool has(const Address& address) const noexcept;

private:
    struct Network {
        Address address{};
        int bits = 128;
    };
    static std::optional<Network> network_of(std::string_view text);

    std::vector<Network> networks_;
    bool unix_socket_ = false;
};

/// The peer, unless it is a trusted proxy: then what X-Forwarded-For says, read from its end
/// (the near side), up to the first address that is no trusted proxy's. What is malformed
/// counts as not there, and so does all that is before it: anybody can have written that.
std::string client_address(const wire::RequestView& request, const TrustedProxies& proxies);

}  // namespace acp::dispatch
