#include "auth/failures.h"

#include <algorithm>

#include "base/clock.h"

namespace acp::auth {

namespace {

constexpr std::int64_t kWindowMs = 60'000;
constexpr std::string_view kCounts = "auth-failures";
constexpr std::string_view kBlocks = "auth-blocks";

}  // namespace

std::string_view address_of(std::string_view peer) noexcept {
    const auto colon = peer.rfind(':');
    const auto bracket = peer.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return peer;
    return peer.substr(0, colon);
}

Result<void> Failures::admit(std::string_view name, std::string_view address) {
    if (limit_ == 0) return {};
    if (auto ok = admit_key(purpose_ + "\n" + std::string(address)); !ok) return ok;
    return admit_key(purpose_ + "\n" + std::string(address) + "\n" + std::string(name));
}

void Failures::add(std::string_view name, std::string_view address) {
    if (limit_ == 0) return;
    add_key(purpose_ + "\n" + std::string(address), limit_ * 3);
    add_key(purpose_ + "\n" + std::string(address) + "\n" + std::string(name), limit_);
}

Result<void> Failures::admit_key(const std::string& key) {
    auto block = store_.get(kBlocks, key);
    if (!block) return fail(block.error());
    if (!*block) return {};
    Error e;
    e.code = Code::exhausted;
    e.slug = "temporarily_unavailable";
    e.message = "too many failed attempts; try again later";
    e.retry_after_ms = std::clamp<std::int64_t>((*block)->expires_unix_ms - unix_ms(), 1000, kWindowMs);
    return fail(std::move(e));
}

/// A count that cannot be kept is none: the next `admit` finds the state out of
/// reach, and refuses.
void Failures::add_key(const std::string& key, std::int64_t limit) {
    const auto count = store_.count(kCounts, key, kWindowMs);
    if (!count || *count < static_cast<std::uint64_t>(limit)) return;
    (void)store_.put({.space = kBlocks, .key = key, .value = "1", .ttl_ms = kWindowMs});
}

}  // namespace acp::auth
