// conformance: acp.provider/1, a workload's life. All of it needs a sample that can be started.
#include <algorithm>

#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_PROVIDER;

const sdk::DeploymentStatus& one_status(const Answer& answer) {
    expect_status(answer, {ACP_OK});
    require(answer.statuses.size() == 1, answer.operation + " has to emit one status", "1",
            std::to_string(answer.statuses.size()));
    return answer.status();
}

void well_formed(const sdk::DeploymentStatus& s, const std::string& id) {
    require(s.service_id == id, "the status is of another workload", in_quotes(id), in_quotes(s.service_id));
    require(s.phase >= ACP_PHASE_UNKNOWN && s.phase <= ACP_PHASE_FAILED, "the phase is none of provider.h", "0 to 8",
            std::to_string(s.phase));
    for (const auto* text : {&s.image, &s.namespace_})
        require(is_utf8(*text), "a text of the status is no UTF-8", "UTF-8", in_quotes(*text));
    for (const auto* list : {&s.conditions_json, &s.endpoints_json})
        require(list->empty() || is_json_array(*list), "conditions or endpoints are no JSON array", "an array or nothing",
                in_quotes(*list));
    require(s.raw_json.empty() || is_json(s.raw_json), "raw is no JSON", "JSON or nothing", in_quotes(s.raw_json));
    require(s.last_transition_unix_ms >= 0, "the last transition is negative", "0 or more",
            std::to_string(s.last_transition_unix_ms));
}

/// A provider on the bench, which supports `operation`.
std::unique_ptr<ProviderClient> provider_with(Bench& b, const char* operation) {
    auto provider = b.provider();
    if (!supports(*provider, operation)) not_applicable(std::string("the plugin does not support ") + operation);
    return provider;
}

void start_emits_status(Bench& b) {
    const auto provider = provider_with(b, "start");
    const Workload w(b, *provider);
    const auto& status = one_status(w.started());
    well_formed(status, w.id());
    require(status.replicas_desired == 1, "start wants another number of replicas", "1",
            std::to_string(status.replicas_desired));
}

void start_is_idempotent(Bench& b) {
    const auto provider = provider_with(b, "start");
    const Workload w(b, *provider);
    const auto before = one_status(provider->status(w.id()));
    const FakeCall call(kActionLimit);
    const auto again = one_status(provider->start(w.spec(), call));
    require(again.replicas_desired == before.replicas_desired, "the same start again changes the number of replicas",
            std::to_string(before.replicas_desired), std::to_string(again.replicas_desired));
    const Answer list = provider->list();
    expect_status(list, {ACP_OK});
    const auto times = std::count_if(list.statuses.begin(), list.statuses.end(),
                                     [&](const auto& s) { return s.service_id == w.id(); });
    require(times == 1, "the same start again makes another workload", "1 in the list", std::to_string(times));
}

void status_is_well_formed(Bench& b) {
    const auto provider = provider_with(b, "status");
    const Workload w(b, *provider);
    well_formed(one_status(provider->status(w.id())), w.id());
}

void list_agrees_with_status(Bench& b) {
    const auto provider = provider_with(b, "list");
    const Workload second(b, *provider, "conformance-b"), first(b, *provider, "conformance-a");
    const Answer list = provider->list();
    expect_status(list, {ACP_OK});
    require(std::is_sorted(list.statuses.begin(), list.statuses.end(),
                           [](const auto& x, const auto& y) { return x.service_id < y.service_id; }),
            "the list is not in order", "ascending service_id", "another order");
    for (const auto* w : {&first, &second}) {
        const auto& all = list.statuses;
        const auto at = std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.service_id == w->id(); });
        require(at != all.end(), "a workload is missing in the list", w->id(), std::to_string(all.size()) + " others");
        const auto status = one_status(provider->status(w->id()));
        require(at->image == status.image && at->namespace_ == status.namespace_ &&
                    at->replicas_desired == status.replicas_desired,
                "list and status disagree", "image " + in_quotes(status.image), "image " + in_quotes(at->image));
        well_formed(*at, w->id());
    }
}

void list_filters(Bench& b) {
    const auto provider = provider_with(b, "list");
    const Workload w(b, *provider);
    const Answer list = provider->list("no-such-namespace");
    expect_status(list, {ACP_OK, ACP_E_NOT_FOUND, ACP_E_UNSUPPORTED});
    require(list.statuses.empty(), "the list does not filter by namespace", "nothing",
            std::to_string(list.statuses.size()) + " workloads");
}

void scale_sets_replicas(Bench& b) {
    const auto provider = provider_with(b, "scale");
    const Workload w(b, *provider);
    const FakeCall call(kActionLimit);
    const Answer scaled = provider->scale(w.id(), 2, call);
    if (scaled.code == ACP_E_EXHAUSTED || scaled.code == ACP_E_INVALID)
        not_applicable("two replicas are refused: " + told(scaled));
    require(one_status(scaled).replicas_desired == 2, "scale wants another number of replicas", "2",
            std::to_string(scaled.status().replicas_desired));
    const FakeCall second(kActionLimit);
    require(one_status(provider->scale(w.id(), 1, second)).replicas_desired == 1, "scale does not go back", "1", "another");
}

void stop_is_idempotent(Bench& b) {
    const auto provider = provider_with(b, "stop");
    const Workload w(b, *provider);
    for (int i = 0; i < 2; ++i) {
        const FakeCall call(kActionLimit);
        const auto status = one_status(provider->stop(w.id(), call));
        require(status.replicas_desired == 0, "stop leaves replicas wanted", "0", std::to_string(status.replicas_desired));
        require(status.phase == ACP_PHASE_STOPPED || status.phase == ACP_PHASE_STOPPING,
                "the workload is not stopped", "phase 6 or 7", std::to_string(status.phase));
    }
    well_formed(one_status(provider->status(w.id())), w.id());
}

