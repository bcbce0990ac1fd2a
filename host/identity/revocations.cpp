#include "identity/revocations.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/clock.h"
#include "log/log.h"

namespace acp::identity {

namespace {

constexpr std::string_view kSpace = "revoked";
constexpr std::string_view kIndex = "all";
constexpr std::string_view kToken = "token";
constexpr std::string_view kSubject = "subject";
constexpr std::string_view kGeneration = "generation";
/// Longer than any token lives: when the value goes, the index is read once more.
constexpr std::int64_t kGenerationTtlMs = std::int64_t{30} * 86'400'000;
/// Clocks of replicas and of the store may differ by so much.
constexpr std::int64_t kSlackS = 120;

/// No separator can be part of a name: JSON with NUL is refused.
Sha256 digest_of(std::string_view kind, std::string_view issuer, std::string_view name) {
    std::string text(kind);
    text.append(1, '\0').append(issuer).append(1, '\0').append(name);
    return sha256(text);
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

}  // namespace

RevocationKeys revocation_keys(std::string_view issuer, std::string_view subject, std::string_view token_id,
                               std::int64_t issued) {
    RevocationKeys keys{digest_of(kSubject, issuer, subject), {}, !token_id.empty(), issued};
    if (keys.has_token) keys.token = digest_of(kToken, issuer, token_id);
    return keys;
}

std::size_t Revocations::FirstBytes::operator()(const Sha256& digest) const noexcept {
    std::size_t first = 0;
    std::memcpy(&first, digest.data(), sizeof first);
    return first;
}

Revocations::~Revocations() {
    {
        const std::lock_guard lock(stop_mutex_);
        stop_ = true;
    }
    stop_changed_.notify_all();
    if (follower_.joinable()) follower_.join();
}

bool Revocations::add(const Sha256& digest, Mark mark) {
    const std::unique_lock lock(marks_mutex_);
    const auto [place, fresh] = marks_.try_emplace(digest, mark);
    if (fresh) return true;
    Mark& known = place->second;
    const bool grows =
        mark.issued_until_unix_s > known.issued_until_unix_s || mark.expires_unix_s > known.expires_unix_s;
    known.issued_until_unix_s = std::max(known.issued_until_unix_s, mark.issued_until_unix_s);
    known.expires_unix_s = std::max(known.expires_unix_s, mark.expires_unix_s);
    return grows;
}

/// The member first, then the value that makes others look: who sees the value
/// finds the member.
Result<void> Revocations::publish(const Sha256& digest, Mark mark, std::int64_t now) {
    if (add(digest, mark)) announce();
    const std::string name = base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
    const std::string member =
        name + ' ' + std::to_string(mark.issued_until_unix_s) + ' ' + std::to_string(mark.expires_unix_s);
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
    return publish(digest_of(kToken, issuer, token_id), {std::numeric_limits<std::int64_t>::max(), expires + kSlackS},
                   now);
}

Result<void> Revocations::revoke_subject(std::string_view issuer, std::string_view subject, std::int64_t issued_until,
                                         std::int64_t longest_ttl_s, std::int64_t now) {
    return publish(digest_of(kSubject, issuer, subject), {issued_until, issued_until + longest_ttl_s + kSlackS}, now);
}

bool Revocations::revoked(const RevocationKeys& keys) const {
    const std::shared_lock lock(marks_mutex_);
    const auto holds = [&](const Sha256& digest) {
        const auto found = marks_.find(digest);
        return found != marks_.end() && keys.issued_unix_s <= found->second.issued_until_unix_s;
    };
    return holds(keys.subject) || (keys.has_token && holds(keys.token));
}

void Revocations::forget_expired(std::int64_t now) {
    const std::unique_lock lock(marks_mutex_);
    std::erase_if(marks_, [now](const auto& entry) { return entry.second.expires_unix_s < now; });
}

/// "DIGEST UNTIL EXPIRES", as publish writes it. Whether it is news.
bool Revocations::add_member(std::string_view member) {
    const auto first = member.find(' ');
    const auto second = first == std::string_view::npos ? first : member.find(' ', first + 1);
    if (second == std::string_view::npos) return false;
    const auto bytes = unbase64url(member.substr(0, first));
    const auto until = number(member.substr(first + 1, second - first - 1));
    const auto expires = number(member.substr(second + 1));
    Sha256 digest;
    if (!bytes || bytes->size() != digest.size() || !until || !expires) return false;
    std::memcpy(digest.data(), bytes->data(), digest.size());
    return add(digest, {*until, *expires});
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
    for (const std::string& member : *members) news |= add_member(member);
    seen_ = value;
    if (news) announce();
    return {};
}

void Revocations::look() {
    const auto polled = poll(unix_ns() / 1'000'000'000);
    if (!polled && !down_)
        log::warn("identity", "revocations of other replicas cannot be read; those known stay in force",
                  {{"cause", polled.error().message}});
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
