// conformance: acp.provider/1, what every call has to take: deadlines,
// cancellation, structs of other sizes, and a host whose callbacks fail.
#include <algorithm>
#include <stdexcept>

#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_PROVIDER;
const std::string kUnknown = "conformance-unknown";
/// Polls after which a call is cancelled, from the first on.
constexpr int kSteps = 8;
constexpr const char* kHostThrew = "thrown by a callback of the host";

/// What a call may answer that ran out of time or was cancelled.
void ends_in_time(const Bench& b, const Answer& answer, std::chrono::milliseconds took) {
    require(took <= b.options().patience, answer.operation + " goes on after its deadline or cancellation",
            "an end within " + in_ms(b.options().patience), in_ms(took));
    expect_status(answer, {ACP_OK, ACP_E_DEADLINE, ACP_E_CANCELLED, ACP_E_NOT_FOUND, ACP_E_UNSUPPORTED, ACP_E_CONFLICT,
                           ACP_E_UNAVAILABLE, ACP_E_DENIED});
}

/// Each operation on `id`, with a call that `prepare` has made useless.
template <typename Prepare>
void each_ends_in_time(Bench& b, ProviderClient& provider, const std::string& id, Prepare prepare) {
    for (const auto& operation : operations()) {
        const auto call = prepare();
        Answer answer;
        const auto took = timed([&] { answer = operation.run(provider, id, *call); });
        ends_in_time(b, answer, took);
    }
    const auto call = prepare();
    Answer answer;
    const auto took = timed([&] { answer = provider.list({}, *call); });
    ends_in_time(b, answer, took);
}

std::unique_ptr<FakeCall> over() {
    return std::make_unique<FakeCall>(std::chrono::milliseconds(-1000));
}
std::unique_ptr<FakeCall> cancelled() {
    auto call = std::make_unique<FakeCall>();
    call->cancel();
    return call;
}

void deadline_over(Bench& b) {
    each_ends_in_time(b, *b.provider(), kUnknown, &over);
}
void deadline_over_running(Bench& b) {
    const auto provider = b.provider();
    const Workload w(b, *provider);
    each_ends_in_time(b, *provider, w.id(), &over);
}
void cancelled_before(Bench& b) {
    each_ends_in_time(b, *b.provider(), kUnknown, &cancelled);
}
void cancelled_running(Bench& b) {
    const auto provider = b.provider();
    const Workload w(b, *provider);
    each_ends_in_time(b, *provider, w.id(), &cancelled);
}

/// Starts, with a call that `prepare` limits, and takes away what came of it.
template <typename Prepare>
void start_ends_in_time(Bench& b, ProviderClient& provider, Prepare prepare) {
    const auto spec = sample_of(b, "conformance-cut", 1);
    FakeCall call(kActionLimit);
    Answer answer;
    const auto took = timed([&] { answer = prepare(call, spec); });
    ends_in_time(b, answer, took);
    const FakeCall removing(kActionLimit);
    expect_status(provider.remove(spec.service_id, removing),
                  {ACP_OK, ACP_E_NOT_FOUND, ACP_E_UNSUPPORTED, ACP_E_UNAVAILABLE, ACP_E_DENIED});
}

void cancelled_at_each_step(Bench& b) {
    const auto provider = b.provider();
    { const Workload possible(b, *provider); }
    for (int step = 0; step < kSteps; ++step)
        start_ends_in_time(b, *provider, [&](FakeCall& call, const sdk::DeploymentSpec& spec) {
            call.cancel_after(step);
            return provider->start(spec, call);
        });
}

void deadline_within_start(Bench& b) {
    const auto provider = b.provider();
    { const Workload possible(b, *provider); }
    for (const int ms : {1, 20, 100})
        start_ends_in_time(b, *provider, [&](FakeCall&, const sdk::DeploymentSpec& spec) {
            const FakeCall call{std::chrono::milliseconds(ms)};
            return provider->start(spec, call);
        });
}

// --- structs of other sizes

const acp_status_sink kNoStatus = {sizeof(acp_status_sink), 0, nullptr, [](void*, const acp_deployment_status*) {}};
const acp_text_sink kNoText = {sizeof(acp_text_sink), 0, nullptr, [](void*, acp_str) {}};

/// `body` with `whole` cut short and with it prolonged.
template <typename Struct, typename Body>
void in_both_sizes(const Struct& whole, Body body) {
    using Sized = Resized<Struct>;
    for (const auto kind : {Sized::short_by_a_pointer, Sized::longer_by_4_kib}) {
        const Sized sized(whole, kind);
        sdk::ErrorSlot error;
        at_boundary("a call with a struct of another size", [&] { return body(sized.get(), error.get()); });
    }
}

