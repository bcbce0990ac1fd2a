#include "state/sealed_store.h"

#include <algorithm>

#include "log/log.h"

namespace acp::state {

namespace {

constexpr std::size_t kMostSpaceBytes = 32, kMostKeyBytes = 512, kMostValueBytes = 256 << 10;
/// Ten years. What lives longer does not belong here.
constexpr std::int64_t kMostTtlMs = 10LL * 366 * 86'400 * 1000;
constexpr std::string_view kLocks = "lock";

bool is_key(std::string_view key) {
    return !key.empty() && key.size() <= kMostKeyBytes;
}

tl::unexpected<Error> misused(const char* what) {
    return fail(Code::invalid, "state_request", what);
}

/// What the caller's code has in its hands. Keys from outside that are too long
/// were never stored, and are looked up as absent.
Result<void> check(std::string_view space, std::string_view key, std::int64_t ttl_ms) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
    if (space.empty() || space.size() > kMostSpaceBytes || !std::all_of(space.begin(), space.end(), plain))
        return misused("a space is named with up to 32 of a-z, 0-9, -, _ and .");
    if (!is_key(key)) return misused("a key has 1 to 512 bytes");
    if (ttl_ms <= 0 || ttl_ms > kMostTtlMs) return misused("a time to live is more than 0 and at most ten years");
    return {};
}

void log_unopened(std::string_view space, const std::string& why) {
    log::warn("state", "a stored value cannot be opened and counts as absent", {{"space", std::string(space)}, {"cause", why}});
}

/// A member is sealed under its owner's name and its own.
std::string member_name(const std::string& owner, const std::string& member) {
    return owner + "/" + member;
}

}  // namespace

Result<std::optional<Entry>> SealedStore::opened(std::string_view space, const std::string& name, Result<std::optional<Entry>> found) const {
    if (!found || !*found) return found;
    auto value = seal_.open(name, (*found)->value);
    if (!value) {
        log_unopened(space, value.error().message);
        return std::nullopt;
    }
    (*found)->value = std::move(*value);
    return found;
}

Result<std::optional<Entry>> SealedStore::get(std::string_view space, std::string_view key) {
    if (!is_key(key)) return std::nullopt;
    const std::string name = seal_.name(Kind::entry, space, key);
    return opened(space, name, backend_->get(name));
}

Result<std::uint64_t> SealedStore::put(const Write& write) {
    if (auto good = check(write.space, write.key, write.ttl_ms); !good) return fail(good.error());
    if (write.value.size() > kMostValueBytes) return fail(Code::too_large, "state_value", "a value has at most 256 KiB");
    Row row;
    row.name = seal_.name(Kind::entry, write.space, write.key);
    row.sealed = seal_.seal(row.name, write.value);
    row.ttl_ms = write.ttl_ms;
    row.condition = write.condition;
    row.if_version = write.if_version;
    return backend_->put(row);
}

Result<std::optional<Entry>> SealedStore::take(std::string_view space, std::string_view key) {
    if (!is_key(key)) return std::nullopt;
    const std::string name = seal_.name(Kind::entry, space, key);
    return opened(space, name, backend_->take(name));
}

Result<bool> SealedStore::remove(std::string_view space, std::string_view key) {
    if (!is_key(key)) return false;
    return backend_->remove(seal_.name(Kind::entry, space, key));
}

Result<std::uint64_t> SealedStore::count(std::string_view space, std::string_view key, std::int64_t ttl_ms) {
    if (auto good = check(space, key, ttl_ms); !good) return fail(good.error());
    return backend_->count(seal_.name(Kind::counter, space, key), ttl_ms);
}

Result<void> SealedStore::remember(std::string_view space, std::string_view owner, std::string_view member, std::int64_t ttl_ms) {
    if (auto good = check(space, owner, ttl_ms); !good) return good;
    if (!is_key(member)) return misused("a member has 1 to 512 bytes");
    const std::string index = seal_.name(Kind::owner, space, owner);
    Member row;
    row.name = seal_.name(Kind::member, space, member, owner);
    row.sealed = seal_.seal(member_name(index, row.name), member);
    return backend_->remember(index, row, ttl_ms);
}

Result<std::vector<std::string>> SealedStore::members(std::string_view space, std::string_view owner) {
    std::vector<std::string> out;
    if (!is_key(owner)) return out;
    const std::string index = seal_.name(Kind::owner, space, owner);
    auto rows = backend_->members(index);
    if (!rows) return fail(rows.error());
    for (const auto& row : *rows) {
        auto member = seal_.open(member_name(index, row.name), row.sealed);
        if (member)
            out.push_back(std::move(*member));
        else
            log_unopened(space, member.error().message);
    }
    std::sort(out.begin(), out.end());
    return out;
}

Result<void> SealedStore::forget(std::string_view space, std::string_view owner, std::string_view member) {
    if (!is_key(owner) || !is_key(member)) return {};
    return backend_->forget(seal_.name(Kind::owner, space, owner), seal_.name(Kind::member, space, member, owner));
}

Result<std::uint64_t> SealedStore::lock(std::string_view name, std::int64_t ttl_ms) {
    if (auto good = check(kLocks, name, ttl_ms); !good) return fail(good.error());
    return backend_->lock(seal_.name(Kind::lock, kLocks, name), ttl_ms);
}

Result<void> SealedStore::unlock(std::string_view name, std::uint64_t fence) {
    if (!is_key(name)) return {};
    return backend_->unlock(seal_.name(Kind::lock, kLocks, name), fence);
}

}  // namespace acp::state
