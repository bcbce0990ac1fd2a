// state: what a database does for the store. Names are digests and values are
// sealed when they come here. Every backend gives the same answers; one test
// holds all of them to it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "state/store.h"

namespace acp::state {

struct Row {
    std::string name, sealed;
    std::int64_t ttl_ms = 0;
    If condition = If::any;
    std::uint64_t if_version = 0;
};

struct Member {
    std::string name, sealed;
};

/// As Store, over names and sealed values; Entry::value is sealed. [any-thread] [may-block]
class Backend {
public:
    virtual ~Backend() = default;
    virtual Result<std::optional<Entry>> get(const std::string& name) = 0;
    virtual Result<std::uint64_t> put(const Row& row) = 0;
    virtual Result<std::optional<Entry>> take(const std::string& name) = 0;
    virtual Result<bool> remove(const std::string& name) = 0;
    virtual Result<std::uint64_t> count(const std::string& name, std::int64_t ttl_ms) = 0;
    virtual Result<void> remember(const std::string& owner, const Member& member, std::int64_t ttl_ms) = 0;
    virtual Result<std::vector<Member>> members(const std::string& owner) = 0;
    virtual Result<void> forget(const std::string& owner, const std::string& member) = 0;
    virtual Result<std::uint64_t> lock(const std::string& name, std::int64_t ttl_ms) = 0;
    virtual Result<void> unlock(const std::string& name, std::uint64_t fence) = 0;
    virtual Result<void> ping() = 0;
};

/// Unix time in milliseconds, of backends without a clock of their own.
using Clock = std::function<std::int64_t()>;
inline Clock system_clock() {
    return [] { return unix_ms(); };
}

/// Versions and fences are the time in microseconds, or one more than the last
/// where that is not more: they grow even over an entry that was removed, or a
/// database that lost its content. Below 2^53, as Lua and JSON need, until 2255.
inline std::uint64_t fresh_number() {
    return static_cast<std::uint64_t>(unix_ns() / 1000);
}

/// How long a call to a database over a connection may take.
constexpr std::int64_t kCallMs = 2000;
constexpr std::int64_t kPingMs = 1000;
inline std::int64_t deadline_after(std::int64_t ms) {
    return monotonic_ns() + ms * 1'000'000;
}

/// `cause` is for the log, it may name hosts and paths; clients learn no more
/// than the kind.
tl::unexpected<Error> unavailable(const std::string& kind, std::string cause);
tl::unexpected<Error> conflict();
tl::unexpected<Error> held();
tl::unexpected<Error> full(const std::string& kind, std::string cause);

}  // namespace acp::state
