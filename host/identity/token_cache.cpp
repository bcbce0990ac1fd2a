#include "identity/token_cache.h"

#include <cstring>
#include <utility>

namespace acp::identity {

TokenCache::TokenCache(std::size_t entries) {
    const std::size_t of_shard = (entries + shards_.size() - 1) / shards_.size();
    sets_ = (of_shard + kWays - 1) / kWays;
    for (Shard& shard : shards_) shard.slots.resize(sets_ * kWays);
}

/// The first of the kWays slots that the digest may be in. Callers hold the lock.
TokenCache::Slot* TokenCache::set_of(Shard& shard, const Sha256& digest) const noexcept {
    if (sets_ == 0) return nullptr;
    std::uint32_t number = 0;
    std::memcpy(&number, digest.data() + 1, sizeof number);
    return &shard.slots[number % sets_ * kWays];
}

Verified TokenCache::find(const Sha256& digest, std::int64_t now) const noexcept {
    Shard& shard = shard_of(digest);
    const std::lock_guard lock(shard.mutex);
    Slot* set = set_of(shard, digest);
    for (std::size_t i = 0; set != nullptr && i < kWays; ++i) {
        Slot& slot = set[i];
        if (!slot.verified.principal || slot.digest != digest) continue;
        if (slot.verified.principal->expires_unix_s <= now) break;
        slot.used = true;
        ++shard.counts.hits;
        return slot.verified;
    }
    ++shard.counts.misses;
    return {};
}

void TokenCache::keep(const Sha256& digest, Verified verified, std::uint64_t generation) {
    Shard& shard = shard_of(digest);
    Verified gone;  // destroyed without the lock
    const std::lock_guard lock(shard.mutex);
    Slot* set = set_of(shard, digest);
    if (set == nullptr || generation != generation_.load()) return;
    Slot* place = nullptr;
    for (std::size_t i = 0; i < kWays; ++i) {
        if (set[i].verified.principal && set[i].digest == digest) {
            place = &set[i];
            break;
        }
        if (!set[i].verified.principal && place == nullptr) place = &set[i];
    }
    while (place == nullptr) {
        Slot& candidate = set[shard.hand++ % kWays];
        if (std::exchange(candidate.used, false)) continue;
        place = &candidate;
        ++shard.counts.evictions;
    }
    place->digest = digest;
    gone = std::exchange(place->verified, std::move(verified));
    place->used = false;
}

void TokenCache::drop(const Sha256& digest) noexcept {
    Shard& shard = shard_of(digest);
    const std::lock_guard lock(shard.mutex);
    Slot* set = set_of(shard, digest);
    for (std::size_t i = 0; set != nullptr && i < kWays; ++i)
        if (set[i].verified.principal && set[i].digest == digest) set[i].verified = {};
}

void TokenCache::drop_if(const std::function<bool(const Verified&)>& condition) {
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        for (Slot& slot : shard.slots)
            if (slot.verified.principal && condition(slot.verified)) slot.verified = {};
    }
}

void TokenCache::clear() noexcept {
    // First: whoever is about to keep something finds out under the shard's lock.
    ++generation_;
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        for (Slot& slot : shard.slots) slot.verified = {};
    }
}

TokenCache::Counts TokenCache::counts() const noexcept {
    Counts all;
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        all.hits += shard.counts.hits;
        all.misses += shard.counts.misses;
        all.evictions += shard.counts.evictions;
    }
    return all;
}

}  // namespace acp::identity
