// conformance: acp.http_routes/1, clients that leave, load, and what stays behind.
#include <mutex>
#include <thread>

#include "instances.h"
#include "routes_instance.h"
#include "text.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_HTTP_ROUTES;

std::unique_ptr<StreamSource> source(Bench& b) {
    return std::make_unique<RoutesInstance>(b);
}

void storm(Bench& b) {
    RoutesInstance instance(b);
    if (instance.kinds() == 0) not_applicable("there is no route");
    const auto end = std::chrono::steady_clock::now() + b.options().patience;
    std::mutex mutex;
    std::string complaint;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 25 && std::chrono::steady_clock::now() < end; ++i) {
                std::string wrong;
                try {
                    FakeStream stream;
                    const FakeCall call(kStreamLimit);
                    const Answer answer = open_heard(stream, listen_and_leave, [&](FakeStream& s) {
                        return instance.open((t + i) % instance.kinds(), s, call);
                    });
                    if (!is_status(answer.code) || answer.code == ACP_E_INTERNAL) wrong = told(answer);
                    if (answer.ok() && !stream.wait_released(kStreamLimit)) wrong = answer.operation + " keeps its stream";
                } catch (const std::exception& e) {
                    wrong = e.what();
                }
                const std::lock_guard lock(mutex);
                if (complaint.empty()) complaint = wrong;
            }
        });
    for (auto& thread : threads) thread.join();
    require(complaint.empty(), "8 threads at once confuse the instance", "answers as on one thread", complaint);
}

template <Leak Kind>
void leaves(Bench& b) {
    b.host().on_log([](const LogLine&) {});
    leaves_nothing(b, Kind, [&] {
        RoutesInstance instance(b);
        FakeStream stream;
        instance.open_unknown(stream);
    });
    b.host().on_log({});
}

}  // namespace

const std::vector<Check>& routes_load_checks() {
    static const std::vector<Check> all = {
        {"routes.handle.gone_before", kIid, "routes.create", "a client that has left already is noticed", &over_streams<source, ends_when_gone_before>},
        {"routes.handle.gone_at_each_step", kIid, "routes.create", "one that leaves at any step, too",
         &over_streams<source, ends_when_gone_at_each_step>},
        {"routes.handle.cancel.closes_once", kIid, "routes.create", "an answer that is cut is given back once",
         &over_streams<source, ends_when_listener_leaves>},
        {"routes.handle.backpressure", kIid, "routes.create", "credit is respected and nothing is lost", &over_streams<source, keeps_to_credit>},
        {"routes.handle.failing_writes", kIid, "routes.create", "writes that fail are survived", &over_streams<source, survives_failing_writes>},
        {"routes.handle.throwing_writes", kIid, "routes.create", "writes that throw are survived", &over_streams<source, survives_throwing_writes>},
        {"routes.handle.deadline", kIid, "routes.create", "handle ends with its deadline", &over_streams<source, opens_in_time>},
        {"routes.storm", kIid, "routes.create", "many threads call one instance at once", &storm},
        {"routes.leaks.descriptors", kIid, "routes.create", "instances that are destroyed leave no descriptor", &leaves<Leak::descriptors>},
        {"routes.leaks.threads", kIid, "routes.create", "nor a thread", &leaves<Leak::threads>},
        {"routes.leaks.memory", kIid, "routes.create", "nor memory that grows", &leaves<Leak::memory>},
        {"routes.leaks.streams", kIid, "routes.create", "nor do streams that have ended", &over_streams<source, streams_leave_nothing>},
    };
    return all;
}

}  // namespace acp::conformance
