#include "alphaswarm-cp/conformance/fake_identity.hpp"

#include <atomic>
#include <cctype>
#include <ctime>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>

#include "alphaswarm-cp/host/clock.h"
#include "alphaswarm-cp/sdk/error.hpp"
#include "alphaswarm-cp/sdk/sized.hpp"

namespace acp::conformance {

using sdk::Failure;
using sdk::view;

namespace {

constexpr std::string_view kCodeLetters = "BCDFGHJKLMNPQRSTVWXZ";  // RFC 8628 section 6.1
constexpr int64_t kSecond = 1'000'000'000;

std::atomic<FakeIdentity*> current{nullptr};

int64_t clock_ns(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return int64_t{t.tv_sec} * kSecond + t.tv_nsec;
}

/// A code as it was shown, or as somebody typed it.
std::string folded(std::string_view handle) {
    std::string letters;
    for (const char c : handle)
        if (c != '-' && c != ' ') letters += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const bool code = letters.size() == 8 && letters.find_first_not_of(kCodeLetters) == std::string::npos;
    return code ? letters : std::string(handle);
}

std::string fresh_code() {
    static std::random_device device;
    std::string code;
    for (int i = 0; i < 8; ++i) code += kCodeLetters[std::uniform_int_distribution<std::size_t>(0, kCodeLetters.size() - 1)(device)];
    return code;
}

void give(const acp_text_sink* out, std::string_view text) {
    const acp_text_sink sink = sdk::whole(out);
    if (!sink.emit) throw Failure(ACP_E_INVALID, "there is nowhere to put the answer");
    sink.emit(sink.ctx, sdk::str(text));
}

bool has_nonce(const std::string& claims, std::string_view nonce) {
    const auto json = nlohmann::json::parse(claims, nullptr, false);
    return nonce.empty() || (json.is_object() && json.value("nonce", nlohmann::json()) == nonce);
}

void check_value(std::string_view value, int64_t ttl_s) {
    const auto json = nlohmann::json::parse(value, nullptr, false);
    if (!json.is_object()) throw Failure(ACP_E_INVALID, "value_json is no JSON object");
    if (ttl_s < 1) throw Failure(ACP_E_INVALID, "ttl_s is less than a second");
}

}  // namespace

/// The C side; each function finds the one FakeIdentity there is.
struct FakeIdentityTable {
    template <typename Body>
    static acp_status run(acp_error* error, Body&& body) noexcept {
        return sdk::edge(error, [&] {
            FakeIdentity* self = current;
            if (!self) throw Failure(ACP_E_UNAVAILABLE, "there is no identity service");
            {
                const std::lock_guard lock(self->mutex_);
                if (self->failing_ != ACP_OK) throw Failure(self->failing_, "the identity service fails, as the test wants it");
            }
            body(*self);
        });
    }

