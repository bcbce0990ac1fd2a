#include "state/memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "state/seal.h"

namespace acp::state {

namespace {

struct MemberCell {
    std::string sealed;
    std::int64_t expires_ms = 0;
};

struct Cell {
    std::string sealed;
    std::uint64_t number = 0;  ///< version, count or fence
    std::int64_t expires_ms = 0;
    std::map<std::string, MemberCell> members;  ///< of an owner
};

/// Nodes of the maps, and the allocator's share.
constexpr std::size_t kCellBytes = 200, kMemberBytes = 120;

std::size_t cost(const std::string& name, const MemberCell& member) {
    return kMemberBytes + name.size() + member.sealed.size();
}

std::size_t cost(const std::string& key, const Cell& cell) {
    std::size_t out = kCellBytes + 2 * key.size() + cell.sealed.size();
    for (const auto& [name, member] : cell.members) out += cost(name, member);
    return out;
}

/// What all shards hold together.
class Budget {
public:
    explicit Budget(MemoryLimits limits) : limits_(limits) {}
    bool take(std::size_t entries, std::size_t bytes) {
        const bool few = entries_.fetch_add(entries) + entries <= limits_.entries;
        const bool small = bytes_.fetch_add(bytes) + bytes <= limits_.bytes;
        if (few && small) return true;
        give_back(entries, bytes);
        return false;
    }
    void give_back(std::size_t entries, std::size_t bytes) {
        entries_ -= entries;
        bytes_ -= bytes;
    }

private:
    const MemoryLimits limits_;
    std::atomic<std::size_t> entries_{0}, bytes_{0};
};

/// A part of the names. Under its mutex.
class Shard {
public:
    explicit Shard(Budget& budget) : budget_(budget) {}
    std::mutex mutex;

    /// The cell, when it has not expired.
    Cell* find(const std::string& key, std::int64_t now) {
        const auto at = cells_.find(key);
        return at == cells_.end() || at->second.expires_ms <= now ? nullptr : &at->second;
    }

    /// False when there is no room; then nothing has changed.
    bool store(const std::string& key, Cell cell) {
        const std::size_t bytes = cost(key, cell);
        const auto old = cells_.find(key);
        const std::size_t freed = old == cells_.end() ? 0 : cost(key, old->second);
        if (!budget_.take(freed == 0 ? 1 : 0, bytes > freed ? bytes - freed : 0)) return false;
        if (bytes < freed) budget_.give_back(0, freed - bytes);
        if (old != cells_.end()) order_.erase({old->second.expires_ms, &old->first});
        const auto at = cells_.insert_or_assign(key, std::move(cell)).first;
        order_.emplace(at->second.expires_ms, &at->first);
        return true;
    }

    /// As store(), for one member of an owner; the owner lives as long as its members.
    bool store_member(const std::string& owner, const std::string& name, MemberCell member, std::int64_t now) {
        if (!find(owner, now) && !store(owner, {{}, 0, member.expires_ms, {}})) return false;
        const auto at = cells_.find(owner);
        auto& members = at->second.members;
        std::erase_if(members, [&](const auto& one) {
            if (one.second.expires_ms > now) return false;
            budget_.give_back(0, cost(one.first, one.second));
            return true;
        });
        const std::size_t bytes = cost(name, member);
        const auto old = members.find(name);
        const std::size_t freed = old == members.end() ? 0 : cost(name, old->second);
        if (!budget_.take(0, bytes > freed ? bytes - freed : 0)) {
            if (members.empty()) drop(at);
            return false;
        }
        if (bytes < freed) budget_.give_back(0, freed - bytes);
        order_.erase({at->second.expires_ms, &at->first});
        at->second.expires_ms = std::max(at->second.expires_ms, member.expires_ms);
        order_.emplace(at->second.expires_ms, &at->first);
        members.insert_or_assign(name, std::move(member));
        return true;
    }

    void forget(const std::string& owner, const std::string& name) {
        const auto at = cells_.find(owner);
        if (at == cells_.end()) return;
        const auto member = at->second.members.find(name);
        if (member == at->second.members.end()) return;
        budget_.give_back(0, cost(name, member->second));
        at->second.members.erase(member);
        if (at->second.members.empty()) drop(at);
    }

    /// Removes the cell and tells what it was.
    std::optional<Cell> take(const std::string& key) {
        const auto at = cells_.find(key);
        if (at == cells_.end()) return std::nullopt;
        return drop(at);
    }

    /// Frees up to `most` of what has expired; how many.
    std::size_t reap(std::int64_t now, std::size_t most) {
        std::size_t count = 0;
        for (; count < most && !order_.empty() && order_.begin()->first <= now; ++count) drop(cells_.find(*order_.begin()->second));
        return count;
    }

private:
    using Cells = std::unordered_map<std::string, Cell>;

    Cell drop(Cells::iterator at) {
        budget_.give_back(1, cost(at->first, at->second));
        order_.erase({at->second.expires_ms, &at->first});
        Cell cell = std::move(at->second);
        cells_.erase(at);
        return cell;
    }

    Cells cells_;
    std::set<std::pair<std::int64_t, const std::string*>> order_;  ///< by expiry, names of cells_
    Budget& budget_;
};

class Memory : public Backend {
public:
    Memory(MemoryLimits limits, Clock clock) : budget_(limits), clock_(std::move(clock)) {}

