// client: the connections of one loop to one origin, and who waits for one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/call.h"
#include "client/origin.h"
#include "client/resolver.h"
#include "wire/connection.h"
#include "wire/loop.h"

namespace acp::client {

class Attempt;
class Http1;
class Http2;

struct PoolLimits {
    std::size_t connections = 256;       ///< open and being opened
    std::size_t idle = 128;              ///< kept without work
    std::int64_t idle_ms = 30'000;       ///< for this long
    std::int64_t control_frames_per_second = 1000;  ///< as wire::Limits has it, for HTTP/2
};

/// What the pools of a loop share.
struct Surroundings {
    wire::Loop& loop;
    wire::ConnectionList& connections;
    Resolver& resolver;
};

/// Loop thread only.
class Pool {
public:
    Pool(const Surroundings& surroundings, Origin origin, const PoolLimits& limits)
        : surroundings_(surroundings), origin_(std::move(origin)), limits_(limits), place_(origin_.place()) {}
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    wire::Loop& loop() const noexcept { return surroundings_.loop; }
    wire::ConnectionList& connections() const noexcept { return surroundings_.connections; }
    Resolver& resolver() const noexcept { return surroundings_.resolver; }
    const Origin& origin() const noexcept { return origin_; }
    const PoolLimits& limits() const noexcept { return limits_; }
    const std::string& place() const noexcept { return place_; }
    bool unused() const noexcept { return users_ == 0 && attempts_.empty() && all1_.empty() && all2_.empty(); }

    // --- calls
    void enter() noexcept { ++users_; }
    void leave() noexcept { --users_; }
    /// Gives the call a connection, now or later.
    void serve(Call& call);
    /// Serves it no more.
    void forget(Call& call) noexcept;
    /// Why a call has got none in `waited_ms`.
    Error no_connection(std::int64_t waited_ms) const;

    // --- attempts
    void established(Attempt& attempt, Http1& connection);
    void established(Attempt& attempt, Http2& connection);
    void failed(Attempt& attempt, const Error& error);

    // --- connections
    /// It has nothing to do and can take a call.
    void idle(Http1& connection);
    void ended(Http1& connection);
    /// It may be able to take calls, or to take more of them.
    void has_room(Http2& connection);
    void ended(Http2& connection);

private:
    void connect();
    void remove(Attempt& attempt) noexcept;
    std::size_t in_use() const noexcept { return all1_.size() + all2_.size() + attempts_.size(); }
    void sweep();
    void plan_sweep(std::int64_t ms);
    template <typename Connection>
    Call* take_waiting(const Connection& connection);

    const Surroundings surroundings_;
    const Origin origin_;
    const PoolLimits limits_;
    const std::string place_;
    std::size_t users_ = 0;
    std::deque<Call*> waiting_;
    std::vector<Attempt*> attempts_;  // each retires itself
    std::vector<Http1*> all1_;        // these belong to their connections
    std::vector<Http1*> idle_;        // the last one used is at the back
    std::vector<Http2*> all2_;
    bool negotiated_http1_ = false;
    std::optional<wire::Loop::TimerKey> sweep_timer_;
};

/// The pools of a loop. Loop thread only.
class Pools {
public:
    explicit Pools(const Surroundings& surroundings, const PoolLimits& limits = {})
        : surroundings_(surroundings), limits_(limits) {}
    Pool& to(const Origin& origin);

private:
    const Surroundings surroundings_;
    const PoolLimits limits_;
    std::map<Origin, std::unique_ptr<Pool>> pools_;
};

}  // namespace acp::client