    static acp_status verify(const acp_host*, const acp_call*, const acp_token_check* given, const acp_text_sink* claims,
                             acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            const acp_token_check check = sdk::whole(given);
            std::unique_lock lock(self.mutex_);
            self.checks_.push_back(sdk::text(check.issuer) + " " + sdk::text(check.audience) + " " + sdk::text(check.jwks_url));
            if (view(check.audience).empty()) throw Failure(ACP_E_INVALID, "an audience is needed");
            for (const auto& a : self.accepted_)
                if (a.token == view(check.token) && a.issuer == view(check.issuer) && a.audience == view(check.audience) &&
                    a.type == view(check.type) && has_nonce(a.claims, view(check.nonce))) {
                    const std::string found = a.claims;
                    lock.unlock();
                    return give(claims, found);
                }
            throw Failure(ACP_E_DENIED, "invalid");
        });
    }
    static acp_status assertion(const acp_host*, const acp_call*, const acp_assertion_request* given, const acp_text_sink* out,
                                acp_error* error) noexcept {
        return run(error, [&](FakeIdentity&) {
            const acp_assertion_request wanted = sdk::whole(given);
            if (wanted.ttl_s > 300) throw Failure(ACP_E_INVALID, "an assertion lives for 300 s at most");
            give(out, "assertion:" + sdk::text(wanted.key) + ":" + sdk::text(wanted.client_id) + ":" + sdk::text(wanted.audience));
        });
    }

    static acp_status token_once(const acp_host*, const acp_call* call, acp_str raw_key, int64_t least_left_s,
                                 acp_token_fetch_fn fetch, void* ctx, const acp_text_sink* out, acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            const std::string key = sdk::text(raw_key);
            std::unique_lock lock(self.mutex_);
            self.landed_.wait(lock, [&] { return !self.flights_.contains(key); });
            const auto at = self.tokens_.find(key);
            if (at != self.tokens_.end() && at->second.until_ns - self.now_ns() >= least_left_s * kSecond) {
                auto token = nlohmann::json::parse(at->second.value);
                token["expires_in"] = (at->second.until_ns - self.now_ns()) / kSecond;
                lock.unlock();
                return give(out, token.dump());
            }
            self.flights_.insert(key);
            ++self.fetches_;
            lock.unlock();
            std::string fetched;
            const acp_text_sink sink{sizeof sink, 0, &fetched, [](void* to, acp_str text) { static_cast<std::string*>(to)->assign(view(text)); }};
            sdk::ErrorSlot failure;
            acp_status status = ACP_E_INTERNAL;
            try {
                status = fetch(ctx, call, &sink, failure.get());
            } catch (...) {
            }
            lock.lock();
            self.flights_.erase(key);
            self.landed_.notify_all();
            if (status != ACP_OK) throw Failure(status, failure.message(), failure.retryable()).details(failure.details_json());
            const auto token = nlohmann::json::parse(fetched, nullptr, false);
            if (token.is_object() && token.contains("expires_in") && token["expires_in"].is_number_integer())
                self.tokens_[key] = {fetched, 1, self.now_ns() + token["expires_in"].get<int64_t>() * kSecond};
            lock.unlock();
            give(out, fetched);
        });
    }

    static acp_status state_put(const acp_host*, const acp_call*, acp_str value, int64_t ttl_s, const acp_text_sink* handle,
                                acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            check_value(view(value), ttl_s);
            std::string fresh;
            {
                const std::lock_guard lock(self.mutex_);
                // As long as a real one, 256 bits as base64url.
                fresh = "handle-" + std::to_string(++self.handles_);
                fresh.resize(43, 'x');
                self.keep(fresh, view(value), ttl_s);
            }
            give(handle, fresh);
        });
    }
    static acp_status state_put_code(const acp_host*, const acp_call*, acp_str value, int64_t ttl_s, const acp_text_sink* code,
                                     acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            check_value(view(value), ttl_s);
            const std::string fresh = fresh_code();
            {
                const std::lock_guard lock(self.mutex_);
                self.keep(fresh, view(value), ttl_s);
            }
            give(code, fresh.substr(0, 4) + "-" + fresh.substr(4));
        });
    }
    static acp_status state_read(const acp_host*, const acp_call*, acp_str handle, uint64_t* version, const acp_text_sink* value,
                                 acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            std::unique_lock lock(self.mutex_);
            const auto* kept = self.find(view(handle));
            if (!kept) throw Failure(ACP_E_NOT_FOUND, "nothing is kept under this handle");
            if (version) *version = kept->version;
            const std::string text = kept->value;
            lock.unlock();
            give(value, text);
        });
    }
    static acp_status state_replace(const acp_host*, const acp_call*, acp_str handle, uint64_t version, acp_str value,
                                    acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            check_value(view(value), 1);
            const std::lock_guard lock(self.mutex_);
            auto* kept = self.find(view(handle));
            if (!kept || kept->version != version) throw Failure(ACP_E_CONFLICT, "it has another version now");
            kept->value = view(value);
            ++kept->version;
        });
    }
    static acp_status state_take(const acp_host*, const acp_call*, acp_str handle, const acp_text_sink* value, acp_error* error) noexcept {
        return run(error, [&](FakeIdentity& self) {
            std::unique_lock lock(self.mutex_);
            const auto* kept = self.find(view(handle));
            if (!kept) throw Failure(ACP_E_NOT_FOUND, "nothing is kept under this handle");
            const std::string text = kept->value;
            self.kept_.erase(folded(view(handle)));
            lock.unlock();
            give(value, text);
        });
    }
    static void audit(const acp_host*, const acp_call*, acp_str kind, acp_str target, acp_str outcome, acp_str details) noexcept {
        run(nullptr, [&](FakeIdentity& self) {
            const std::lock_guard lock(self.mutex_);
            self.audits_.push_back({sdk::text(kind), sdk::text(target), sdk::text(outcome), sdk::text(details)});
        });
    }

    static int64_t unix_time() {
        const FakeIdentity* self = current;
        return self ? self->now_ns() : clock_ns(CLOCK_REALTIME);
    }
};

