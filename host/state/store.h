// state: short-lived values that many threads and replicas share: sessions,
// codes, tokens of upstreams, locks. Each has a time to live. Values are
// encrypted before a backend sees them, and keys that are secrets are stored as
// digests, so who reads the backend cannot use what is in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace acp::state {

/// `space` keeps purposes apart ("session", "device", "token"); a key is up to
/// 512 bytes, a value up to 256 KiB. A key is not stored in clear.
struct Entry {
    std::string value;
    std::uint64_t version = 0;  ///< grows with each write of this key
    std::int64_t expires_unix_ms = 0;
};

enum class If : std::uint8_t {
    any,
    absent,   ///< only when there is none
    version,  ///< only over `if_version`
};

struct Write {
    std::string_view space, key, value;
    std::int64_t ttl_ms = 0;  ///< more than 0
    If condition = If::any;
    std::uint64_t if_version = 0;
};

/// All members are [any-thread] [may-block]. A backend that cannot be reached is
/// Code::unavailable `state_unavailable`, never "not found". Times are the
/// backend's own where it has a clock, so that replicas agree.
class Store {
public:
    virtual ~Store() = default;

    /// nullopt: unknown, taken or expired. A value that does not decrypt counts as
    /// absent, and is logged.
    virtual Result<std::optional<Entry>> get(std::string_view space, std::string_view key) = 0;
    /// The new version. Code::conflict when the condition does not hold.
    virtual Result<std::uint64_t> put(const Write& write) = 0;
    /// Reads and removes in one step: of several takers one gets it.
    virtual Result<std::optional<Entry>> take(std::string_view space, std::string_view key) = 0;
    /// Whether there was one. Absent is fine.
    virtual Result<bool> remove(std::string_view space, std::string_view key) = 0;

    /// Adds one to a counter that starts anew `ttl_ms` after its first count; the
    /// new count. For rate limits.
    virtual Result<std::uint64_t> count(std::string_view space, std::string_view key, std::int64_t ttl_ms) = 0;

    /// Index of keys under an owner: a session under its subject. `remember` keeps
    /// `member` (not secret) for `ttl_ms`; `members` lists those not expired.
    virtual Result<void> remember(std::string_view space, std::string_view owner, std::string_view member, std::int64_t ttl_ms) = 0;
    virtual Result<std::vector<std::string>> members(std::string_view space, std::string_view owner) = 0;
    virtual Result<void> forget(std::string_view space, std::string_view owner, std::string_view member) = 0;

    /// Holds `name` for `ttl_ms` against all replicas; the fence grows with each
    /// holder. Code::conflict when another holds it now.
    virtual Result<std::uint64_t> lock(std::string_view name, std::int64_t ttl_ms) = 0;
    /// Gives it back if the fence is still the holder's.
    virtual Result<void> unlock(std::string_view name, std::uint64_t fence) = 0;

    /// Answers within a second or fails: for readiness.
    virtual Result<void> ping() = 0;
};

}  // namespace acp::state
