#include "workloads/actions.h"

#include "base/clock.h"
#include "http/problem.h"
#include "log/log.h"
#include "workloads/preference.h"

namespace acp::workloads {

namespace {

Error make(Code code, std::string slug, std::string message) {
    Error e;
    e.code = code;
    e.slug = std::move(slug);
    e.message = std::move(message);
    return e;
}

std::string location_of(const std::string& run_uid) { return "/manage/runs/" + run_uid; }

http::Response accepted(const std::string& run_uid) {
    auto response = http::json_response(202, json::dump(json::object({{"run_id", run_uid}, {"status", "running"}})));
    response.field("Location", location_of(run_uid));
    return response;
}

http::Response replayed(const ledger::StoredResponse& stored) {
    http::Response response;
    response.status = stored.status;
    // The type outlives the response only as static text.
    response.content_type = stored.content_type == http::kProblem ? http::kProblem : http::kJson;
    response.body = stored.body;
    if (!stored.location.empty()) response.field("Location", stored.location);
    response.field("Idempotency-Replayed", "true");
    return response;
}

ledger::StoredResponse stored_form(const http::Response& response, std::string body, const std::string& run_uid) {
    return {response.status, std::string(response.content_type), location_of(run_uid), std::move(body)};
}

/// An error that names its run, so that the client finds the ledger row.
Error with_run(Error error, const std::string& run_uid) {
    auto details = error.details_json.empty() ? json::object() : json::parse_object(error.details_json).value_or(json::object());
    details->set("run_id", run_uid);
    error.details_json = json::dump(details);
    return error;
}

/// What an action throws fails it: the row must get its outcome and the client an answer.
template <typename Value, typename Body>
Result<Value> guarded(Body body) {
    Error error = make(Code::internal, "internal_error", "the action failed by a defect of this server");
    try {
        return body();
    } catch (const std::exception& e) {
        error.internal = e.what();
    } catch (...) {
        error.internal = "an exception of unknown type";
    }
    return fail(std::move(error));
}

json::Object::Ptr envelope(const std::string& run_uid, const std::string& operation, const std::string& provider, const std::string& target,
                           const json::Object::Ptr& result) {
    return json::object({{"run_id", run_uid}, {"status", "succeeded"}, {"action", operation}, {"provider", provider}, {"target", target}, {"result", result}});
}

ledger::RunIntent intent_of(const dispatch::Context& context, const std::string& operation, const std::string& provider, const std::string& target,
                            const json::Var& payload) {
    ledger::RunIntent intent;
    intent.action = operation;
    intent.provider_alias = provider;
    intent.target = target;
    intent.user_id = context.principal->subject;
    intent.actor_kind = context.principal->actor_kind;
    intent.organization_id = context.principal->organization_id;
    intent.request_id = context.request_id;
    intent.payload = payload;
    return intent;
}

}  // namespace

bool Actions::admit(const dispatch::ContextPtr& context, work::Pool& pool, const plugins::Provider& provider, const std::string& operation) {
    const plugins::Capability* can = provider.capability(operation);
    if (!can || !can->supported) {
        std::string message = "provider '" + provider.alias() + "' does not support " + operation;
        if (can && !can->reason.empty()) message += ": " + can->reason;
        context->responder.send(context->problem(make(Code::unsupported, "operation_unsupported", message)));
        return false;
    }
    if (pool.reserve()) return true;
    totals_.refused.fetch_add(1, std::memory_order_relaxed);
    context->responder.send(context->problem(make(Code::unavailable, "overloaded", "too many actions are under way; try again in a moment")));
    return false;
}

/// Writes the row, and only then lets the work go on. Runs `started` on the
/// pool; every other way the reservation is given back and the client answered.
void Actions::begin(const dispatch::ContextPtr& context, work::Pool& pool, ledger::RunIntent intent,
                    std::function<void(std::string, ActivePtr)> started) {
    auto claim = idempotency_claim(*context);
    if (!claim) {
        pool.cancel_reservation();
        context->responder.send(context->problem(claim.error()));
        return;
    }
    if (*claim) intent.idempotency_key = (*claim)->key;
    ledger_.begin(std::move(intent), std::move(*claim), [this, context, &pool, started = std::move(started)](Result<ledger::Begun> begun) {
        if (begun && std::holds_alternative<ledger::Started>(*begun)) {
            std::string run_uid = std::get<ledger::Started>(*begun).run_uid;
            auto active = std::make_shared<Active>();
            {
                std::lock_guard lock(mutex_);
                active_.emplace(run_uid, active);
            }
            totals_.started.fetch_add(1, std::memory_order_relaxed);
            pool.run_reserved([started, run_uid = std::move(run_uid), active] { started(run_uid, active); });
            return;
        }
        pool.cancel_reservation();
        http::Response answer;
        if (!begun) {
            totals_.refused.fetch_add(1, std::memory_order_relaxed);
            answer = context->problem(begun.error());
        } else if (auto* replay = std::get_if<ledger::Replay>(&*begun)) {
            answer = replayed(replay->response);
        } else if (auto* busy = std::get_if<ledger::InFlight>(&*begun)) {
            answer = context->problem(with_run(make(Code::conflict, "idempotency_in_flight", "a request with this Idempotency-Key is being carried out"), busy->run_uid));
            answer.field("Location", location_of(busy->run_uid));
        } else {
            answer = context->problem(make(Code::unprocessable, "idempotency_mismatch", "this Idempotency-Key was used for a different request"));
        }
        context->responder.send(std::move(answer));
    });
}

void Actions::submit(const dispatch::ContextPtr& context, Action action) {
    if (!admit(context, pool_, *action.provider, action.operation)) return;
    auto intent = intent_of(*context, action.operation, action.provider->alias(), action.target, action.payload);
    intent.namespace_ = action.namespace_;
    const std::int64_t wait = wait_ms(context->field("prefer"), bounds_.default_wait_ms);
    auto shared = std::make_shared<Action>(std::move(action));
    begin(context, pool_, std::move(intent), [this, context, shared, wait](const std::string& run_uid, const ActivePtr& active) {
        if (wait == 0)
            context->responder.send(accepted(run_uid));
        else
            context->responder.after(wait, [responder = context->responder, run_uid] { responder.send(accepted(run_uid)); });
        run(context, *shared, run_uid, active);
    });
}

void Actions::run(const dispatch::ContextPtr& context, const Action& action, const std::string& run_uid, const ActivePtr& active) {
    active->running = true;
    Result<Performed> performed;
    if (active->cancelled)
        performed = fail(Code::cancelled, "cancelled", "the action was cancelled before the provider was called");
    else
        performed = guarded<Performed>([&] { return action.perform(call_context(*context, run_uid, active)); });

    auto response = std::make_shared<http::Response>();
    ledger::StoredResponse stored;
    Result<json::Object::Ptr> record;
    if (performed) {
        auto wrap = [&](const json::Object::Ptr& result) { return json::dump(envelope(run_uid, action.operation, action.provider->alias(), action.target, result)); };
        *response = http::json_response(200, wrap(performed->response));
        response->field("Location", location_of(run_uid));
        record = performed->record;
        stored = stored_form(*response, performed->record == performed->response ? response->body : wrap(performed->record), run_uid);
    } else {
        *response = context->problem(with_run(performed.error(), run_uid));
        record = fail(performed.error());
        stored = stored_form(*response, response->body, run_uid);
    }
    close(run_uid, record, std::move(stored), [context, response] { context->responder.send(std::move(*response)); });
}

void Actions::submit(const dispatch::ContextPtr& context, StreamAction action) {
    if (live_streams_.load(std::memory_order_relaxed) >= bounds_.live_streams) {
        totals_.refused.fetch_add(1, std::memory_order_relaxed);
        context->responder.send(context->problem(make(Code::unavailable, "overloaded", "too many streams are open; close one or raise server.streams")));
        return;
    }
    if (!admit(context, streams_, *action.provider, action.operation)) return;
    auto intent = intent_of(*context, action.operation, action.provider->alias(), action.target, action.payload);
    auto shared = std::make_shared<StreamAction>(std::move(action));
    begin(context, streams_, std::move(intent), [this, context, shared](const std::string& run_uid, const ActivePtr& active) {
        run(context, *shared, run_uid, active);
    });
}

void Actions::run(const dispatch::ContextPtr& context, const StreamAction& action, const std::string& run_uid, const ActivePtr& active) {
    active->running = true;
    live_streams_.fetch_add(1, std::memory_order_relaxed);
    // Once: an `open` that throws may have dropped a stream, and with it told its end.
    auto ended = std::make_shared<std::atomic<bool>>(false);
    auto end = [this, run_uid, ended](const Result<json::Object::Ptr>& record, std::function<void()> then) {
        if (ended->exchange(true)) return then();
        live_streams_.fetch_sub(1, std::memory_order_relaxed);
        close(run_uid, record, std::nullopt, std::move(then));
    };
    auto opened = guarded<http::Response>([&] {
        return action.open(call_context(*context, run_uid, active), [end](const Result<json::Object::Ptr>& record) { end(record, [] {}); });
    });
    if (opened) {
        opened->field("X-Run-Id", run_uid);
        context->responder.send(std::move(*opened));
        return;
    }
    auto response = std::make_shared<http::Response>(context->problem(with_run(opened.error(), run_uid)));
    end(fail(opened.error()), [context, response] { context->responder.send(std::move(*response)); });
}

plugins::CallContext Actions::call_context(const dispatch::Context& context, const std::string& run_uid, const ActivePtr& active) const {
    plugins::CallContext call;
    call.deadline_mono_ns = monotonic_ns() + bounds_.timeout_ms * 1'000'000;
    call.request_id = context.request_id;
    call.traceparent = context.traceparent;
    call.principal = context.principal->subject;
    call.tenant = context.principal->organization_id;
    call.run_uid = run_uid;
    // A client that hangs up does not undo an action: only cancel does.
    call.cancelled = [active] { return active->cancelled.load(std::memory_order_relaxed); };
    return call;
}

void Actions::close(const std::string& run_uid, const Result<json::Object::Ptr>& record, std::optional<ledger::StoredResponse> stored,
                    std::function<void()> then) {
    ledger::RunOutcome outcome;
    if (record) {
        outcome.status = ledger::RunStatus::succeeded;
        outcome.result = *record;
        totals_.succeeded.fetch_add(1, std::memory_order_relaxed);
    } else {
        const Error& error = record.error();
        outcome.status = error.code == Code::cancelled ? ledger::RunStatus::cancelled : ledger::RunStatus::failed;
        outcome.error = error.slug + ": " + error.message;
        totals_.failed.fetch_add(1, std::memory_order_relaxed);
    }
    outcome.http_status = stored ? stored->status : 0;
    ledger_.finish(run_uid, std::move(outcome), std::move(stored), [this, run_uid, then = std::move(then)](Result<void> written) {
        {
            std::lock_guard lock(mutex_);
            active_.erase(run_uid);
        }
        if (!written) log::error("ledger", "the outcome of a run is not recorded", {{"run_uid", run_uid}, {"cause", written.error().message}});
        then();
    });
}

bool Actions::cancel(const std::string& run_uid) {
    std::lock_guard lock(mutex_);
    auto at = active_.find(run_uid);
    if (at == active_.end()) return false;
    at->second->cancelled = true;
    return true;
}

bool Actions::is_running(const std::string& run_uid) const {
    std::lock_guard lock(mutex_);
    auto at = active_.find(run_uid);
    return at != active_.end() && at->second->running;
}

}  // namespace acp::workloads