void call_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    const FakeCall whole;
    sdk::DeploymentSpec kept;
    kept.service_id = kUnknown;
    const RawSpec spec(kept);
    const acp_str id = sdk::str(kUnknown);
    in_both_sizes(*whole.raw(), [&](const acp_call* call, acp_error* error) {
        return table.start ? table.start(provider->self(), call, spec.get(), &kNoStatus, error) : ACP_E_UNSUPPORTED;
    });
    in_both_sizes(*whole.raw(), [&](const acp_call* call, acp_error* error) {
        return table.stop ? table.stop(provider->self(), call, id, &kNoStatus, error) : ACP_E_UNSUPPORTED;
    });
    in_both_sizes(*whole.raw(), [&](const acp_call* call, acp_error* error) {
        return table.status ? table.status(provider->self(), call, id, &kNoStatus, error) : ACP_E_UNSUPPORTED;
    });
    in_both_sizes(*whole.raw(), [&](const acp_call* call, acp_error* error) {
        return table.list ? table.list(provider->self(), call, nullptr, &kNoStatus, error) : ACP_E_UNSUPPORTED;
    });
    in_both_sizes(*whole.raw(), [&](const acp_call* call, acp_error* error) {
        return table.remove ? table.remove(provider->self(), call, id, error) : ACP_E_UNSUPPORTED;
    });
}

void spec_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    if (!table.start) not_applicable("the plugin has no start");
    const auto spec = sample_of(b, "conformance-sizes", 1);
    const RawSpec whole(spec);
    in_both_sizes(*whole.get(), [&](const acp_deployment_spec* raw, acp_error* error) {
        const FakeCall call(kActionLimit);
        return table.start(provider->self(), call.raw(), raw, &kNoStatus, error);
    });
    const FakeCall call(kActionLimit);
    provider->remove(spec.service_id, call);
}

void filter_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    if (!table.list) not_applicable("the plugin has no list");
    const FakeCall call(kActionLimit);
    const acp_list_filter whole = {sizeof whole, 0, ACP_STR_LITERAL("conformance")};
    in_both_sizes(whole, [&](const acp_list_filter* filter, acp_error* error) {
        return table.list(provider->self(), call.raw(), filter, &kNoStatus, error);
    });
}

void rotate_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    if (!table.rotate_secret) not_applicable("the plugin has no rotate_secret");
    const FakeCall call(kActionLimit);
    const acp_rotate_request whole = {sizeof whole, 0, ACP_STR_LITERAL("conformance")};
    in_both_sizes(whole, [&](const acp_rotate_request* request, acp_error* error) {
        return table.rotate_secret(provider->self(), call.raw(), sdk::str(kUnknown), request, &kNoText, error);
    });
}

void sink_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    int cells = 0;
    const acp_capability_sink whole = {sizeof whole, 0, &cells, [](void* ctx, const acp_capability*) { ++*static_cast<int*>(ctx); }};
    in_both_sizes(whole, [&](const acp_capability_sink* sink, acp_error* error) {
        return table.capabilities(provider->self(), sink, error);
    });
    require(cells > 0, "a longer sink of a newer host gets nothing", "the matrix", "no cell");
    const FakeCall call(kActionLimit);
    if (table.list)
        in_both_sizes(kNoStatus, [&](const acp_status_sink* sink, acp_error* error) {
            return table.list(provider->self(), call.raw(), nullptr, sink, error);
        });
}

void result_sink_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    const Workload w(b, *provider);
    const FakeCall call(kActionLimit);
    if (table.status)
        in_both_sizes(kNoStatus, [&](const acp_status_sink* sink, acp_error* error) {
            return table.status(provider->self(), call.raw(), sdk::str(w.id()), sink, error);
        });
    if (table.get_config)
        in_both_sizes(kNoText, [&](const acp_text_sink* sink, acp_error* error) {
            return table.get_config(provider->self(), call.raw(), sdk::str(w.id()), sink, error);
        });
}

void error_sizes(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    if (!table.status) not_applicable("the plugin has no status");
    const FakeCall call(kActionLimit);
    const acp_error zero{};
    using Error = Resized<acp_error>;
    for (const auto kind : {Error::short_by_a_pointer, Error::longer_by_4_kib}) {
        const Error error(zero, kind);
        at_boundary("status", [&] { return table.status(provider->self(), call.raw(), sdk::str(kUnknown), &kNoStatus, error.get()); });
        if (error.get()->release) at_boundary("release", [&] { error.get()->release(error.get()); });
    }
}

