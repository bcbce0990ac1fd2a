// client: the event loop behind callers that block.
#pragma once

#include <functional>
#include <thread>

#include "client/pool.h"
#include "client/resolver.h"
#include "wire/connection.h"
#include "wire/counters.h"
#include "wire/loop.h"

namespace acp::client {

/// One thread with a loop and its pools. What is posted to it runs there.
class Runner {
public:
    Runner();
    ~Runner();
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    void post(std::function<void()> task) { loop_.post(std::move(task)); }  ///< [any-thread]
    Pools& pools() noexcept { return pools_; }                              ///< loop thread only
    const wire::Counters& counters() const noexcept { return counters_; }   ///< [any-thread]

private:
    wire::Counters counters_;
    wire::ConnectionList connections_{counters_};
    wire::Loop loop_;
    Resolver resolver_;
    Pools pools_;
    std::thread thread_;
};

/// The process's one, started by its first use. [any-thread]
Runner& runner();

}  // namespace acp::client
