// conformance: acp.auth_flow/1, time, load, and what stays behind.
#include <atomic>
#include <mutex>
#include <thread>

#include "flow_instance.h"
#include "instances.h"
#include "text.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_AUTH_FLOW;

/// Each endpoint, asked by a known caller with a call that ends at once.
template <typename Prepare>
void ends_in_time(Bench& b, const char* what, Prepare prepare) {
    FlowInstance flow(b);
    const auto judge = [&](const std::function<Step(const FakeCall&)>& ask) {
        const auto begun = std::chrono::steady_clock::now();
        const std::unique_ptr<FakeCall> call = prepare();
        const Step step = ask(*call);
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
        require(took <= b.options().patience, step.operation + " goes on after " + what, "an end within " + std::to_string(b.options().patience.count()) + " ms",
                std::to_string(took.count()) + " ms");
    };
    for (const auto& endpoint : flow.endpoints())
        judge([&](const FakeCall& call) { return flow.client().handle(FlowInstance::request(endpoint, Caller::known), call); });
    if (!flow.fields().empty()) judge([&](const FakeCall& call) { return flow.client().authenticate(flow.credentials("conformance"), call); });
    if (flow.client().table().renew) judge([&](const FakeCall& call) { return flow.client().renew(FlowInstance::session(), call); });
    if (flow.client().table().ended) judge([&](const FakeCall& call) { return flow.client().ended(FlowInstance::session(), call); });
}

void heeds_deadline(Bench& b) {
    ends_in_time(b, "its deadline", [] { return std::make_unique<FakeCall>(std::chrono::milliseconds(-1)); });
}

void heeds_cancellation(Bench& b) {
    ends_in_time(b, "its cancellation", [] {
        auto call = std::make_unique<FakeCall>();
        call->cancel();
        return call;
    });
}

void heeds_late_cancellation(Bench& b) {
    ends_in_time(b, "its cancellation at the third look", [] {
        auto call = std::make_unique<FakeCall>();
        call->cancel_after(2);
        return call;
    });
}

void storm(Bench& b) {
    FlowInstance flow(b);
    const auto end = std::chrono::steady_clock::now() + b.options().patience;
    std::mutex mutex;
    std::string complaint;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 25 && std::chrono::steady_clock::now() < end; ++i) {
                std::string wrong;
                try {
                    flow.each_step([&](const Step& step) {
                        if (step.decisions != (step.ok() ? 1 : 0)) wrong = step.operation + ": " + std::to_string(step.decisions) + " decisions";
                        if (!is_status(step.code) || step.code == ACP_E_INTERNAL) wrong = step.operation + ": " + status_name(step.code) + " " + in_quotes(step.message);
                    });
                } catch (const std::exception& e) {
                    wrong = e.what();
                }
                const std::lock_guard lock(mutex);
                if (complaint.empty()) complaint = wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    require(complaint.empty(), "8 threads at once confuse the instance", "decisions as on one thread", complaint);
}

template <Leak Kind>
void leaves(Bench& b) {
    b.host().on_log([](const LogLine&) {});
    leaves_nothing(b, Kind, [&] {
        FlowInstance flow(b);
        for (const auto& endpoint : flow.endpoints()) flow.client().handle(FlowInstance::request(endpoint, Caller::garbage), FakeCall(kStepLimit));
        if (!flow.fields().empty()) flow.client().authenticate(flow.credentials("conformance"), FakeCall(kStepLimit));
        b.identity().forget();
    });
    b.host().on_log({});
}

}  // namespace

const std::vector<Check>& flow_load_checks() {
    static const std::vector<Check> all = {
        {"flow.deadline", kIid, "flow.create", "a step ends with its deadline", &heeds_deadline},
        {"flow.cancel.before", kIid, "flow.create", "and with its cancellation", &heeds_cancellation},
        {"flow.cancel.running", kIid, "flow.create", "at any look", &heeds_late_cancellation},
        {"flow.storm", kIid, "flow.create", "many threads call one instance at once", &storm},
        {"flow.leaks.descriptors", kIid, "flow.create", "instances that are destroyed leave no descriptor", &leaves<Leak::descriptors>},
        {"flow.leaks.threads", kIid, "flow.create", "nor a thread", &leaves<Leak::threads>},
        {"flow.leaks.memory", kIid, "flow.create", "nor memory that grows", &leaves<Leak::memory>},
    };
    return all;
}

}  // namespace acp::conformance
