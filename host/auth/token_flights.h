// auth: tokens of upstreams, fetched by one at a time on all replicas and kept
// until they are old.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "plugins/call_scope.h"
#include "state/store.h"

namespace acp::auth {

/// [any-thread]
class TokenFlights {
public:
    using Fetch = std::function<Result<std::string>()>;
    TokenFlights(state::Store& store, std::function<std::int64_t()> now_unix_ms) : store_(store), now_ms_(std::move(now_unix_ms)) {}

    /// The token that `owner` has under `key` while it has `least_left_s` to live, else the
    /// one that `fetch` gives: an object, kept for its "expires_in" seconds, and not at all
    /// without. What is given tells "expires_in" as of now.
    ///
    /// Threads of this process that ask meanwhile wait for the flight and get what it
    /// brought, its failure included, unless it was the first caller's own end (cancelled,
    /// deadline): then the next one flies. Other replicas wait at the store's lock. While
    /// the store is down tokens are fetched and not kept. Errors: fetch's, Code::deadline,
    /// Code::cancelled. [may-block] until the call's deadline
    Result<std::string> get(const plugins::CallContext& call, std::string_view owner, std::string_view key, std::int64_t least_left_s,
                            const Fetch& fetch);

private:
    struct Flight {
        bool landed = false;
        std::optional<Result<std::string>> brought;
    };
    struct Wanted {
        const plugins::CallContext& call;
        const std::string name;  ///< owner and the key's digest
        std::int64_t least_left_s;
        const Fetch& fetch;
    };
    Result<std::string> fly(const Wanted& wanted);
    Result<std::string> fetch_and_keep(const Wanted& wanted);
    /// nullopt: none that lives long enough.
    Result<std::optional<std::string>> kept(const Wanted& wanted);

    state::Store& store_;
    const std::function<std::int64_t()> now_ms_;
    std::mutex mutex_;
    std::condition_variable landed_;
    std::map<std::string, std::shared_ptr<Flight>> flights_;  ///< by name
};

}  // namespace acp::auth