FakeIdentity::FakeIdentity(FakeHost& host) : host_(host) {
    FakeIdentity* none = nullptr;
    if (!current.compare_exchange_strong(none, this)) throw std::logic_error("there is a FakeIdentity already");
    using Table = FakeIdentityTable;
    static const acp_host_identity identity = {
        sizeof identity,        0,                       &Table::verify,     &Table::assertion,     &Table::token_once, &Table::state_put,
        &Table::state_put_code, &Table::state_read, &Table::state_replace, &Table::state_take, &Table::audit};
    static const acp_host_clock clock = {sizeof clock, 0, [] { return clock_ns(CLOCK_MONOTONIC); }, &Table::unix_time};
    host_.add(ACP_IID_HOST_IDENTITY, &identity);
    host_.add(ACP_IID_HOST_CLOCK, &clock);
}

FakeIdentity::~FakeIdentity() {
    host_.add(ACP_IID_HOST_IDENTITY, nullptr);
    current = nullptr;
}

void FakeIdentity::accept(std::string token, std::string issuer, std::string audience, std::string claims_json, std::string type) {
    const std::lock_guard lock(mutex_);
    accepted_.push_back({std::move(token), std::move(issuer), std::move(audience), std::move(claims_json), std::move(type)});
}

void FakeIdentity::advance(std::chrono::seconds by) {
    offset_ns_ += std::chrono::nanoseconds(by).count();
}

void FakeIdentity::fail_with(acp_status status) {
    const std::lock_guard lock(mutex_);
    failing_ = status;
}

int64_t FakeIdentity::now_ns() const {
    return clock_ns(CLOCK_REALTIME) + offset_ns_;
}

int64_t FakeIdentity::unix_s() const {
    return now_ns() / kSecond;
}

void FakeIdentity::keep(const std::string& handle, std::string_view value, int64_t ttl_s) {
    kept_[handle] = {std::string(value), 1, now_ns() + ttl_s * kSecond};
}

FakeIdentity::Kept* FakeIdentity::find(std::string_view handle) {
    const auto at = kept_.find(folded(handle));
    return at != kept_.end() && at->second.until_ns > now_ns() ? &at->second : nullptr;
}

std::vector<AuditRow> FakeIdentity::audits() const {
    const std::lock_guard lock(mutex_);
    return audits_;
}

std::vector<std::string> FakeIdentity::checks() const {
    const std::lock_guard lock(mutex_);
    return checks_;
}

size_t FakeIdentity::kept() const {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (const auto& [handle, kept] : kept_) count += kept.until_ns > now_ns() ? 1U : 0U;
    return count;
}

void FakeIdentity::forget() {
    const std::lock_guard lock(mutex_);
    kept_.clear();
    tokens_.clear();
    audits_.clear();
    checks_.clear();
}

int FakeIdentity::fetches() const {
    const std::lock_guard lock(mutex_);
    return fetches_;
}

}  // namespace acp::conformance
