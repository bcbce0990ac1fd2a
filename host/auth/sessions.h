// auth: browser sessions in the state store, shared by all replicas. The cookie is
// "<handle>.<secret>"; the store knows the secret's digest only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/session.h"
#include "base/clock.h"
#include "base/result.h"
#include "state/store.h"

namespace acp::auth {

struct SessionLimits {
    std::int64_t idle_s = 1800;       ///< without a request
    std::int64_t absolute_s = 43200;  ///< in all
    /// How long the cookie of before still opens what it opened, after the id was
    /// rotated: requests that are under way must not fail.
    std::int64_t grace_s = 30;
};

/// Each member is [any-thread] [may-block]; Code::unavailable when the store cannot be asked.
class Sessions {
public:
    Sessions(state::Store& store, SessionLimits limits, std::function<std::int64_t()> now_unix_s = [] { return unix_ns() / 1'000'000'000; })
        : store_(store), limits_(limits), now_unix_s_(std::move(now_unix_s)) {}

    /// Fills in handle, digest, CSRF token and times; the cookie's value.
    Result<std::string> begin(Session& session);
    /// As begin, for the session that takes the place of `old` (step-up): it has the same
    /// owner and end, and its own handle. The old one lives for the grace.
    Result<std::string> rotate(Session& session, const Session& old);
    /// nullopt: none that holds. Counts as a use.
    Result<std::optional<Session>> find(std::string_view cookie);
    Result<std::optional<Session>> by_handle(std::string_view handle);
    /// Keeps what was changed; Code::conflict when somebody else has changed it since.
    Result<void> replace(Session& session);
    /// What ended; nullopt: there was none.
    Result<std::optional<Session>> end(std::string_view handle);

    /// Those of one person that hold, newest first.
    Result<std::vector<Session>> of_subject(const std::string& issuer, const std::string& subject);
    /// Those that an upstream's session (`sid`) stands behind.
    Result<std::vector<Session>> of_upstream(const std::string& issuer, const std::string& upstream_session);

    const SessionLimits& limits() const noexcept { return limits_; }
    std::int64_t now() const { return now_unix_s_(); }

private:
    Result<std::string> keep_new(Session& session);
    Result<void> index(const Session& session);
    Result<void> write(Session& session, state::If condition);
    Result<std::vector<Session>> members(const std::string& owner);
    std::int64_t left_ms(const Session& session) const;

    state::Store& store_;
    const SessionLimits limits_;
    const std::function<std::int64_t()> now_unix_s_;
};

}  // namespace acp::auth
