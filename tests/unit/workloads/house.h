// Actions on a real ledger and a scripted provider, asked by clients without a wire.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "unit/plugins/house.h"
#include "wire/loop.h"
#include "workloads/actions.h"

namespace acp::workloads::test {

/// The scripted provider, made once.
inline const plugins::Provider& scripted() {
    static const plugins::test::Loaded loaded(ACP_SCRIPTED);
    if (!loaded.provider) throw std::runtime_error("the scripted provider is not there: " + loaded.fault.message);
    return *loaded.provider;
}

/// One client: asks once, and hears the answer on the loop's thread.
class Client final : public wire::Responder::Target {
public:
    explicit Client(wire::Loop& loop) : control_(std::make_shared<wire::Responder::Control>()) {
        control_->loop = &loop;
        control_->target = this;
    }
    void resumed(const std::function<void(wire::Exchange&)>&) override { throw std::logic_error("nothing resumes here"); }
    void complete(http::Response response) override {
        std::lock_guard lock(mutex_);
        answer_ = std::move(response);
        ++answers_;
        answered_.notify_all();
    }
    dispatch::ContextPtr context(std::vector<std::pair<std::string, std::string>> fields = {}) const {
        auto c = std::make_shared<dispatch::Context>();
        c->method = "POST";
        c->path = "/manage/workloads/web/stop";
        c->fields = std::move(fields);
        c->request_id = "req-1";
        c->principal = std::make_shared<identity::Principal>(identity::Principal{.subject = "alice", .organization_id = "org"});
        c->responder = wire::Responder(control_);
        return c;
    }
    http::Response& answer() {
        std::unique_lock lock(mutex_);
        if (!answered_.wait_for(lock, std::chrono::seconds(20), [this] { return answer_.has_value(); }))
            throw std::runtime_error("no answer in time");
        return *answer_;
    }
    json::Object::Ptr body() { return json::parse_object(answer().body).value(); }
    std::string field(const std::string& name) {
        for (const auto& [n, v] : answer().fields)
            if (n == name) return v;
        return {};
    }
    bool answered() const {
        std::lock_guard lock(mutex_);
        return answer_.has_value();
    }

private:
    std::shared_ptr<wire::Responder::Control> control_;
    mutable std::mutex mutex_;
    std::condition_variable answered_;
    std::optional<http::Response> answer_;
    int answers_ = 0;
};

template <typename Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 20'000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

struct House {
    plugins::test::TempDir dir;
    std::unique_ptr<ledger::Ledger> ledger;
    std::unique_ptr<Actions> actions;
    std::vector<std::unique_ptr<Client>> clients;
    wire::Loop loop{0, {}};
    std::thread loop_thread;
    work::Pool pool, streams;

    explicit House(ActionBounds bounds = {}, std::size_t threads = 4, std::size_t queue = 16)
        : pool("actions", threads, queue), streams("streams", threads, queue) {
        ledger::LedgerOptions options;
        options.path = dir.path() / "ledger.db";
        ledger = std::move(ledger::Ledger::open(std::move(options)).value());
        actions = std::make_unique<Actions>(*ledger, pool, streams, bounds);
        loop_thread = std::thread([this] { loop.run(); });
    }
    /// As the composition root does it: loops, pools, ledger.
    ~House() {
        loop.stop();
        loop_thread.join();
        pool.stop();
        streams.stop();
        clients.clear();  // streams that are still open tell their end now
        ledger.reset();
    }
    Client& client() {
        clients.push_back(std::make_unique<Client>(loop));
        return *clients.back();
    }
    Client& submit(Action action, std::vector<std::pair<std::string, std::string>> fields = {}) {
        Client& c = client();
        actions->submit(c.context(std::move(fields)), std::move(action));
        return c;
    }
    Client& submit(StreamAction action) {
        Client& c = client();
        actions->submit(c.context(), std::move(action));
        return c;
    }
    /// The run's row once it has the status, else as it last was.
    ledger::RunRow row(const std::string& run_uid, const std::string& status) {
        eventually([&] { return ledger->get(run_uid).value().status == status; });
        return ledger->get(run_uid).value();
    }
    std::vector<ledger::RunRow> rows(const ledger::RunFilter& filter = {}) {
        return ledger->list(filter, 500).value().rows;
    }
};

/// An action "stop" that the test performs.
inline Action performing(std::function<Result<Performed>(const plugins::CallContext&)> perform) {
    Action a;
    a.operation = "stop";
    a.provider = plugins::ProviderPtr(plugins::ProviderPtr(), &scripted());  // of the process
    a.target = "web";
    a.payload = json::object({{"password", std::string("hunter2")}, {"grace", 5}});
    a.perform = std::move(perform);
    return a;
}
inline Action quick() {
    return performing([](const plugins::CallContext&) -> Result<Performed> {
        auto result = json::object({{"phase", std::string("stopped")}});
        return Performed{result, result};
    });
}
/// Calls the provider's stop, which waits for cancellation or deadline.
inline Action slow() {
    return performing([](const plugins::CallContext& call) -> Result<Performed> {
        auto stopped = scripted().stop(call, "slow");
        if (!stopped) return fail(stopped.error());
        return Performed{json::object(), json::object()};
    });
}

}  // namespace acp::workloads::test