void kept_spec_runs_again(Bench& b) {
    const auto provider = provider_with(b, "stop");
    const Workload w(b, *provider);
    const FakeCall stopping(kActionLimit), starting(kActionLimit);
    expect_status(provider->stop(w.id(), stopping), {ACP_OK});
    sdk::DeploymentSpec kept;
    kept.service_id = w.id();
    const auto status = one_status(provider->start(kept, starting));
    require(status.replicas_desired == 1, "a stopped workload does not run again as it was", "1 replica",
            std::to_string(status.replicas_desired));
    require(status.image == w.started().status().image, "it runs another image", in_quotes(w.started().status().image),
            in_quotes(status.image));
}

void restart_of_stopped(Bench& b) {
    const auto provider = provider_with(b, "restart");
    const Workload w(b, *provider);
    const FakeCall stopping(kActionLimit), restarting(kActionLimit);
    expect_status(provider->stop(w.id(), stopping), {ACP_OK});
    expect_status(provider->restart(w.id(), restarting), {ACP_E_CONFLICT});
}

void restart_replaces(Bench& b) {
    const auto provider = provider_with(b, "restart");
    const Workload w(b, *provider);
    const FakeCall call(kActionLimit);
    well_formed(one_status(provider->restart(w.id(), call)), w.id());
}

void remove_forgets(Bench& b) {
    const auto provider = provider_with(b, "delete");
    Workload w(b, *provider);
    expect_status(w.remove(), {ACP_OK});
    expect_status(provider->status(w.id()), {ACP_E_NOT_FOUND});
    const Answer list = provider->list();
    require(std::none_of(list.statuses.begin(), list.statuses.end(), [&](const auto& s) { return s.service_id == w.id(); }),
            "a removed workload is still in the list", "not there", w.id());
    // Whether "gone" is news or a failure the second time is the provider's choice.
    expect_status(provider->remove(w.id()), {ACP_E_NOT_FOUND, ACP_OK});
}

void config_is_an_object(Bench& b) {
    const auto provider = provider_with(b, "get_config");
    const Workload w(b, *provider);
    const Answer config = provider->get_config(w.id());
    expect_status(config, {ACP_OK});
    require(config.texts == 1 && has_object(config.text, "env") && has_object(config.text, "files"),
            "get_config has to emit one object", R"({"env":{},"files":{}})", in_quotes(config.text));
}

void dry_run_changes_nothing(Bench& b) {
    const auto provider = provider_with(b, "apply_config");
    if (!supports(*provider, "get_config")) not_applicable("the plugin does not support get_config");
    const Workload w(b, *provider);
    const Answer before = provider->get_config(w.id());
    const FakeCall call(kActionLimit);
    const Answer dry = provider->apply_config(w.id(), R"({"env":{"CONFORMANCE":"1"}})", true, call);
    expect_status(dry, {ACP_OK});
    require(is_json_object(dry.text), "apply_config has to emit the resulting object", "a JSON object", in_quotes(dry.text));
    const Answer after = provider->get_config(w.id());
    require(before.text == after.text, "a dry run changes the configuration", in_quotes(before.text), in_quotes(after.text));
}

void metrics_are_an_object(Bench& b) {
    const auto provider = provider_with(b, "metrics");
    const Workload w(b, *provider);
    const Answer metrics = provider->metrics(w.id());
    expect_status(metrics, {ACP_OK});
    require(metrics.texts == 1 && is_json_object(metrics.text), "metrics has to emit one object", "a JSON object",
            in_quotes(metrics.text));
}

}  // namespace

const std::vector<Check>& provider_lifecycle_checks() {
    static const std::vector<Check> all = {
        {"provider.start.status", kIid, "provider.create", "start emits one status of the workload", &start_emits_status},
        {"provider.start.idempotent", kIid, "provider.create", "the same start again changes nothing", &start_is_idempotent},
        {"provider.start.kept_spec", kIid, "provider.create", "a stopped workload runs again as it was", &kept_spec_runs_again},
        {"provider.status.well_formed", kIid, "provider.create", "status emits one status that makes sense", &status_is_well_formed},
        {"provider.list.consistent", kIid, "provider.create", "the list is in order and agrees with status", &list_agrees_with_status},
        {"provider.list.namespace", kIid, "provider.create", "the list is filtered by namespace", &list_filters},
        {"provider.scale.replicas", kIid, "provider.create", "scale sets the number of replicas", &scale_sets_replicas},
        {"provider.stop.idempotent", kIid, "provider.create", "a stopped workload is known and may be stopped again", &stop_is_idempotent},
        {"provider.restart.running", kIid, "provider.create", "a running workload is restarted", &restart_replaces},
        {"provider.restart.stopped_is_conflict", kIid, "provider.create", "a stopped one is not", &restart_of_stopped},
        {"provider.remove.forgets", kIid, "provider.create", "a removed workload is gone", &remove_forgets},
        {"provider.get_config.object", kIid, "provider.create", "the configuration is an object", &config_is_an_object},
        {"provider.apply_config.dry_run", kIid, "provider.create", "a dry run changes nothing", &dry_run_changes_nothing},
        {"provider.metrics.object", kIid, "provider.create", "the metrics are an object", &metrics_are_an_object},
    };
    return all;
}

}  // namespace acp::conformance
