// client: which way requests leave this host.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/origin.h"

namespace acp::client {

struct Egress {
    Proxy proxy;                      ///< none: all directly
    std::vector<std::string> direct;  ///< a host exactly, or with a leading dot every name below

    /// The proxy for `origin`; none for Unix sockets, loopback and what is direct.
    Proxy to(const Origin& origin) const;
};

/// "Basic" of RFC 7617 for USER:PASSWORD.
std::string basic_authorization(std::string_view credentials);

/// Of the process, for exchanges that begin from now on. [any-thread]
void set_egress(Egress egress);
Proxy proxy_to(const Origin& origin);

}  // namespace acp::client
