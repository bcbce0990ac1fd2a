// conformance: acp.provider/1 under load, and what it leaves behind.
#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "instances.h"
#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_PROVIDER;
constexpr int kThreads = 8;
constexpr int kCalls = 40;
constexpr int kIds = 3;

/// Lines would be kept, and count as memory that grows.
struct NoLog {
    explicit NoLog(Bench& bench) : b(bench) {
        b.host().on_log([](const LogLine&) {});
    }
    ~NoLog() { b.host().on_log({}); }
    Bench& b;
};

std::string storm_id(unsigned number) {
    return "conformance-storm-" + std::to_string(number % kIds);
}

Answer some_call(Bench& b, ProviderClient& provider, unsigned dice) {
    const FakeCall call(kActionLimit);
    const std::string id = storm_id(dice / 16);
    switch (dice % 16) {
        case 0: return provider.start(sample_of(b, id, 1), call);
        case 1: return provider.stop(id, call);
        case 2: return provider.scale(id, dice % 3, call);
        case 3: return provider.remove(id, call);
        case 4: return provider.restart(id, call);
        case 5:
        case 6: return provider.list({}, call);
        case 7: return provider.get_config(id, call);
        case 8: provider.capabilities(); return {};
        case 9: {
            FakeStream stream(4096);
            return provider.logs(id, stream, {}, call);  // whose listener leaves at once
        }
        case 10:
            ask_health(provider, call);
            return {};
        default: return provider.status(id, call);
    }
}

void storm(Bench& b) {
    const NoLog no_log(b);
    const auto provider = b.provider();
    const auto end = std::chrono::steady_clock::now() + b.options().patience;
    std::mutex mutex;
    std::string complaint;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            std::minstd_rand random(static_cast<unsigned>(t) + 1);
            for (int i = 0; i < kCalls && std::chrono::steady_clock::now() < end; ++i) {
                std::string wrong;
                try {
                    const Answer answer = some_call(b, *provider, static_cast<unsigned>(random() >> 4));
                    if (!is_status(answer.code)) wrong = answer.operation + ": status " + std::to_string(answer.code);
                    if (!answer.ok() && answer.message.empty()) wrong = answer.operation + " failed without a message";
                    if (answer.code == ACP_E_INTERNAL) wrong = told(answer);
                } catch (const std::exception& e) {
                    wrong = e.what();
                }
                const std::lock_guard lock(mutex);
                if (complaint.empty()) complaint = wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    for (unsigned i = 0; i < kIds; ++i) {
        const FakeCall call(kActionLimit);
        provider->remove(storm_id(i), call);
    }
    require(complaint.empty(), std::to_string(kThreads) + " threads at once confuse the instance",
            "answers as on one thread", complaint);
    const Answer list = provider->list();
    if (!list.ok()) return;
    for (const auto& status : list.statuses)
        require(!status.service_id.starts_with("conformance-storm-"), "a removed workload is in the list", "not there",
                status.service_id);
}

void one_round(Bench& b) {
    const auto provider = b.provider();
    const FakeCall call(kActionLimit);
    provider->capabilities();
    provider->list({}, call);
    for (const auto& operation : operations()) operation.run(*provider, "conformance-unknown", call);
    ask_health(*provider, call);
    provider->end();
}

template <Leak Kind>
void leaves(Bench& b) {
    const NoLog no_log(b);
    leaves_nothing(b, Kind, [&] { one_round(b); });
}

/// A workload that comes and goes on one instance.
void workloads_leave_nothing(Bench& b) {
    const NoLog no_log(b);
    const auto provider = b.provider();
    const auto round = [&] {
        Workload w(b, *provider);
        provider->status(w.id());
        w.remove();
    };
    for (int i = 0; i < 3; ++i) round();
    const auto before = quiet();
    for (int i = 0; i < 6; ++i) round();
    const auto after = settled(before.threads);
    require(after.descriptors.size() <= before.descriptors.size(), "descriptors stay open after workloads are removed",
            std::to_string(before.descriptors.size()), new_descriptors(before, after));
    require(after.threads <= before.threads, "threads go on after workloads are removed", std::to_string(before.threads),
            std::to_string(after.threads));
}

/// destroy has to end while a listener still follows.
void destroy_with_stream(Bench& b) {
    auto provider = b.provider();
    if (!provider->logs_table().open) not_applicable("the plugin does not offer " ACP_IID_LOGS);
    Workload w(b, *provider);
    FakeStream stream;
    sdk::LogQuery query;
    query.follow = true;
    const FakeCall call(kActionLimit);
    const Answer opened = provider->logs(w.id(), stream, query, call);
    if (!opened.ok()) not_applicable("logs cannot be followed: " + told(opened));
    w.remove();
    stream.close(ACP_CLOSE_SHUTDOWN);
    const auto took = timed([&] { provider->end(); });
    require(took <= b.options().patience, "destroy waits for a stream that has ended",
            "at most " + in_ms(b.options().patience), in_ms(took));
    require(stream.wait_released(b.options().patience), "destroy leaves a stream behind", "its reference given back",
            std::to_string(stream.references()) + " references");
}

}  // namespace

const std::vector<Check>& provider_load_checks() {
    static const std::vector<Check> all = {
        {"provider.storm", kIid, "provider.create", "many threads call one instance at once", &storm},
        {"provider.leaks.descriptors", kIid, "provider.create", "instances that are destroyed leave no descriptor", &leaves<Leak::descriptors>},
        {"provider.leaks.threads", kIid, "provider.create", "nor a thread", &leaves<Leak::threads>},
        {"provider.leaks.memory", kIid, "provider.create", "nor memory that grows", &leaves<Leak::memory>},
        {"provider.leaks.workloads", kIid, "provider.create", "nor do workloads that are removed", &workloads_leave_nothing},
        {"provider.destroy.with_stream", kIid, "provider.create", "an instance ends with its streams", &destroy_with_stream},
    };
    return all;
}

}  // namespace acp::conformance
