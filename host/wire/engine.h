// wire: the listeners and loops of the process as one thing to start and stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "wire/connection.h"
#include "wire/exchange.h"
#include "wire/options.h"

namespace acp::wire {

class Shard;

/// Makes the TLS state of a new connection; null when it cannot. [any-thread]
using MakeTls = std::function<tls::SslPtr()>;

class Engine {
public:
    /// Binds all listeners or none. `make_tls` is needed when one of them has TLS.
    static Result<std::unique_ptr<Engine>> bind(const Options& options, Application& application, MakeTls make_tls = {});
    ~Engine();

    void start();
    /// Takes no new connections, lets requests under way finish, closes idle
    /// connections; returns when all are gone or `grace_ms` is over.
    void drain(std::int64_t grace_ms);
    void stop();
    /// For connections that come from now on; the present ones keep what they have.
    void set_tls(MakeTls make);

    /// As they are bound: ports that were 0 are the system's choice.
    const std::vector<Listener>& listeners() const noexcept { return listeners_; }
    std::uint16_t port() const noexcept { return listeners_.front().port; }
    std::vector<const Counters*> counters() const;

private:
    Engine() = default;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::vector<Listener> listeners_;
};

}  // namespace acp::wire
