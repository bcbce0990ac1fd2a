// auth: slows down who guesses. Only failures count, so an honest client is never
// slowed by its own traffic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "state/store.h"

namespace acp::auth {

/// "127.0.0.1:5000" gives "127.0.0.1", "[::1]:5000" gives "[::1]".
std::string_view address_of(std::string_view peer) noexcept;

/// Failures within a minute, by what is guessed at and by address. A client is
/// counted per address: who fails in its name elsewhere cannot lock it out.
class Failures {
public:
    /// `limit` failures with one name from one address, three times as many from one
    /// address. 0: no limit.
    Failures(state::Store& store, std::string purpose, std::int64_t limit) : store_(store), purpose_(std::move(purpose)), limit_(limit) {}

    /// Code::exhausted with the time to come again once too many failed, Code::unavailable
    /// when the state cannot be asked. [may-block]
    Result<void> admit(std::string_view name, std::string_view address);
    /// One more. [may-block]
    void add(std::string_view name, std::string_view address);

private:
    Result<void> admit_key(const std::string& key);
    void add_key(const std::string& key, std::int64_t limit);

    state::Store& store_;
    const std::string purpose_;
    const std::int64_t limit_;
};

}  // namespace acp::auth
