// identity: tokens that were verified, by the digest of their text. Bounded,
// never past `exp`, and without allocation where it is asked.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "identity/principal.h"
#include "identity/revocations.h"

namespace acp::identity {

/// SHA-256 without the allocations of EVP, for what every request does.
Sha256 token_digest(std::string_view token) noexcept;

struct Verified {
    PrincipalPtr principal;
    RevocationKeys revocation;
};

struct CacheCounts {
    std::uint64_t hits = 0, misses = 0, evictions = 0;
};

/// 16 shards of sets of 8 slots; a full set gives up an entry that nobody asked
/// for since the last time (second chance). [any-thread]
class TokenCache {
public:
    /// Holds at least `entries`; 0 holds none.
    explicit TokenCache(std::size_t entries);

    /// Null principal: unknown, or not valid at `now_unix_s` any more.
    Verified find(const Sha256& digest, std::int64_t now_unix_s) const noexcept;

    /// Taken before a verification begins: what `clear` overtook is not kept.
    std::uint64_t generation() const noexcept { return generation_.load(); }
    void keep(const Sha256& digest, Verified verified, std::uint64_t generation);
    void drop(const Sha256& digest) noexcept;
    /// Drops what `condition` holds for. Runs under a shard's lock.
    void drop_if(const std::function<bool(const Verified&)>& condition);
    void clear() noexcept;

    using Counts = CacheCounts;
    Counts counts() const noexcept;

private:
    static constexpr std::size_t kWays = 8;
    struct Slot {
        Sha256 digest{};
        Verified verified;
        bool used = false;
    };
    struct alignas(64) Shard {
        std::mutex mutex;
        std::vector<Slot> slots;
        std::uint32_t hand = 0;
        Counts counts;
    };
    Slot* set_of(Shard& shard, const Sha256& digest) const noexcept;
    Shard& shard_of(const Sha256& digest) const noexcept { return shards_[digest[0] % shards_.size()]; }

    std::size_t sets_ = 0;  ///< of a shard
    std::atomic<std::uint64_t> generation_{0};
    mutable std::array<Shard, 16> shards_;
};

}  // namespace acp::identity
