// workloads: one action, start to end: place on the pool, durable row, call of
// the provider, durable outcome, answer. In that order, always.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "work/pool.h"
#include "dispatch/route.h"
#include "ledger/ledger.h"
#include "plugins/provider.h"

namespace acp::workloads {

/// What an action gave: `response` for the client, `record` for the ledger and
/// for replays (the same object unless the response holds what must not be kept).
struct Performed {
    json::Object::Ptr response;
    json::Object::Ptr record;
};

struct Action {
    std::string operation;  ///< name in the capability matrix
    plugins::ProviderPtr provider;
    std::string target;
    std::string namespace_;
    json::Var payload;      ///< for the ledger, which redacts it
    std::function<Result<Performed>(const plugins::CallContext&)> perform;
};

/// A listener for the end of a stream that was opened under a ledger row.
using StreamEnded = std::function<void(Result<json::Object::Ptr> record)>;
struct StreamAction {
    std::string operation;
    plugins::ProviderPtr provider;
    std::string target;
    json::Var payload;
    /// Opens the stream and gives the response; `ended` is called once when the
    /// stream is over, from any thread.
    std::function<Result<http::Response>(const plugins::CallContext&, StreamEnded ended)> open;
};

/// Bounds of every action.
struct ActionBounds {
    std::int64_t timeout_ms = 60'000;      ///< deadline of a provider call
    std::int64_t default_wait_ms = 30'000; ///< a client waits this long for the outcome, then gets 202
    std::size_t live_streams = 256;        ///< open at once
};

class Actions {
public:
    /// `actions` runs provider calls, `streams` opens streams.
    Actions(ledger::Ledger& ledger, work::Pool& actions, work::Pool& streams, ActionBounds bounds)
        : ledger_(ledger), pool_(actions), streams_(streams), bounds_(bounds) {}

    /// Answers through the context's responder, exactly once; never blocks.
    /// 202 with Location when the outcome takes longer than the client waits
    /// (`Prefer: wait=N`, `respond-async`; RFC 7240).
    void submit(const dispatch::ContextPtr& context, Action action);
    void submit(const dispatch::ContextPtr& context, StreamAction action);

    /// Asks a running action to stop; false when it is not running here.
    bool cancel(const std::string& run_uid);
    /// Whether the provider is being called for this run right now.
    bool is_running(const std::string& run_uid) const;

    struct Totals {
        std::atomic<std::uint64_t> started{0}, succeeded{0}, failed{0}, refused{0};
    };
    const Totals& totals() const noexcept { return totals_; }
    std::size_t live_streams() const noexcept { return live_streams_.load(std::memory_order_relaxed); }

private:
    struct Active {
        std::atomic<bool> cancelled{false};
        std::atomic<bool> running{false};
    };
    using ActivePtr = std::shared_ptr<Active>;

    bool admit(const dispatch::ContextPtr& context, work::Pool& pool, const plugins::Provider& provider, const std::string& operation);
    void begin(const dispatch::ContextPtr& context, work::Pool& pool, ledger::RunIntent intent,
               std::function<void(std::string run_uid, ActivePtr)> started);
    void run(const dispatch::ContextPtr& context, const Action& action, const std::string& run_uid, const ActivePtr& active);
    void run(const dispatch::ContextPtr& context, const StreamAction& action, const std::string& run_uid, const ActivePtr& active);
    plugins::CallContext call_context(const dispatch::Context& context, const std::string& run_uid, const ActivePtr& active) const;
    void close(const std::string& run_uid, const Result<json::Object::Ptr>& record, std::optional<ledger::StoredResponse> stored,
               std::function<void()> then);

    ledger::Ledger& ledger_;
    work::Pool& pool_;
    work::Pool& streams_;
    const ActionBounds bounds_;
    std::atomic<std::size_t> live_streams_{0};
    Totals totals_;
    mutable std::mutex mutex_;
    std::map<std::string, ActivePtr> active_;
};

}  // namespace acp::workloads
