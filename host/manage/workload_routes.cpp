// The workload lifecycle: reads answer from the provider, actions go through the ledger.
#include <algorithm>

#include "manage/config_view.h"
#include "manage/handler.h"
#include "manage/routes.h"
#include "workloads/deployment.h"

namespace acp::manage {

namespace {

using dispatch::Context;
using plugins::CallContext;
using plugins::Provider;
using workloads::Action;
using workloads::Performed;

Performed same(json::Object::Ptr result) { return {result, result}; }

Result<Performed> from_status(const Result<sdk::DeploymentStatus>& status, const Provider& provider) {
    if (!status) return fail(status.error());
    return same(workloads::status_json(*status, provider.alias()));
}

Result<Performed> from_text(const Result<std::string>& text) {
    if (!text) return fail(text.error());
    auto object = json::parse_object(*text);
    if (!object) return fail(object.error());
    return same(*object);
}

/// What an action route needs beyond its own part: provider and id, checked.
struct Addressed {
    plugins::ProviderPtr provider;
    std::string id;
};
Result<Addressed> address(const Services& services, const Context& context, std::initializer_list<std::string_view> parameters = {"provider"}) {
    auto id = workload_id(context);
    if (!id) return fail(id.error());
    if (auto known = context.query.only(parameters); !known) return fail(known.error());
    auto provider = provider_of(services, context.query.get("provider").value_or(""));
    if (!provider) return fail(provider.error());
    return Addressed{*provider, *id};
}

Action action_on(const Addressed& at, std::string operation, const json::Var& payload) {
    Action action;
    action.operation = std::move(operation);
    action.provider = at.provider;
    action.target = at.id;
    action.payload = payload;
    return action;
}

Result<http::Response> list(const Services& services, const Context& context) {
    if (auto known = context.query.only({"provider", "namespace"}); !known) return fail(known.error());
    const std::string only = context.query.get("provider").value_or("");
    const auto view = services.catalogue.view();
    if (!only.empty())
        if (auto provider = view->provider(only); !provider) return fail(provider.error());
    json::Array::Ptr items = json::array();
    json::Array::Ptr errors = json::array();
    auto add_error = [&](const std::string& alias, const Error& error) {
        errors->add(json::object({{"provider", alias}, {"code", error.slug}, {"detail", error.message}}));
    };
    for (const auto& instance : view->instances) {
        if (instance.kind != "provider" || (!only.empty() && instance.alias != only)) continue;
        auto provider = view->provider(instance.alias);
        if (!provider) {
            add_error(instance.alias, provider.error());
            continue;
        }
        auto found = (*provider)->list(read_call(context), context.query.get("namespace").value_or(""));
        if (!found) {
            // With one provider asked for, its error is the answer; of several,
            // the others are still worth showing.
            if (!only.empty()) return fail(found.error());
            add_error(instance.alias, found.error());
            continue;
        }
        for (const auto& status : *found)
            if (context.principal->may_see(status.service_id)) items->add(workloads::status_json(status, instance.alias));
    }
    return json_of(json::object({{"items", items}, {"errors", errors}}));
}

Result<http::Response> get(const Services& services, const Context& context) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    auto status = at->provider->status(read_call(context), at->id);
    if (!status) return fail(status.error());
    return json_of(workloads::status_json(*status, at->provider->alias()));
}

Result<http::Response> get_metrics(const Services& services, const Context& context) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    auto text = at->provider->metrics(read_call(context), at->id);
    if (!text) return fail(text.error());
    return http::json_response(200, std::move(*text));
}

Result<http::Response> get_config(const Services& services, const Context& context) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    auto text = at->provider->get_config(read_call(context), at->id);
    if (!text) return fail(text.error());
    auto shown = shown_config(services.redactor, *text);
    if (!shown) return fail(shown.error());
    return json_of(*shown);
}

/// Start without a body: the spec that the provider kept, named by an empty hash.
Result<Action> prepare_start(const Services& services, const Context& context, const json::Schema& schema) {
    auto id = workload_id(context);
    if (!id) return fail(id.error());
    if (auto known = context.query.only({"provider"}); !known) return fail(known.error());
    sdk::DeploymentSpec spec;
    std::string named = context.query.get("provider").value_or("");
    json::Var payload = json::object();
    if (context.body.empty()) {
        spec.service_id = *id;
    } else {
        auto body = context.json_body();
        if (!body) return fail(body.error());
        std::string in_body;
        auto parsed = workloads::parse_spec(*body, schema, *id, in_body);
        if (!parsed) return fail(parsed.error());
        if (!named.empty() && !in_body.empty() && named != in_body)
            return fail(Code::invalid, "provider_ambiguous", "query and body name different providers: " + named + " and " + in_body);
        if (named.empty()) named = in_body;
        spec = std::move(*parsed);
        payload = *body;
    }
    auto provider = provider_of(services, named);
    if (!provider) return fail(provider.error());
    Action action = action_on({*provider, *id}, "start", payload);
    action.namespace_ = spec.namespace_;
    action.perform = [provider = *provider, spec = std::move(spec)](const CallContext& call) { return from_status(provider->start(call, spec), *provider); };
    return action;
}

Result<Action> prepare_plain(const Services& services, const Context& context, const json::Schema& empty, const std::string& operation,
                             Result<sdk::DeploymentStatus> (Provider::*call)(const CallContext&, const std::string&) const) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    if (auto body = checked_body(context, empty); !body) return fail(body.error());
    Action action = action_on(*at, operation, json::object());
    action.perform = [at = *at, call](const CallContext& c) { return from_status(((*at.provider).*call)(c, at.id), *at.provider); };
    return action;
}

