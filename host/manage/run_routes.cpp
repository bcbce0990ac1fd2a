// The ledger's rows and the security audit, to read; and cancel.
#include "manage/handler.h"
#include "manage/routes.h"

namespace acp::manage {

namespace {

using dispatch::Context;

json::Var text_or_null(const ledger::Text& text) { return text ? json::Var(*text) : json::Var(); }

/// JSON that the ledger stored as text.
json::Var stored_json(const ledger::Text& text) {
    if (!text) return {};
    auto value = json::parse(*text, {64, 16U << 20});
    return value ? *value : json::Var(*text);
}

json::Object::Ptr run_json(const ledger::RunRow& row) {
    return json::object({{"run_id", row.run_uid},
                         {"started_at", row.started_at},
                         {"finished_at", text_or_null(row.finished_at)},
                         {"status", row.status},
                         {"action", row.action},
                         {"provider", text_or_null(row.provider_alias)},
                         {"target", text_or_null(row.target)},
                         {"namespace", text_or_null(row.namespace_)},
                         {"user_id", text_or_null(row.user_id)},
                         {"actor_kind", row.actor_kind},
                         {"on_behalf_of", text_or_null(row.on_behalf_of)},
                         {"organization_id", text_or_null(row.organization_id)},
                         {"workspace_id", text_or_null(row.workspace_id)},
                         {"cell_id", text_or_null(row.cell_id)},
                         {"request_id", text_or_null(row.request_id)},
                         {"idempotency_key", text_or_null(row.idempotency_key)},
                         {"payload", stored_json(row.payload)},
                         {"result", stored_json(row.result)},
                         {"result_hash", text_or_null(row.result_hash)},
                         {"error", text_or_null(row.error)},
                         {"halt_reason", text_or_null(row.halt_reason)},
                         {"duration_ms", row.duration_ms ? json::Var(*row.duration_ms) : json::Var()},
                         {"prev_hash", row.prev_hash},
                         {"row_hash", row.row_hash}});
}

json::Object::Ptr event_json(const ledger::EventRow& row) {
    return json::object({{"event_id", row.event_uid},
                         {"occurred_at", row.occurred_at},
                         {"kind", row.kind},
                         {"actor", text_or_null(row.actor)},
                         {"target", text_or_null(row.target)},
                         {"outcome", text_or_null(row.outcome)},
                         {"request_id", text_or_null(row.request_id)},
                         {"details", stored_json(row.details)},
                         {"prev_hash", row.prev_hash},
                         {"row_hash", row.row_hash}});
}

/// The row, unless it is about a workload that the caller may not see.
Result<ledger::RunRow> visible_run(const Services& services, const Context& context) {
    const std::string& run_id = context.param("run_id");
    auto row = services.ledger.get(run_id);
    if (row && row->target && !context.principal->may_see(*row->target)) return fail(Code::not_found, "run_not_found", "there is no run " + run_id.substr(0, 64));
    return row;
}

template <typename Page, typename ToJson>
http::Response page_response(const Page& page, ToJson to_json) {
    auto items = json::array();
    for (const auto& row : page.rows) items->add(to_json(row));
    return json_of(json::object({{"items", items}, {"next_cursor", page.next_cursor.empty() ? json::Var() : json::Var(page.next_cursor)}}));
}

Result<std::optional<std::int64_t>> time_parameter(const Context& context, const char* name) {
    auto text = context.query.get(name);
    if (!text) return std::optional<std::int64_t>();
    std::int64_t ns = 0;
    if (!parse_rfc3339(*text, ns))
        return fail(Code::invalid, "bad_parameter", "query parameter '" + std::string(name) + "' must be an RFC 3339 time, e.g. 2026-01-31T08:15:00Z");
    return std::optional<std::int64_t>(ns / 1'000'000);
}

Result<http::Response> list_runs(const Services& services, const Context& context) {
    if (auto known = context.query.only({"status", "action", "provider", "target", "user_id", "since", "until", "limit", "cursor"}); !known) return fail(known.error());
    auto limit = context.query.integer("limit", 50, 1, 500);
    auto since = time_parameter(context, "since");
    auto until = time_parameter(context, "until");
    if (!limit) return fail(limit.error());
    if (!since) return fail(since.error());
    if (!until) return fail(until.error());
    auto text = [&](const char* name) { return context.query.get(name).value_or(""); };
    ledger::RunFilter filter;
    filter.status = text("status");
    filter.action = text("action");
    filter.provider = text("provider");
    filter.target = text("target");
    filter.user_id = text("user_id");
    filter.since_ms = *since;
    filter.until_ms = *until;
    auto page = services.ledger.list(filter, static_cast<std::size_t>(*limit), text("cursor"));
    if (!page) return fail(page.error());
    // A page may come out shorter than asked for; the cursor goes on all the same.
    std::erase_if(page->rows, [&](const ledger::RunRow& row) { return row.target && !context.principal->may_see(*row.target); });
    return page_response(*page, run_json);
}

Result<http::Response> get_run(const Services& services, const Context& context) {
    if (auto known = context.query.only({}); !known) return fail(known.error());
    auto row = visible_run(services, context);
    if (!row) return fail(row.error());
    return json_of(run_json(*row));
}

Result<http::Response> cancel_run(const Services& services, const Context& context) {
    if (auto known = context.query.only({}); !known) return fail(known.error());
    if (auto body = context.json_body(); !body || (*body)->size() > 0)
        return fail(Code::invalid, "unexpected_body", "cancel takes no members in its body");
    const std::string& run_id = context.param("run_id");
    auto row = visible_run(services, context);
    if (!row) return fail(row.error());
    if (!services.actions.cancel(run_id))
        return fail(Code::conflict, "run_not_active", "run " + run_id + " is " + row->status + " and cannot be cancelled");
    auto response = json_of(json::object({{"run_id", run_id}, {"status", "cancelling"}}), 202);
    response.field("Location", "/manage/runs/" + run_id);
    return response;
}

Result<http::Response> list_events(const Services& services, const Context& context) {
    if (auto known = context.query.only({"kind", "actor", "limit", "cursor"}); !known) return fail(known.error());
    auto limit = context.query.integer("limit", 50, 1, 500);
    if (!limit) return fail(limit.error());
    ledger::EventFilter filter;
    filter.kind = context.query.get("kind").value_or("");
    filter.actor = context.query.get("actor").value_or("");
    auto page = services.ledger.list_events(filter, static_cast<std::size_t>(*limit), context.query.get("cursor").value_or(""));
    if (!page) return fail(page.error());
    return page_response(*page, event_json);
}

}  // namespace

Result<void> add_run_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    using dispatch::Body;
    std::vector<dispatch::Route> routes;
    auto add = [&](std::string method, std::string path, std::string id, Body body, auto handler) {
        routes.push_back({std::move(method), std::move(path), std::move(id), {}, body, {}, answering([&services, handler](const Context& c) { return handler(services, c); }), {}});
    };
    add("GET", "/manage/runs", "listRuns", Body::none, list_runs);
    add("GET", "/manage/runs/{run_id}", "getRun", Body::none, get_run);
    add("POST", "/manage/runs/{run_id}/cancel", "cancelRun", Body::json, cancel_run);
    add("GET", "/manage/audit/events", "listAuditEvents", Body::none, list_events);
    for (auto& route : routes)
        if (auto added = api.mount(router, std::move(route)); !added) return added;
    return {};
}

}  // namespace acp::manage
