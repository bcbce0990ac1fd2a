// wire: sockets that listen.
#pragma once

#include <Poco/Net/ServerSocket.h>

#include <vector>

#include "base/result.h"
#include "wire/options.h"

namespace acp::wire {

/// One listener's sockets. TCP has one for each loop, between which the kernel
/// spreads connections; the others have a single one that all loops watch.
struct Listening {
    Listener options;  ///< the port is settled
    std::vector<Poco::Net::ServerSocket> sockets;
    bool shared = false;
    bool tls = false;
};

/// Errors: Code::unavailable, with the address and what to change.
Result<Listening> listen(const Listener& listener, unsigned loops);

}  // namespace acp::wire
