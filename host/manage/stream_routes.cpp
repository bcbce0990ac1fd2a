// Logs and one-shot exec: what flows out of a workload, under a ledger row.
#include "base/bytes.h"
#include "manage/handler.h"
#include "manage/routes.h"
#include "http/problem.h"
#include "workloads/channel_port.h"
#include "workloads/exec_capture.h"
#include "workloads/exec_status.h"
#include "workloads/log_source.h"

namespace acp::manage {

namespace {

using dispatch::Context;

/// Tail, since, follow and replica of a log request; Last-Event-ID continues
/// behind the event with that time.
Result<sdk::LogQuery> log_query(const Context& context) {
    if (auto known = context.query.only({"provider", "follow", "tail", "since", "replica"}); !known) return fail(known.error());
    sdk::LogQuery query;
    auto follow = context.query.flag("follow", false);
    if (!follow) return fail(follow.error());
    auto tail = context.query.integer("tail", -1, 0, 1'000'000);
    if (!tail) return fail(tail.error());
    query.follow = *follow;
    query.tail_lines = *tail;
    query.replica = context.query.get("replica").value_or("");
    if (auto since = context.query.get("since"); since && !parse_rfc3339(*since, query.since_unix_ns))
        return fail(Code::invalid, "bad_parameter", "query parameter 'since' must be an RFC 3339 time, e.g. 2026-01-31T08:15:00Z");
    if (auto last = context.field("last-event-id"); last.data() != nullptr) {
        if (!parse_rfc3339(std::string(last), query.since_unix_ns))
            return fail(Code::invalid, "bad_last_event_id", "Last-Event-ID must be the id of an event of this stream");
        query.tail_lines = -1;
    }
    return query;
}

/// The subprotocol to speak: the best of what the client offers. An offer of
/// others only cannot be met.
Result<std::string> choose_subprotocol(const Context& context) {
    for (const std::string_view ours : {workloads::kChannelV5, workloads::kChannelV4})
        for (const std::string& theirs : context.subprotocols)
            if (theirs == ours) return theirs;
    if (context.subprotocols.empty()) return std::string();
    return fail(Code::invalid, "unknown_subprotocol", "Sec-WebSocket-Protocol must offer v5.channel.k8s.io or v4.channel.k8s.io");
}

json::Object::Ptr record_of(const workloads::ChannelPort::Totals& totals) {
    std::string message;
    return json::object({{"exit_code", workloads::exit_code(totals.status, message)},
                         {"stdin_bytes", totals.stdin_bytes},
                         {"stdout_bytes", totals.stdout_bytes},
                         {"stderr_bytes", totals.stderr_bytes},
                         {"ended", totals.ended}});
}

Result<workloads::StreamAction> prepare_logs(const Services& services, const Context& context) {
    auto id = workload_id(context);
    if (!id) return fail(id.error());
    auto query = log_query(context);
    if (!query) return fail(query.error());
    auto provider = provider_of(services, context.query.get("provider").value_or(""));
    if (!provider) return fail(provider.error());
    workloads::StreamAction action;
    action.operation = "logs";
    action.provider = *provider;
    action.target = *id;
    action.payload = json::object({{"follow", query->follow}, {"tail", query->tail_lines}, {"replica", query->replica}});
    std::string subprotocol;
    if (context.websocket) {
        auto chosen = choose_subprotocol(context);
        if (!chosen) return fail(chosen.error());
        subprotocol = *chosen;
    }
    const auto format = context.websocket ? workloads::LogFormat::ndjson : workloads::log_format(context.field("accept"));
    action.open = [provider = *provider, id = *id, query = *query, format, path = context.path, request_id = context.request_id,
                   websocket = context.websocket, subprotocol](const plugins::CallContext& call, workloads::StreamEnded ended) -> Result<http::Response> {
        auto stream = stream::Ref::make({});
        if (auto opened = provider->logs(call, id, query, stream); !opened) return fail(opened.error());
        http::Response response;
        response.subprotocol = subprotocol;
        if (!subprotocol.empty()) {
            response.port = std::make_unique<workloads::ChannelPort>(
                stream, workloads::ChannelPort::Options{subprotocol == workloads::kChannelV5, false, false}, [ended](const auto& totals) {
                    ended(json::object({{"bytes", totals.stdout_bytes + totals.stderr_bytes}, {"ended", totals.ended}}));
                });
            return response;
        }
        response.content_type = workloads::media_type(format);
        response.field("Cache-Control", "no-store");
        response.field("X-Accel-Buffering", "no");  // nginx in front must not hold lines back
        response.source = std::make_unique<workloads::LogSource>(stream, format, path, request_id, [ended](workloads::LogSource::Totals totals) {
            ended(json::object({{"lines", totals.lines}, {"bytes", totals.bytes}, {"ended", totals.ended}}));
        });
        if (websocket) response.port = std::make_unique<workloads::LinePort>(std::move(response.source));
        return response;
    };
    return action;
}

Result<workloads::Action> prepare_exec(const Services& services, const Context& context, const json::Schema& schema) {
    auto id = workload_id(context);
    if (!id) return fail(id.error());
    if (auto known = context.query.only({"provider"}); !known) return fail(known.error());
    auto body = checked_body(context, schema);
    if (!body) return fail(body.error());
    auto provider = provider_of(services, context.query.get("provider").value_or(""));
    if (!provider) return fail(provider.error());
    workloads::ExecCommand command;
    for (const auto& part : *(*body)->getArray("command")) command.request.argv.push_back(part.extract<std::string>());
    command.request.replica = json::text_or(*body, "replica");
    command.input = json::text_or(*body, "stdin");
    command.request.want_stdin = (*body)->has("stdin");
    const std::int64_t timeout_s = (*body)->optValue<std::int64_t>("timeout_s", 0);

    workloads::Action action;
    action.operation = "exec";
    action.provider = *provider;
    action.target = *id;
    // What goes to standard input is never stored, not even redacted.
    action.payload = json::object({{"command", (*body)->getArray("command")}, {"stdin_bytes", static_cast<std::uint64_t>(command.input.size())}});
    action.perform = [provider = *provider, id = *id, command = std::move(command), timeout_s](const plugins::CallContext& call) {
        plugins::CallContext bounded = call;
        if (timeout_s > 0) bounded.deadline_mono_ns = monotonic_ns() + timeout_s * 1'000'000'000;
        return workloads::exec_to_end(*provider, bounded, id, command);
    };
    return action;
}

/// A live command over WebSocket.
Result<workloads::StreamAction> prepare_attach(const Services& services, const Context& context) {
    auto id = workload_id(context);
    if (!id) return fail(id.error());
    if (auto known = context.query.only({"provider", "command", "replica", "tty", "stdin"}); !known) return fail(known.error());
    auto subprotocol = choose_subprotocol(context);
    if (!subprotocol) return fail(subprotocol.error());
    if (subprotocol->empty())
        return fail(Code::invalid, "unknown_subprotocol", "Sec-WebSocket-Protocol must offer v5.channel.k8s.io or v4.channel.k8s.io");
    sdk::ExecRequest request;
    request.argv = context.query.all("command");
    if (request.argv.empty() || request.argv.front().empty())
        return fail(Code::invalid, "bad_parameter", "query parameter 'command' is needed, once for each word: ?command=ls&command=-l");
    auto tty = context.query.flag("tty", false);
    if (!tty) return fail(tty.error());
    auto takes_stdin = context.query.flag("stdin", false);
    if (!takes_stdin) return fail(takes_stdin.error());
    request.tty = *tty;
    request.want_stdin = *takes_stdin;
    request.replica = context.query.get("replica").value_or("");
    auto provider = provider_of(services, context.query.get("provider").value_or(""));
    if (!provider) return fail(provider.error());

    workloads::StreamAction action;
    action.operation = "exec";
    action.provider = *provider;
    action.target = *id;
    json::Array::Ptr words = new json::Array;
    for (const std::string& word : request.argv) words->add(word);
    action.payload = json::object({{"command", words}, {"tty", request.tty}, {"stdin", request.want_stdin}, {"replica", request.replica}});
    action.open = [provider = *provider, id = *id, request, subprotocol = *subprotocol](const plugins::CallContext& call,
                                                                                       workloads::StreamEnded ended) -> Result<http::Response> {
        auto stream = stream::Ref::make({});
        if (auto opened = provider->exec(call, id, request, stream); !opened) return fail(opened.error());
        http::Response response;
        response.subprotocol = subprotocol;
        const workloads::ChannelPort::Options options{subprotocol == workloads::kChannelV5, request.want_stdin, request.tty};
        response.port = std::make_unique<workloads::ChannelPort>(stream, options, [ended](const auto& totals) { ended(record_of(totals)); });
        return response;
    };
    return action;
}

/// RFC 9110 section 15.5.22.
http::Response upgrade_required(const Context& context) {
    Error error;
    error.slug = "upgrade_required";
    error.message = "a live command needs WebSocket; to run one to its end, use POST";
    http::Response response;
    response.status = 426;
    response.content_type = http::kProblem;
    response.body = http::problem_json(error, response.status, context.path, context.request_id);
    response.field("Upgrade", "websocket");
    return response;
}

}  // namespace

Result<void> add_stream_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    auto exec = api.schema("ExecRequest");
    if (!exec) return fail(exec.error());
    dispatch::Route logs{"GET", "/manage/workloads/{id}/logs", "getLogs", {}, dispatch::Body::none, {}, {}, acting(services, [&services](const Context& c) { return prepare_logs(services, c); })};
    if (auto added = api.mount(router, std::move(logs)); !added) return added;
    dispatch::Route once{"POST", "/manage/workloads/{id}/exec", "execWorkload", {}, dispatch::Body::json, {}, {},
                         acting(services, [&services, schema = *exec](const Context& c) { return prepare_exec(services, c, schema); })};
    if (auto added = api.mount(router, std::move(once)); !added) return added;
    dispatch::Route live{"GET", "/manage/workloads/{id}/exec", "attachExec", {}, dispatch::Body::none, {}, {},
                         [attach = acting(services, [&services](const Context& c) { return prepare_attach(services, c); })](const dispatch::ContextPtr& context) {
                             if (context->websocket)
                                 attach(context);
                             else
                                 context->responder.send(upgrade_required(*context));
                         },
                         "command"};
    return api.mount(router, std::move(live));
}

}  // namespace acp::manage
