#include "manage/readiness.h"

#include "base/clock.h"
#include "http/response.h"
#include "json/json.h"
#include "plugins/provider.h"

namespace acp::manage {

namespace {

/// How long an outcome is told again. Readiness must flip within seconds.
constexpr std::int64_t kFreshNs = 200'000'000;

struct Verdict {
    bool ready;
    std::string body;
};

/// A provider that does not answer within this time counts as down.
constexpr std::int64_t kHealthTimeoutMs = 3000;

json::Object::Ptr check(std::string status, const std::string& message) {
    auto out = json::object({{"status", std::move(status)}});
    if (!message.empty()) out->set("message", message);
    return out;
}

/// Ready means: an action can be recorded. A provider that is down degrades,
/// because the others still serve.
Verdict judge(const Services& services) {
    auto checks = json::object();
    bool ready = true;
    bool degraded = false;

    const auto ledger = services.ledger.health();
    checks->set("ledger", check(ledger.writable ? "up" : "down", ledger.writable ? std::string() : ledger.last_error));
    ready = ready && ledger.writable;
    // No reason to take a replica away: the others have the same database, and callers
    // with tokens are served without it.
    const auto state = services.state.ping();
    checks->set("state", check(state ? "up" : "down", state ? std::string() : state.error().message));
    degraded = degraded || !state;
    if (services.draining) {
        checks->set("server", check("down", "the server is draining"));
        ready = false;
    }
    const auto view = services.catalogue.view();
    for (const auto& record : view->records) {
        if (record.loaded) continue;
        checks->set("plugin:" + (record.id.empty() ? record.path.substr(record.path.rfind('/') + 1) : record.id),
                    check("down", record.fault.message));
        degraded = true;
    }
    for (const auto& instance : view->instances) {
        const std::string name = (instance.kind == "provider"    ? "provider:"
                                  : instance.kind == "auth_flow" ? "flow:"
                                                                 : "routes:") +
                                 instance.alias;
        if (!instance.ready) {
            checks->set(name, check("down", instance.fault.message));
            degraded = true;
            continue;
        }
        if (instance.kind != "provider") continue;
        auto provider = view->provider(instance.alias);
        plugins::CallContext call;
        call.deadline_mono_ns = monotonic_ns() + kHealthTimeoutMs * 1'000'000;
        auto report = (*provider)->health(call);
        if (!report) {
            const bool silent = report.error().code == Code::unsupported;
            checks->set(name, check(silent ? "up" : "down", silent ? std::string() : report.error().message));
            degraded = degraded || !silent;
        } else {
            checks->set(name, check(report->state == ACP_HEALTH_UP         ? "up"
                                    : report->state == ACP_HEALTH_DEGRADED ? "degraded"
                                                                           : "down",
                                    report->message));
            degraded = degraded || report->state != ACP_HEALTH_UP;
        }
    }
    auto out = json::object({{"status", !ready     ? "not_ready"
                                        : degraded ? "degraded"
                                                   : "ready"},
                             {"version", services.version},
                             {"insecure_dev", services.insecure_dev},
                             {"checks", checks}});
    return {ready, json::dump(out)};
}

http::Response response_of(bool ready, const std::string& body) {
    http::Response response = http::json_response(ready ? 200 : 503, body);
    if (!ready) response.field("Retry-After", "5");
    return response;
}

}  // namespace

void Readiness::answer(const wire::Responder& responder) {
    std::unique_lock lock(mutex_);
    if (judged_ns_ != 0 && monotonic_ns() - judged_ns_ < kFreshNs) {
        http::Response response = response_of(ready_, body_);
        lock.unlock();
        responder.send(std::move(response));
        return;
    }
    waiting_.push_back(responder);
    if (judging_) return;
    judging_ = true;
    lock.unlock();
    if (services_.probes_pool.try_run([this] { judge(); })) return;
    // The server is ending.
    lock.lock();
    judging_ = false;
    for (const auto& one : std::exchange(waiting_, {})) one.send(response_of(false, R"({"status":"not_ready"})"));
}

void Readiness::judge() {
    Verdict verdict = manage::judge(services_);
    std::vector<wire::Responder> told;
    {
        std::lock_guard lock(mutex_);
        judging_ = false;
        judged_ns_ = monotonic_ns();
        ready_ = verdict.ready;
        body_ = verdict.body;
        told.swap(waiting_);
    }
    for (const auto& one : told) one.send(response_of(verdict.ready, verdict.body));
}

}  // namespace acp::manage
