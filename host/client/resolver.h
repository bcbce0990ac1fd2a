// client: names to addresses, away from the event loops.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/loop.h"
#include "work/pool.h"

namespace acp::client {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};
using Addresses = std::vector<Address>;

/// The path of a Unix socket; it has been checked to fit.
Address unix_address(const std::string& path) noexcept;

/// The system's resolver, which blocks, on threads of its own: a name server that
/// is silent keeps nobody waiting but those who ask for its names.
class Resolver {
public:
    using Done = std::function<void(Result<Addresses>)>;
    /// In the system's order of preference (RFC 6724), at least one. `done` runs
    /// on the loop, at once for an address in numbers.
    void resolve(const std::string& host, std::uint16_t port, wire::Loop& loop, Done done);

private:
    static constexpr std::size_t kThreads = 8, kQueue = 256;
    work::Pool threads_{"names", kThreads, kQueue};
};

}  // namespace acp::client
