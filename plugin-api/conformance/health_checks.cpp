// conformance: acp.health/1 of a provider's instances.
#include <thread>

#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_HEALTH;

/// What one check emitted, and its status.
struct Reports {
    acp_status code = ACP_OK;
    std::vector<sdk::HealthReport> all;
    bool short_struct = false;
};

Reports ask(const ProviderClient& p, const acp_call* call) {
    Reports reports;
    const acp_health_sink sink = {sizeof sink, 0, &reports, [](void* ctx, const acp_health_report* raw) {
                                      auto& into = *static_cast<Reports*>(ctx);
                                      into.short_struct = into.short_struct || raw->struct_size < sizeof *raw;
                                      into.all.push_back({raw->state, sdk::text(raw->message), sdk::text(raw->details_json)});
                                  }};
    sdk::ErrorSlot error;
    reports.code = at_boundary("health", [&] { return p.health_table().check(p.self(), call, &sink, error.get()); });
    return reports;
}

/// An instance with acp.health/1. One of routes has nothing that could be asked here.
std::unique_ptr<ProviderClient> provider_of(Bench& b) {
    if (!b.interface(ACP_IID_PROVIDER)) not_applicable("it accompanies no provider");
    auto provider = b.provider();
    require(provider->health_table().check, "the table lacks its function", "check", "NULL");
    return provider;
}

void one_report(Bench& b) {
    const auto provider = provider_of(b);
    const FakeCall call(kActionLimit);
    const Reports reports = ask(*provider, call.raw());
    require(reports.code == ACP_OK, "an unreachable backend is a report, not a failed call", "ACP_OK",
            status_name(reports.code));
    require(reports.all.size() == 1, "check has to emit one report", "1", std::to_string(reports.all.size()));
    require(!reports.short_struct, "struct_size of the report is too small", std::to_string(sizeof(acp_health_report)), "less");
    const auto& report = reports.all.front();
    require(report.state >= ACP_HEALTH_UP && report.state <= ACP_HEALTH_DOWN, "the state is none of health.h", "0, 1 or 2",
            std::to_string(report.state));
    require(is_utf8(report.message), "the message is no UTF-8", "UTF-8", in_quotes(report.message));
    require(report.state == ACP_HEALTH_UP || !report.message.empty(), "it is not up and does not say why", "a message", "none");
    require(report.details_json.empty() || is_json_object(report.details_json), "the details are no JSON",
            "a JSON object or nothing", in_quotes(report.details_json));
}

void ends_in_time(Bench& b) {
    const auto provider = provider_of(b);
    const FakeCall over(std::chrono::milliseconds(-1000));
    FakeCall cancelled(kActionLimit);
    cancelled.cancel();
    for (const FakeCall* call : {&over, static_cast<const FakeCall*>(&cancelled)}) {
        Reports reports;
        const auto took = timed([&] { reports = ask(*provider, call->raw()); });
        require(took <= b.options().patience, "check goes on after its deadline or cancellation",
                "an end within " + in_ms(b.options().patience), in_ms(took));
        require(is_status(reports.code), "check gave a status that nobody knows", "ACP_E_*", status_name(reports.code));
    }
}

void at_once(Bench& b) {
    const auto provider = provider_of(b);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 10; ++i)
                try {
                    const FakeCall call(kActionLimit);
                    if (ask(*provider, call.raw()).all.size() != 1) ++wrong;
                } catch (const CrossedBoundary&) {
                    ++wrong;
                }
        });
    for (auto& thread : threads) thread.join();
    require(wrong == 0, "threads that ask at once confuse the instance", "one report each", std::to_string(wrong) + " without");
}

void sizes(Bench& b) {
    const auto provider = provider_of(b);
    const auto& p = *provider;
    const FakeCall call(kActionLimit);
    int emitted = 0;
    const acp_health_sink whole = {sizeof whole, 0, &emitted, [](void* ctx, const acp_health_report*) { ++*static_cast<int*>(ctx); }};
    using Sink = Resized<acp_health_sink>;
    using Call = Resized<acp_call>;
    for (const bool is_short : {true, false}) {
        const Sink sink(whole, is_short ? Sink::short_by_a_pointer : Sink::longer_by_4_kib);
        const Call sized(*call.raw(), is_short ? Call::short_by_a_pointer : Call::longer_by_4_kib);
        sdk::ErrorSlot error;
        at_boundary("health", [&] { return p.health_table().check(p.self(), sized.get(), sink.get(), error.get()); });
    }
    require(emitted == 1, "a longer sink of a newer host gets no report", "1", std::to_string(emitted));
}

}  // namespace

const std::vector<Check>& health_checks() {
    static const std::vector<Check> all = {
        {"health.one_report", kIid, "provider.create", "one report that makes sense", &one_report},
        {"health.deadline", kIid, "provider.create", "a deadline or cancellation ends the check", &ends_in_time},
        {"health.threads", kIid, "provider.create", "many threads ask at once", &at_once},
        {"health.struct_sizes", kIid, "provider.create", "sinks and calls of another size are survived", &sizes},
    };
    return all;
}

}  // namespace acp::conformance
