#include "app/repair.h"

#include "base/clock.h"
#include "http/problem.h"
#include "log/log.h"
#include "workloads/deployment.h"

namespace acp::app {

namespace {

constexpr std::int64_t kAskTimeoutMs = 5000;

/// The state of the workload now: the action may have happened in full, in
/// part or not at all, and only the provider can tell.
json::Object::Ptr ask(const plugins::Catalogue& catalogue, const ledger::RunRow& row) {
    auto out = json::object({{"interrupted", true}});
    auto provider = catalogue.provider(row.provider_alias.value_or(""));
    if (!provider) {
        out->set("provider_said", provider.error().message);
        return out;
    }
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + kAskTimeoutMs * 1'000'000;
    call.request_id = row.request_id.value_or("");
    call.run_uid = row.run_uid;
    auto status = (*provider)->status(call, row.target.value_or(""));
    if (status)
        out->set("workload", workloads::status_json(*status, (*provider)->alias()));
    else
        out->set("provider_said", status.error().message);
    return out;
}

/// A repeated request must not run the action a second time unasked: it is told
/// what became of the first.
std::optional<ledger::StoredResponse> answer_for_a_retry(const ledger::RunRow& row) {
    if (!row.idempotency_key) return std::nullopt;
    Error error;
    error.slug = "interrupted";
    error.message = "the control plane ended before the outcome of this action was recorded; see the run for the workload's state, and repeat the action with a new Idempotency-Key if it is still wanted";
    error.details_json = json::dump(json::object({{"run_id", row.run_uid}}));
    return ledger::StoredResponse{500, std::string(http::kProblem), "/manage/runs/" + row.run_uid,
                                  http::problem_json(error, 500, "", row.request_id.value_or(""))};
}

}  // namespace

std::size_t repair_interrupted(ledger::Ledger& ledger, const plugins::Catalogue& catalogue) {
    const auto rows = ledger.interrupted();
    for (const auto& row : rows) {
        ledger::RunOutcome outcome;
        outcome.status = ledger::RunStatus::failed;
        outcome.error = "interrupted: the control plane ended before the action's outcome was recorded";
        outcome.result = ask(catalogue, row);
        outcome.http_status = 500;
        ledger.finish(row.run_uid, std::move(outcome), answer_for_a_retry(row), [uid = row.run_uid](Result<void> done) {
            if (!done) log::error("ledger", "an interrupted run is still open", {{"run_uid", uid}, {"cause", done.error().message}});
        });
        log::warn("ledger", "a run was interrupted by the end of an earlier process",
                  {{"run_uid", row.run_uid}, {"action", row.action}, {"target", row.target.value_or("")}});
    }
    return rows.size();
}

}  // namespace acp::app