    Result<std::optional<Entry>> get(const std::string& name) override {
        return on(Kind::entry, name, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<std::optional<Entry>> {
            const Cell* cell = shard.find(key, now);
            if (!cell) return std::nullopt;
            return Entry{cell->sealed, cell->number, cell->expires_ms};
        });
    }

    Result<std::uint64_t> put(const Row& row) override {
        return on(Kind::entry, row.name, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<std::uint64_t> {
            const Cell* old = shard.find(key, now);
            if ((row.condition == If::absent && old) || (row.condition == If::version && (!old || old->number != row.if_version))) return conflict();
            const std::uint64_t version = next_number();
            if (!shard.store(key, {row.sealed, version, now + row.ttl_ms, {}})) return no_room();
            return version;
        });
    }

    Result<std::optional<Entry>> take(const std::string& name) override {
        return on(Kind::entry, name, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<std::optional<Entry>> {
            auto cell = shard.take(key);
            if (!cell || cell->expires_ms <= now) return std::nullopt;
            return Entry{std::move(cell->sealed), cell->number, cell->expires_ms};
        });
    }

    Result<bool> remove(const std::string& name) override {
        auto taken = take(name);
        if (!taken) return fail(taken.error());
        return taken->has_value();
    }

    Result<std::uint64_t> count(const std::string& name, std::int64_t ttl_ms) override {
        return on(Kind::counter, name, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<std::uint64_t> {
            if (Cell* cell = shard.find(key, now)) return ++cell->number;
            if (!shard.store(key, {{}, 1, now + ttl_ms, {}})) return no_room();
            return std::uint64_t{1};
        });
    }

    Result<void> remember(const std::string& owner, const Member& member, std::int64_t ttl_ms) override {
        return on(Kind::owner, owner, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<void> {
            if (!shard.store_member(key, member.name, {member.sealed, now + ttl_ms}, now)) return no_room();
            return {};
        });
    }

    Result<std::vector<Member>> members(const std::string& owner) override {
        return on(Kind::owner, owner, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<std::vector<Member>> {
            std::vector<Member> out;
            if (const Cell* cell = shard.find(key, now))
                for (const auto& [name, member] : cell->members)
                    if (member.expires_ms > now) out.push_back({name, member.sealed});
            return out;
        });
    }

    Result<void> forget(const std::string& owner, const std::string& member) override {
        return on(Kind::owner, owner, [&](Shard& shard, const std::string& key, std::int64_t) -> Result<void> {
            shard.forget(key, member);
            return {};
        });
    }

    Result<std::uint64_t> lock(const std::string& name, std::int64_t ttl_ms) override {
        return on(Kind::lock, name, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<std::uint64_t> {
            if (shard.find(key, now)) return held();
            const std::uint64_t fence = next_number();
            if (!shard.store(key, {{}, fence, now + ttl_ms, {}})) return no_room();
            return fence;
        });
    }

    Result<void> unlock(const std::string& name, std::uint64_t fence) override {
        return on(Kind::lock, name, [&](Shard& shard, const std::string& key, std::int64_t now) -> Result<void> {
            const Cell* cell = shard.find(key, now);
            if (cell && cell->number == fence) shard.take(key);
            return {};
        });
    }

    Result<void> ping() override { return {}; }

private:
    static constexpr std::size_t kShards = 16, kReapedByEachCall = 4;

    static tl::unexpected<Error> no_room() { return full("memory", "the limit of entries or bytes is reached"); }

    /// Runs `body` under the lock of the name's shard. When there is no room, what
    /// has expired elsewhere is freed and it runs once more.
    template <typename Body>
    auto on(Kind kind, const std::string& name, Body body) -> decltype(body(std::declval<Shard&>(), name, std::int64_t{})) {
        // Names of one kind must not meet those of another.
        const std::string key = static_cast<char>(kind) + name;
        const std::int64_t now = clock_();
        Shard& shard = shards_[std::hash<std::string>()(key) % kShards];
        const auto once = [&] {
            std::lock_guard lock(shard.mutex);
            shard.reap(now, kReapedByEachCall);
            return body(shard, key, now);
        };
        auto result = once();
        if (!result && result.error().code == Code::exhausted && reap_all(now)) return once();
        return result;
    }

    bool reap_all(std::int64_t now) {
        std::size_t count = 0;
        for (Shard& shard : shards_) {
            std::lock_guard lock(shard.mutex);
            count += shard.reap(now, SIZE_MAX);
        }
        return count > 0;
    }

    std::uint64_t next_number() {
        std::uint64_t last = number_;
        std::uint64_t next = 0;
        do next = std::max(last + 1, fresh_number());
        while (!number_.compare_exchange_weak(last, next));
        return next;
    }

    template <std::size_t... I>
    static std::array<Shard, kShards> make_shards(Budget& budget, std::index_sequence<I...>) {
        return {((void)I, Shard(budget))...};
    }

    Budget budget_;
    const Clock clock_;
    std::atomic<std::uint64_t> number_{0};
    std::array<Shard, kShards> shards_ = make_shards(budget_, std::make_index_sequence<kShards>());
};

}  // namespace

std::unique_ptr<Backend> memory_backend(MemoryLimits limits, Clock clock) {
    return std::make_unique<Memory>(limits, std::move(clock));
}

}  // namespace acp::state
