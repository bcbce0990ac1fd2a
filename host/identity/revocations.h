// identity: tokens that hold no longer although they have not expired. One
// replica's revocations take effect there at once, on the others with their
// next poll; whoever verifies a token asks no database.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"
#include "state/store.h"

namespace acp::identity {

/// What of a token a revocation is found by: digests, so that looking costs
/// two look-ups in a table and no more.
struct RevocationKeys {
    Sha256 subject{};
    Sha256 token{};  ///< of its jti; of no use without `has_token`
    bool has_token = false;
    std::int64_t issued_unix_s = 0;
};
/// `token_id` is the jti; empty: none.
RevocationKeys revocation_keys(std::string_view issuer, std::string_view subject, std::string_view token_id,
                               std::int64_t issued_unix_s);

/// In the store's space "revoked": an index with one member for each revocation,
/// kept until what it revokes has expired anyway, and one value that changes
/// with each, so that a poll reads the index only when there is something new.
/// While the store is down what is known stays in force. All [any-thread].
class Revocations {
public:
    explicit Revocations(state::Store& store) : store_(store) {}
    ~Revocations();
    Revocations(const Revocations&) = delete;
    Revocations& operator=(const Revocations&) = delete;

    /// One token, until it expires. Takes effect here even when it fails; then
    /// the others have not heard of it. Code::unavailable. [may-block]
    Result<void> revoke_token(std::string_view issuer, std::string_view token_id, std::int64_t expires_unix_s,
                              std::int64_t now_unix_s);
    /// Every token of a subject that was issued up to `issued_until_unix_s`, the
    /// second included; `longest_ttl_s` is how long such a token can live. As above.
    Result<void> revoke_subject(std::string_view issuer, std::string_view subject, std::int64_t issued_until_unix_s,
                                std::int64_t longest_ttl_s, std::int64_t now_unix_s);

    /// Asks memory alone.
    bool revoked(const RevocationKeys& keys) const;

    /// Called after each change, on the thread that brought it. Before threads start.
    void on_change(std::function<void()> listener) { changed_ = std::move(listener); }
    /// Learns what other replicas have revoked. [may-block]
    Result<void> poll(std::int64_t now_unix_s);
    /// Polls on a thread of its own until destroyed; the first time now, on the caller's.
    void follow(std::int64_t interval_ms);
    std::uint64_t failed_polls() const noexcept { return failed_polls_.load(); }

private:
    struct Mark {
        std::int64_t issued_until_unix_s = 0;  ///< tokens issued later are none of its business
        std::int64_t expires_unix_s = 0;
    };
    struct FirstBytes {
        std::size_t operator()(const Sha256& digest) const noexcept;
    };
    bool add(const Sha256& digest, Mark mark);
    Result<void> publish(const Sha256& digest, Mark mark, std::int64_t now_unix_s);
    bool add_member(std::string_view member);
    void announce() const {
        if (changed_) changed_();
    }
    void forget_expired(std::int64_t now_unix_s);
    void look();

    state::Store& store_;
    std::function<void()> changed_;
    mutable std::shared_mutex marks_mutex_;
    std::unordered_map<Sha256, Mark, FirstBytes> marks_;  ///< by digest of kind, issuer and name
    std::mutex poll_mutex_;
    std::string seen_;  ///< the value at the last poll
    std::atomic<std::uint64_t> failed_polls_{0};
    std::mutex stop_mutex_;
    std::condition_variable stop_changed_;
    bool stop_ = false;
    bool down_ = false;  ///< as of the last look; of the thread that looks
    std::thread follower_;
};

}  // namespace acp::identity
