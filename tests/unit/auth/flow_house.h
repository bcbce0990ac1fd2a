// What tests of the flows' side of auth share: a store in memory, keys, and a log that remembers.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "auth/host_identity.h"
#include "state/open.h"
#include "unit/identity/temp_dir.h"

namespace acp::auth::test {

constexpr std::int64_t kNow = 1'700'000'000;

/// Passes on to another store, or fails.
class FaultyStore final : public state::Store {
public:
    bool down = false;
    int puts = 0;

    Result<std::optional<state::Entry>> get(std::string_view space, std::string_view key) override {
        if (down) return gone();
        return inner().get(space, key);
    }
    Result<std::uint64_t> put(const state::Write& write) override {
        if (down) return gone();
        ++puts;
        return inner().put(write);
    }
    Result<std::optional<state::Entry>> take(std::string_view space, std::string_view key) override {
        if (down) return gone();
        return inner().take(space, key);
    }
    Result<bool> remove(std::string_view space, std::string_view key) override { return inner().remove(space, key); }
    Result<std::uint64_t> count(std::string_view space, std::string_view key, std::int64_t ttl) override { return inner().count(space, key, ttl); }
    Result<void> remember(std::string_view space, std::string_view owner, std::string_view member, std::int64_t ttl) override {
        return inner().remember(space, owner, member, ttl);
    }
    Result<std::vector<std::string>> members(std::string_view space, std::string_view owner) override { return inner().members(space, owner); }
    Result<void> forget(std::string_view space, std::string_view owner, std::string_view member) override {
        return inner().forget(space, owner, member);
    }
    Result<std::uint64_t> lock(std::string_view name, std::int64_t ttl) override {
        if (down) return gone();
        return inner().lock(name, ttl);
    }
    Result<void> unlock(std::string_view name, std::uint64_t fence) override {
        if (down) return gone();
        return inner().unlock(name, fence);
    }
    Result<void> ping() override { return inner().ping(); }

private:
    static tl::unexpected<Error> gone() { return fail(Code::unavailable, "state_unavailable", "the store is down, as the test wants it"); }
    state::Store& inner() { return *inner_; }
    std::unique_ptr<state::Store> inner_ = state::open({}).value();
};

inline plugins::CallContext call() {
    plugins::CallContext c;
    c.deadline_mono_ns = monotonic_ns() + 10'000'000'000;
    c.request_id = "req-1";
    return c;
}

}  // namespace acp::auth::test
