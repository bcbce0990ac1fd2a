#include "auth/token_flights.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/bytes.h"
#include "base/clock.h"
#include "json/json.h"
#include "log/log.h"

namespace acp::auth {

namespace {

constexpr std::string_view kSpace = "flow-token";
constexpr std::chrono::milliseconds kLook{50};           // at a flight of this process, for who has gone meanwhile
constexpr std::chrono::milliseconds kPoll{100};          // of the store, while another replica fetches
constexpr std::int64_t kLockMargin = 5'000;              // ms that a lock outlives its holder's deadline
constexpr std::int64_t kLifeMax = 24 * 3600;             // s; nobody keeps an upstream's token for longer

/// Whether the call has ended, and how.
Result<void> still_wanted(const plugins::CallContext& call) {
    if (call.cancelled && call.cancelled()) return fail(Code::cancelled, "cancelled", "the caller has gone");
    if (call.deadline_mono_ns != 0 && monotonic_ns() >= call.deadline_mono_ns)
        return fail(Code::deadline, "deadline_exceeded", "no token came in time");
    return {};
}

bool is_callers_own(Code code) noexcept { return code == Code::cancelled || code == Code::deadline; }

/// Seconds that a token lives; 0: it does not say.
std::int64_t life_of(const json::Object::Ptr& token) {
    const auto value = token->get("expires_in");
    if (!value.isInteger()) return 0;
    try {
        return std::clamp<std::int64_t>(value.convert<std::int64_t>(), 0, kLifeMax);
    } catch (const Poco::Exception&) {
        return 0;
    }
}

}  // namespace

Result<std::string> TokenFlights::get(const plugins::CallContext& call, std::string_view owner, std::string_view key,
                                      std::int64_t least_left_s, const Fetch& fetch) {
    const Wanted wanted{call, std::string(owner) + "/" + sha256_hex(key), least_left_s, fetch};
    // A look before the queue: nearly all find what they want.
    if (auto found = kept(wanted); found && *found) return std::move(**found);
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto under_way = flights_.find(wanted.name);
        if (under_way == flights_.end()) break;
        const auto flight = under_way->second;
        while (!flight->landed) {
            landed_.wait_for(lock, kLook);
            if (flight->landed) break;
            lock.unlock();
            if (auto wants = still_wanted(call); !wants) return fail(std::move(wants.error()));
            lock.lock();
        }
        if (flight->brought && (*flight->brought || !is_callers_own(flight->brought->error().code))) return *flight->brought;
    }
    const auto mine = std::make_shared<Flight>();
    flights_.emplace(wanted.name, mine);
    lock.unlock();
    Result<std::string> brought = fail(Code::internal, "internal", "a token could not be fetched");
    try {
        brought = fly(wanted);
    } catch (const std::exception& e) {
        log::error("auth", "a flight for a token ended in an exception", {{"cause", e.what()}});
    }
    lock.lock();
    mine->landed = true;
    mine->brought = brought;
    flights_.erase(wanted.name);
    lock.unlock();
    landed_.notify_all();
    return brought;
}

/// With the store's lock, or without when there is no store to be had.
Result<std::string> TokenFlights::fly(const Wanted& wanted) {
    const std::string lock_name = std::string(kSpace) + "/" + wanted.name;
    for (;;) {
        const std::int64_t left = wanted.call.deadline_mono_ns == 0 ? 0 : (wanted.call.deadline_mono_ns - monotonic_ns()) / 1'000'000;
        const auto fence = store_.lock(lock_name, std::max<std::int64_t>(left, 0) + kLockMargin);
        if (!fence && fence.error().code != Code::conflict) {
            log::warn("auth", "tokens are fetched without the state store, which fails", {{"cause", fence.error().message}});
            return wanted.fetch();
        }
        if (fence) {
            // Whoever had it before may have brought what we want.
            auto found = kept(wanted);
            auto out = found && *found ? Result<std::string>(std::move(**found)) : fetch_and_keep(wanted);
            if (auto freed = store_.unlock(lock_name, *fence); !freed)
                log::warn("auth", "a lock stays until its time is over", {{"cause", freed.error().message}});
            return out;
        }
        std::this_thread::sleep_for(kPoll);
        if (auto wants = still_wanted(wanted.call); !wants) return fail(std::move(wants.error()));
        if (auto found = kept(wanted); found && *found) return std::move(**found);
    }
}

Result<std::string> TokenFlights::fetch_and_keep(const Wanted& wanted) {
    auto fetched = wanted.fetch();
    if (!fetched) return fetched;
    const auto token = json::parse_object(*fetched);
    if (!token) return fail(Code::internal, "plugin_defect", "the flow fetched a token that is no JSON object");
    const std::int64_t life = life_of(*token);
    if (life <= 0) return fetched;
    const auto written = store_.put({kSpace, wanted.name, *fetched, life * 1000, state::If::any, 0});
    if (!written) log::warn("auth", "a token is not kept", {{"cause", written.error().message}});
    return fetched;
}

Result<std::optional<std::string>> TokenFlights::kept(const Wanted& wanted) {
    auto entry = store_.get(kSpace, wanted.name);
    if (!entry) return fail(std::move(entry.error()));
    if (!*entry) return std::optional<std::string>();
    const std::int64_t left_ms = (*entry)->expires_unix_ms - now_ms_();
    if (left_ms < std::max<std::int64_t>(wanted.least_left_s, 1) * 1000) return std::optional<std::string>();
    auto token = json::parse_object((*entry)->value);
    if (!token) return std::optional<std::string>();
    (*token)->set("expires_in", left_ms / 1000);
    return std::optional<std::string>(json::dump(*token));
}

}  // namespace acp::auth
