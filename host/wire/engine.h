// wire: the listeners and loops of the process as one thing to start and stop.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <Poco/Net/ServerSocket.h>

#include "base/result.h"
#include "wire/connection.h"
#include "wire/exchange.h"
#include "wire/loop.h"
#include "wire/options.h"

namespace acp::wire {

/// One loop with its listening socket (SO_REUSEPORT: the kernel spreads new
/// connections over the loops).
class Shard;

class Engine {
public:
    /// Binds; with port 0 the system's choice is in `port()`.
    static Result<std::unique_ptr<Engine>> bind(const Options& options, Application& application);
    ~Engine();

    void start();
    /// Takes no new connections, lets requests under way finish, closes idle
    /// connections; returns when all are gone or `grace_ms` is over.
    void drain(std::int64_t grace_ms);
    void stop();

    std::uint16_t port() const noexcept { return port_; }
    std::vector<const Counters*> counters() const;

private:
    Engine() = default;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::uint16_t port_ = 0;
};

}  // namespace acp::wire
