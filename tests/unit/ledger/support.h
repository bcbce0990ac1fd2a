// Fixtures of the ledger's tests.
#pragma once

#include <Poco/Data/SQLite/Connector.h>
#include <Poco/Data/Session.h>
#include <Poco/Data/Statement.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "ledger/ledger.h"
#include "ledger/verify.h"

namespace acp::ledger::test {

/// A directory that goes away with the object.
class TempDir {
public:
    TempDir() {
        std::string pattern = (std::filesystem::temp_directory_path() / "acp-ledger-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = pattern;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

inline LedgerOptions options_for(const std::string& path) {
    LedgerOptions options;
    options.path = path;
    return options;
}

inline std::unique_ptr<Ledger> open(LedgerOptions options) {
    auto ledger = Ledger::open(std::move(options));
    if (!ledger) throw std::runtime_error(ledger.error().message + " / " + ledger.error().internal);
    return std::move(*ledger);
}
inline std::unique_ptr<Ledger> open(const std::string& path) {
    return open(options_for(path));
}

/// Hands a callback's argument to the thread that waits for it. Waiting longer
/// than a minute is a failure, not a hang.
template <typename T>
class Waiter {
public:
    std::function<void(Result<T>)> done() {
        return [promise = promise_](Result<T> result) { promise->set_value(std::move(result)); };
    }
    bool ready() const { return future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
    Result<T> get() {
        if (future_.wait_for(std::chrono::seconds(60)) != std::future_status::ready)
            throw std::runtime_error("no answer within a minute");
        return future_.get();
    }

private:
    std::shared_ptr<std::promise<Result<T>>> promise_ = std::make_shared<std::promise<Result<T>>>();
    std::future<Result<T>> future_ = promise_->get_future();
};

inline RunIntent intent(const std::string& target = "web") {
    RunIntent intent;
    intent.action = "workload.start";
    intent.provider_alias = "local";
    intent.target = target;
    intent.user_id = "alice";
    return intent;
}

inline Result<Begun> begin(Ledger& ledger, RunIntent what, std::optional<IdempotencyClaim> claim = std::nullopt) {
    Waiter<Begun> waiter;
    ledger.begin(std::move(what), std::move(claim), waiter.done());
    return waiter.get();
}

/// Begins a run that must start; its uid.
inline std::string start(Ledger& ledger, RunIntent what = intent()) {
    auto begun = begin(ledger, std::move(what));
    if (!begun) throw std::runtime_error(begun.error().message + " / " + begun.error().internal);
    return std::get<Started>(*begun).run_uid;
}

inline Result<void> finish(Ledger& ledger, const std::string& run_uid, RunOutcome outcome = {},
                           std::optional<StoredResponse> response = std::nullopt) {
    Waiter<void> waiter;
    ledger.finish(run_uid, std::move(outcome), std::move(response), waiter.done());
    return waiter.get();
}

inline Result<void> record(Ledger& ledger, const std::string& kind, json::Var details = {}) {
    Waiter<void> waiter;
    SecurityEvent event;
    event.kind = kind;
    event.actor = "alice";
    event.outcome = "granted";
    event.details = std::move(details);
    ledger.record(std::move(event), waiter.done());
    return waiter.get();
}

/// Keeps the writer thread inside a callback until release().
class WriterHold {
public:
    explicit WriterHold(Ledger& ledger) {
        ledger.begin(intent("hold"), std::nullopt, [this](Result<Begun>) {
            held_.set_value();
            released_.get_future().wait();
        });
        held_.get_future().wait();
    }
    void release() { released_.set_value(); }

private:
    std::promise<void> held_;
    std::promise<void> released_;
};

/// Changes a database file behind the ledger's back.
inline void tamper(const std::string& path, const std::string& sql) {
    Poco::Data::SQLite::Connector::registerConnector();
    Poco::Data::Session session("SQLite", path);
    session << sql, Poco::Data::Keywords::now;
}

inline std::int64_t count(const std::string& path, const std::string& sql) {
    Poco::Data::SQLite::Connector::registerConnector();
    Poco::Data::Session session("SQLite", path);
    Poco::Int64 value = -1;
    session << sql, Poco::Data::Keywords::into(value), Poco::Data::Keywords::now;
    return value;
}

}  // namespace acp::ledger::test
