#include "identity/revocations.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "log/log.h"

namespace acp::identity {

namespace {

constexpr std::string_view kSpace = "revoked";
constexpr std::string_view kIndex = "all";
constexpr std::string_view kGeneration = "generation";
/// Longer than any token lives: when the value goes, the index is read once more.
constexpr std::int64_t kGenerationTtlMs = std::int64_t{30} * 86'400'000;
/// Clocks of replicas and of the store may differ by so much.
constexpr std::int64_t kSlackS = 120;

/// A fixed length, whatever the names; no separator can be part of a name.
std::string digest_of(std::string_view kind, std::string_view issuer, std::string_view name) {
    std::string text(kind);
    text += '\0';
    text += issuer;
    text += '\0';
    text += name;
    const Sha256 digest = sha256(text);
    return base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

}  // namespace

Revocations::~Revocations() {
    {
        const std::lock_guard lock(stop_mutex_);
        stop_ = true;
    }
    stop_changed_.notify_all();
    if (follower_.joinable()) follower_.join();
}

bool Revocations::add(const std::string& digest, Mark mark) {
    const std::unique_lock lock(marks_mutex_);
    const auto [place, fresh] = marks_.try_emplace(digest, mark);
    if (fresh) return true;
    Mark& known = place->second;
    const bool grows = mark.issued_until_unix_s > known.issued_until_unix_s || mark.expires_unix_s > known.expires_unix_s;
    known.issued_until_unix_s = std::max(known.issued_until_unix_s, mark.issued_until_unix_s);
    known.expires_unix_s = std::max(known.expires_unix_s, mark.expires_unix_s);
    return grows;
}

/// The member first, then the value that makes others look: who sees the value
/// finds the member.
Result<void> Revocations::publish(const std::string& digest, Mark mark, std::int64_t now) {
    if (add(digest, mark)) announce();
    const std::string member = digest + ' ' + std::to_string(mark.issued_until_unix_s) + ' ' + std::to_string(mark.expires_unix_s);
    const std::int64_t ttl_ms = std::max<std::int64_t>(mark.expires_unix_s - now, 1) * 1000;
    if (auto kept = store_.remember(kSpace, kIndex, member, ttl_ms); !kept) return kept;
    const std::string generation = random_token(12);
    auto told = store_.put({kSpace, kGeneration, generation, kGenerationTtlMs, state::If::any, 0});
    if (!told) return fail(told.error());
    return {};
}

Result<void> Revocations::revoke_token(std::string_view issuer, std::string_view token_id, std::int64_t expires,
                                       std::int64_t now) {
    if (token_id.empty()) return fail(Code::invalid, "no_token_id", "a token without jti cannot be revoked alone");
    if (expires + kSlackS <= now) return {};
    return publish(digest_of("token", issuer, token_id), {std::numeric_limits<std::int64_t>::max(), expires + kSlackS}, now);
}

Result<void> Revocations::revoke_subject(std::string_view issuer, std::string_view subject, std::int64_t issued_until,
                                         std::int64_t longest_ttl_s, std::int64_t now) {
    return publish(digest_of("subject", issuer, subject), {issued_until, issued_until + longest_ttl_s + kSlackS}, now);
}

bool Revocations::revoked(const TokenMarks& token) const {
    {
        const std::shared_lock lock(marks_mutex_);
        if (marks_.empty()) return false;
    }
    const std::string subject = digest_of("subject", token.issuer, token.subject);
    const std::string single = token.token_id.empty() ? std::string() : digest_of("token", token.issuer, token.token_id);
    const std::shared_lock lock(marks_mutex_);
    const auto holds = [&](const std::string& digest) {
        const auto found = marks_.find(digest);
        return found != marks_.end() && token.issued_unix_s <= found->second.issued_until_unix_s;
    };
    return holds(subject) || (!single.empty() && holds(single));
}

void Revocations::forget_expired(std::int64_t now) {
    const std::unique_lock lock(marks_mutex_);
    std::erase_if(marks_, [now](const auto& entry) { return entry.second.expires_unix_s < now; });
}

Result<void> Revocations::poll(std::int64_t now) {
    const std::lock_guard one_at_a_time(poll_mutex_);
    forget_expired(now);
    const auto failed = [this](const Error& error) {
        ++failed_polls_;
        return fail(error);
    };
    auto generation = store_.get(kSpace, kGeneration);
    if (!generation) return failed(generation.error());
    const std::string value = *generation ? (*generation)->value : std::string();
    if (value == seen_) return {};
    auto members = store_.members(kSpace, kIndex);
    if (!members) return failed(members.error());
    bool news = false;
    for (const std::string& member : *members) {
        const std::string_view text = member;
        const auto first = text.find(' ');
        const auto second = first == std::string_view::npos ? first : text.find(' ', first + 1);
        if (second == std::string_view::npos) continue;
        const auto until = number(text.substr(first + 1, second - first - 1));
        const auto expires = number(text.substr(second + 1));
        if (until && expires) news |= add(std::string(text.substr(0, first)), {*until, *expires});
    }
    seen_ = value;
    if (news) announce();
    return {};
}

void Revocations::look() {
    const auto polled = poll(unix_ns() / 1'000'000'000);
    if (!polled && !down_) log::warn("identity", "revocations of other replicas cannot be read; those known stay in force", {{"cause", polled.error().message}});
    if (polled && down_) log::info("identity", "revocations of other replicas are read again");
    down_ = !polled;
}

void Revocations::follow(std::int64_t interval_ms) {
    look();
    follower_ = std::thread([this, interval_ms] {
        std::unique_lock lock(stop_mutex_);
        while (!stop_changed_.wait_for(lock, std::chrono::milliseconds(interval_ms), [this] { return stop_; })) {
            lock.unlock();
            look();
            lock.lock();
        }
    });
}

}  // namespace acp::identity