Result<Action> prepare_scale(const Services& services, const Context& context, const json::Schema& schema) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    auto body = checked_body(context, schema);
    if (!body) return fail(body.error());
    const auto replicas = static_cast<std::uint32_t>((*body)->getValue<int>("replicas"));
    Action action = action_on(*at, "scale", *body);
    action.perform = [at = *at, replicas](const CallContext& c) { return from_status(at.provider->scale(c, at.id, replicas), *at.provider); };
    return action;
}

Result<Action> prepare_delete(const Services& services, const Context& context) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    Action action = action_on(*at, "delete", json::object());
    action.perform = [at = *at](const CallContext& c) -> Result<Performed> {
        auto removed = at.provider->remove(c, at.id);
        if (!removed) return fail(removed.error());
        return same(json::object({{"service_id", at.id}, {"deleted", true}}));
    };
    return action;
}

Result<Action> prepare_config(const Services& services, const Context& context, const json::Schema& schema) {
    auto at = address(services, context, {"provider", "dry_run"});
    if (!at) return fail(at.error());
    auto dry_run = context.query.flag("dry_run", false);
    if (!dry_run) return fail(dry_run.error());
    auto body = checked_body(context, schema);
    if (!body) return fail(body.error());
    if (auto own = check_no_placeholder(*body); !own) return fail(own.error());
    Action action = action_on(*at, "apply_config", json::object({{"patch", *body}, {"dry_run", *dry_run}}));
    action.perform = [&services, at = *at, patch = json::dump(*body), dry = *dry_run](const CallContext& c) -> Result<Performed> {
        auto text = at.provider->apply_config(c, at.id, patch, dry);
        if (!text) return fail(text.error());
        auto shown = shown_config(services.redactor, *text);
        if (!shown) return fail(shown.error());
        return same(*shown);
    };
    return action;
}

Result<Action> prepare_rotate(const Services& services, const Context& context, const json::Schema& schema) {
    auto at = address(services, context);
    if (!at) return fail(at.error());
    auto body = checked_body(context, schema);
    if (!body) return fail(body.error());
    Action action = action_on(*at, "rotate_secret", *body);
    action.perform = [at = *at, name = (*body)->getValue<std::string>("secret_name"), restart = (*body)->optValue<bool>("restart", true)](const CallContext& c) {
        return from_text(at.provider->rotate_secret(c, at.id, name, restart));
    };
    return action;
}

}  // namespace

Result<void> add_workload_routes(dispatch::Router& router, OpenApi& api, const Services& services) {
    auto spec = api.schema("DeploymentSpec");
    auto empty = api.schema("Empty");
    auto scale = api.schema("ScaleRequest");
    auto rotate = api.schema("RotateRequest");
    auto patch = api.schema("WorkloadConfigPatch");
    for (const auto* schema : {&spec, &empty, &scale, &rotate, &patch})
        if (!*schema) return fail(schema->error());

    auto plain = [&services, empty = *empty](const std::string& operation, auto call) {
        return acting(services, [&services, empty, operation, call](const Context& c) { return prepare_plain(services, c, empty, operation, call); });
    };
    auto scaling = acting(services, [&services, schema = *scale](const Context& c) { return prepare_scale(services, c, schema); });
    using dispatch::Body;
    const std::string one = "/manage/workloads/{id}";
    std::vector<dispatch::Route> routes;
    auto reading = [&](std::string path, std::string id, dispatch::BlockingHandler handler) {
        routes.push_back({"GET", std::move(path), std::move(id), {}, Body::none, {}, std::move(handler), {}});
    };
    auto changing = [&](std::string method, std::string path, std::string id, Body body, dispatch::DeferredHandler handler) {
        routes.push_back({std::move(method), std::move(path), std::move(id), {}, body, {}, {}, std::move(handler)});
    };
    reading("/manage/workloads", "listWorkloads", answering([&services](const Context& c) { return list(services, c); }));
    reading(one, "getWorkload", answering([&services](const Context& c) { return get(services, c); }));
    reading(one + "/config", "getConfig", answering([&services](const Context& c) { return get_config(services, c); }));
    reading(one + "/metrics", "getWorkloadMetrics", answering([&services](const Context& c) { return get_metrics(services, c); }));
    changing("POST", one + "/start", "startWorkload", Body::json, acting(services, [&services, schema = *spec](const Context& c) { return prepare_start(services, c, schema); }));
    changing("POST", one + "/stop", "stopWorkload", Body::json, plain("stop", &Provider::stop));
    changing("POST", one + "/restart", "restartWorkload", Body::json, plain("restart", &Provider::restart));
    changing("POST", one + "/scale", "scaleWorkload", Body::json, scaling);
    changing("PATCH", one + "/scale", "patchScale", Body::merge_patch, scaling);
    changing("POST", one + "/rotate-secret", "rotateSecret", Body::json, acting(services, [&services, schema = *rotate](const Context& c) { return prepare_rotate(services, c, schema); }));
    changing("PATCH", one + "/config", "applyConfig", Body::merge_patch, acting(services, [&services, schema = *patch](const Context& c) { return prepare_config(services, c, schema); }));
    changing("DELETE", one, "deleteWorkload", Body::none, acting(services, [&services](const Context& c) { return prepare_delete(services, c); }));
    for (auto& route : routes)
        if (auto added = api.mount(router, std::move(route)); !added) return added;
    return {};
}

}  // namespace acp::manage
