// identity: the keys of other issuers, fetched when needed and kept for a while.
#pragma once

#include <atomic>
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "identity/fetch.h"
#include "jose/key_set.h"

namespace acp::identity {

struct KeyPlace {
    std::string issuer;
    std::string jwks_url;  ///< empty: by discovery
    std::string ca_file;
    auto operator<=>(const KeyPlace&) const = default;
};

struct KeyTimes {
    std::int64_t keep_ms = 600'000;        ///< then they are fetched anew
    std::int64_t stale_ms = 86'400'000;    ///< so much longer they serve while the issuer is down
    std::int64_t unknown_kid_ms = 30'000;  ///< between two fetches for a `kid` that the set lacks
    std::int64_t first_retry_ms = 1'000;   ///< after a failed fetch; doubles with each
    std::int64_t last_retry_ms = 60'000;
};

/// Of all sources together, since the start.
struct KeyCounters {
    std::atomic<std::uint64_t> fetches{0};       ///< that brought a key set
    std::atomic<std::uint64_t> failures{0};      ///< that did not
    std::atomic<std::uint64_t> stale_serves{0};  ///< keys given out past their time
    std::atomic<std::uint64_t> unknown_kids{0};  ///< asked for and not there
};

struct KeyRules {
    KeyTimes times;
    Fetch fetch = fetch_document;
    std::function<std::int64_t()> now_ms = [] { return monotonic_ns() / 1'000'000; };
    /// Told when a key is not published any more: what it signed holds no longer. [any-thread]
    std::function<void()> key_gone = {};
};

/// The key set of one issuer. One flight serves all who wait; while keys are
/// stale only the one who starts the flight waits for it. [any-thread]
class KeySource {
public:
    KeySource(KeyPlace place, const KeyRules& rules, KeyCounters& counters)
        : place_(std::move(place)), rules_(rules), counters_(counters) {}

    /// The key for a token's `kid` ("": the only one that fits). A kid that is not
    /// there causes a fetch, at most one per KeyTimes::unknown_kid_ms. Errors:
    /// Code::unauthenticated `invalid_token` (internal "kid"), or Code::unavailable
    /// `keys_unavailable` with a time to retry after. [may-block]
    Result<std::shared_ptr<const jose::PublicKey>> find(std::string_view kid, jose::Algorithm algorithm);

private:
    using SetPtr = std::shared_ptr<const jose::KeySet>;
    enum class Age : std::uint8_t { fresh, stale, none };
    Age age(std::int64_t now) const noexcept;
    void fly(std::unique_lock<std::mutex>& lock, bool for_kid);
    Result<SetPtr> bring(std::int64_t now);
    void land(Result<SetPtr> brought, std::int64_t now);
    tl::unexpected<Error> unavailable(std::int64_t now) const;

    const KeyPlace place_;
    const KeyRules& rules_;
    KeyCounters& counters_;
    std::mutex mutex_;
    std::condition_variable landed_;
    bool flying_ = false;
    std::uint64_t flights_ = 0;  ///< ended
    SetPtr set_;
    std::int64_t brought_ms_ = 0;
    std::int64_t next_try_ms_ = 0;  ///< after failures
    std::int64_t retry_ms_ = 0;
    std::int64_t next_kid_fetch_ms_ = 0;
    std::string trouble_;  ///< of the last failure
    // Of the one flight under way only.
    std::string jwks_url_;
    std::int64_t discovered_ms_ = 0;
};

/// All sources of the process. [any-thread]
class KeySources {
public:
    explicit KeySources(KeyRules rules = {}) : rules_(std::move(rules)) {}
    /// Before threads start.
    void on_key_gone(std::function<void()> listener) { rules_.key_gone = std::move(listener); }
    /// The source, made at its first use. Code::exhausted beyond 256 of them.
    Result<std::shared_ptr<KeySource>> at(const KeyPlace& place);
    const KeyCounters& counters() const noexcept { return counters_; }

private:
    KeyRules rules_;
    KeyCounters counters_;
    std::mutex mutex_;
    std::map<KeyPlace, std::shared_ptr<KeySource>> sources_;
};

}  // namespace acp::identity
