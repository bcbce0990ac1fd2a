#include "identity/key_source.h"

#include <algorithm>
#include <exception>

#include "identity/claims.h"
#include "identity/discovery.h"
#include "log/log.h"

namespace acp::identity {

namespace {

constexpr std::size_t kMaxSources = 256;

/// Whether `before` has a key that `after` lacks.
bool lost_one(const jose::KeySet& before, const jose::KeySet& after) {
    std::vector<std::string> now;
    for (const auto& key : after.keys()) now.push_back(key.thumbprint());
    return std::any_of(before.keys().begin(), before.keys().end(), [&](const jose::PublicKey& key) {
        return std::find(now.begin(), now.end(), key.thumbprint()) == now.end();
    });
}

}  // namespace

KeySource::Age KeySource::age(std::int64_t now) const noexcept {
    if (!set_) return Age::none;
    const std::int64_t old = now - brought_ms_;
    if (old < rules_.times.keep_ms) return Age::fresh;
    return old < rules_.times.keep_ms + rules_.times.stale_ms ? Age::stale : Age::none;
}

Result<std::shared_ptr<const jose::PublicKey>> KeySource::find(std::string_view kid, jose::Algorithm algorithm) {
    // A flight that was under way may have begun before the key was published,
    // so one may be waited for and another one made.
    constexpr int kRounds = 3;
    std::unique_lock lock(mutex_);
    for (int round = 0; round < kRounds; ++round) {
        const std::int64_t now = rules_.now_ms();
        const Age how_old = age(now);
        const jose::PublicKey* key = how_old == Age::none ? nullptr : set_->find(kid, algorithm);
        const bool may_try = now >= next_try_ms_;
        if (key != nullptr) {
            if (how_old == Age::stale && !flying_ && may_try) {
                fly(lock, false);
                continue;
            }
            if (how_old == Age::stale) ++counters_.stale_serves;
            return std::shared_ptr<const jose::PublicKey>(set_, key);
        }
        if (flying_) {
            const std::uint64_t before = flights_;
            landed_.wait(lock, [&] { return flights_ != before; });
            continue;
        }
        if (!may_try) return unavailable(now);
        if (how_old == Age::fresh && now < next_kid_fetch_ms_) break;
        fly(lock, how_old != Age::none);
    }
    if (!set_) return unavailable(rules_.now_ms());
    ++counters_.unknown_kids;
    return invalid_token("kid");
}

/// Fetches with the lock released; whoever else asks meanwhile waits or is served what there is.
void KeySource::fly(std::unique_lock<std::mutex>& lock, bool for_kid) {
    flying_ = true;
    const std::int64_t now = rules_.now_ms();
    if (for_kid) next_kid_fetch_ms_ = now + rules_.times.unknown_kid_ms;
    const SetPtr before = set_;
    lock.unlock();
    Result<SetPtr> brought = bring(now);
    if (brought && before && lost_one(*before, **brought) && rules_.key_gone) rules_.key_gone();
    lock.lock();
    land(std::move(brought), rules_.now_ms());
    flying_ = false;
    ++flights_;
    landed_.notify_all();
}

Result<KeySource::SetPtr> KeySource::bring(std::int64_t now) {
    try {
        std::string url = place_.jwks_url;
        if (url.empty() && !jwks_url_.empty() && now - discovered_ms_ < rules_.times.keep_ms) url = jwks_url_;
        if (url.empty()) {
            jwks_url_.clear();
            auto document = discover(place_.issuer, place_.ca_file, rules_.fetch);
            if (!document) return fail(document.error());
            auto named = jwks_url_of(*document, place_.issuer);
            if (!named) return fail(named.error());
            url = jwks_url_ = *named;
            discovered_ms_ = now;
        } else if (auto allowed = check_key_url(url, place_.issuer); !allowed) {
            return fail(allowed.error());
        }
        auto text = rules_.fetch(url, place_.ca_file);
        auto set = text ? jose::KeySet::parse(*text) : fail(text.error());
        if (!set) {
            jwks_url_.clear();  // it may have moved
            return fail(set.error());
        }
        if (set->keys().empty())
            return fail(Code::provider_error, "bad_key_set", "the key set has no key that can be used");
        return std::make_shared<const jose::KeySet>(std::move(*set));
    } catch (const std::exception& e) {
        return fail(Code::internal, "fetch_failed", e.what());
    }
}

void KeySource::land(Result<SetPtr> brought, std::int64_t now) {
    if (brought) {
        set_ = std::move(*brought);
        brought_ms_ = now;
        next_try_ms_ = 0;
        retry_ms_ = 0;
        trouble_.clear();
        ++counters_.fetches;
        return;
    }
    ++counters_.failures;
    retry_ms_ = retry_ms_ == 0 ? rules_.times.first_retry_ms : std::min(retry_ms_ * 2, rules_.times.last_retry_ms);
    next_try_ms_ = now + retry_ms_;
    trouble_ = brought.error().message;
    log::warn("identity", "the keys of an issuer cannot be fetched",
              {{"issuer", place_.issuer},
               {"cause", trouble_},
               {"serving", age(now) == Age::none ? "none" : "kept keys"},
               {"retry_ms", std::to_string(retry_ms_)}});
}

tl::unexpected<Error> KeySource::unavailable(std::int64_t now) const {
    Error e;
    e.code = Code::unavailable;
    e.slug = "keys_unavailable";
    e.message = "the keys of the token's issuer cannot be had now; try again in a moment";
    e.internal = place_.issuer + ": " + trouble_;
    e.retry_after_ms = std::max<std::int64_t>(next_try_ms_ - now, 1000);
    e.retryable = true;
    return fail(std::move(e));
}

Result<std::shared_ptr<KeySource>> KeySources::at(const KeyPlace& place) {
    const std::lock_guard lock(mutex_);
    if (const auto found = sources_.find(place); found != sources_.end()) return found->second;
    if (sources_.size() >= kMaxSources)
        return fail(Code::exhausted, "too_many_issuers", "keys of more than 256 issuers are asked for");
    return sources_.emplace(place, std::make_shared<KeySource>(place, rules_, counters_)).first->second;
}

}  // namespace acp::identity
