// A store in memory with a clock of its own, that can be told to be down.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "state/store.h"

namespace acp::identity::test {

class FakeStore final : public state::Store {
public:
    std::int64_t now_ms = 0;
    bool down = false;
    int gets = 0, lists = 0;

    Result<std::optional<state::Entry>> get(std::string_view space, std::string_view key) override {
        const std::lock_guard lock(mutex_);
        ++gets;
        if (down) return gone();
        const auto found = live(name(space, key));
        return found == entries_.end() ? std::optional<state::Entry>() : found->second;
    }
    Result<std::uint64_t> put(const state::Write& write) override {
        const std::lock_guard lock(mutex_);
        if (down) return gone();
        const auto found = live(name(write.space, write.key));
        const bool is_there = found != entries_.end();
        if (write.condition == state::If::absent && is_there) return fail(Code::conflict, "conflict", "it is there");
        if (write.condition == state::If::version && (!is_there || found->second.version != write.if_version))
            return fail(Code::conflict, "conflict", "another version");
        entries_[name(write.space, write.key)] = {std::string(write.value), ++version_, now_ms + write.ttl_ms};
        return version_;
    }
    Result<std::optional<state::Entry>> take(std::string_view space, std::string_view key) override {
        auto found = get(space, key);
        if (found) remove(space, key);
        return found;
    }
    Result<bool> remove(std::string_view space, std::string_view key) override {
        const std::lock_guard lock(mutex_);
        if (down) return gone();
        return entries_.erase(name(space, key)) > 0;
    }
    Result<std::uint64_t> count(std::string_view, std::string_view, std::int64_t) override { return gone(); }
    Result<void> remember(std::string_view space, std::string_view owner, std::string_view member,
                          std::int64_t ttl_ms) override {
        const std::lock_guard lock(mutex_);
        if (down) return gone();
        members_[name(space, owner)][std::string(member)] = now_ms + ttl_ms;
        return {};
    }
    Result<std::vector<std::string>> members(std::string_view space, std::string_view owner) override {
        const std::lock_guard lock(mutex_);
        ++lists;
        if (down) return gone();
        std::vector<std::string> out;
        for (const auto& [member, expires] : members_[name(space, owner)])
            if (expires > now_ms) out.push_back(member);
        return out;
    }
    Result<void> forget(std::string_view, std::string_view, std::string_view) override { return gone(); }
    Result<std::uint64_t> lock(std::string_view, std::int64_t) override { return gone(); }
    Result<void> unlock(std::string_view, std::uint64_t) override { return gone(); }
    Result<void> ping() override { return {}; }

    std::size_t size() const { return entries_.size(); }

private:
    using Entries = std::map<std::string, state::Entry>;
    static std::string name(std::string_view space, std::string_view key) {
        return std::string(space) + '\n' + std::string(key);
    }
    static tl::unexpected<Error> gone() { return fail(Code::unavailable, "state_unavailable", "the store is down"); }
    Entries::iterator live(const std::string& name) {
        const auto found = entries_.find(name);
        return found == entries_.end() || found->second.expires_unix_ms > now_ms ? found : entries_.end();
    }

    std::mutex mutex_;
    std::uint64_t version_ = 0;
    Entries entries_;
    std::map<std::string, std::map<std::string, std::int64_t>> members_;
};

}  // namespace acp::identity::test