// --- callbacks of the host that throw

/// Calls; what the host threw may come back, anything else that comes out may not.
template <typename Body>
void with_thrower(Body body) {
    try {
        body();
    } catch (const CrossedBoundary& e) {
        if (std::string_view(e.what()).find(kHostThrew) == std::string_view::npos) throw;
    }
}

/// The instance works after whatever happened to it.
void still_works(ProviderClient& provider) {
    const FakeCall call(kActionLimit);
    provider.capabilities();
    const Answer answer = provider.status(kUnknown, call);
    require(!answer.ok(), "the instance does not work any more", "a failed call", "ACP_OK");
}

struct ThrowingLog {
    explicit ThrowingLog(Bench& bench) : b(bench) {
        b.host().on_log([](const LogLine&) { throw std::runtime_error(kHostThrew); });
    }
    ~ThrowingLog() { b.host().on_log({}); }
    Bench& b;
};

void log_throws(Bench& b) {
    const auto provider = b.provider();
    {
        const ThrowingLog thrower(b);
        for (const auto& operation : operations()) with_thrower([&] { operation.run(*provider, kUnknown, {}); });
        with_thrower([&] {
            const FakeCall call(kActionLimit);
            provider->start(sample_of(b, "conformance-thrown", 1), call);
        });
    }
    still_works(*provider);
    const FakeCall call(kActionLimit);
    provider->remove("conformance-thrown", call);
}

void cancelled_throws(Bench& b) {
    const auto provider = b.provider();
    for (const auto& operation : operations()) {
        FakeCall call;
        call.on_poll([] { throw std::runtime_error(kHostThrew); });
        with_thrower([&] { operation.run(*provider, kUnknown, call); });
    }
    still_works(*provider);
}

void sink_throws(Bench& b) {
    const auto provider = b.provider();
    const auto& table = provider->provider_table();
    const acp_capability_sink cells = {sizeof cells, 0, nullptr, [](void*, const acp_capability*) { throw std::runtime_error(kHostThrew); }};
    const acp_status_sink statuses = {sizeof statuses, 0, nullptr,
                                      [](void*, const acp_deployment_status*) { throw std::runtime_error(kHostThrew); }};
    const FakeCall call(kActionLimit);
    with_thrower([&] {
        sdk::ErrorSlot error;
        at_boundary("capabilities", [&] { return table.capabilities(provider->self(), &cells, error.get()); });
    });
    with_thrower([&] {
        sdk::ErrorSlot error;
        if (table.list) at_boundary("list", [&] { return table.list(provider->self(), call.raw(), nullptr, &statuses, error.get()); });
    });
    still_works(*provider);
}

}  // namespace

const std::vector<Check>& provider_call_checks() {
    static const std::vector<Check> all = {
        {"provider.deadline.over", kIid, "provider.create", "a deadline that has passed ends every call", &deadline_over},
        {"provider.deadline.over_running", kIid, "provider.create", "the same on a running workload", &deadline_over_running},
        {"provider.deadline.start", kIid, "provider.create", "a start ends with its deadline", &deadline_within_start},
        {"provider.cancel.before", kIid, "provider.create", "a cancelled call ends", &cancelled_before},
        {"provider.cancel.running", kIid, "provider.create", "the same on a running workload", &cancelled_running},
        {"provider.cancel.each_step", kIid, "provider.create", "a start ends when it is cancelled, wherever it is", &cancelled_at_each_step},
        {"provider.call.struct_sizes", kIid, "provider.create", "an acp_call of another size is survived", &call_sizes},
        {"provider.start.struct_sizes", kIid, "provider.create", "a spec of another size is survived", &spec_sizes},
        {"provider.list.struct_sizes", kIid, "provider.create", "a filter of another size is survived", &filter_sizes},
        {"provider.rotate_secret.struct_sizes", kIid, "provider.create", "a request of another size is survived", &rotate_sizes},
        {"provider.sinks.struct_sizes", kIid, "provider.create", "sinks of another size are survived", &sink_sizes},
        {"provider.results.struct_sizes", kIid, "provider.create", "the same with results to emit", &result_sink_sizes},
        {"provider.errors.struct_sizes", kIid, "provider.create", "an acp_error of another size is survived", &error_sizes},
        {"provider.host.log_throws", kIid, "provider.create", "a host that throws while it logs is survived", &log_throws},
        {"provider.host.cancelled_throws", kIid, "provider.create", "the same while it is polled", &cancelled_throws},
        {"provider.host.sink_throws", kIid, "provider.create", "the same while it takes results", &sink_throws},
    };
    return all;
}

}  // namespace acp::conformance
