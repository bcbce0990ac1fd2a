#include "alphaswarm-cp/conformance/provider_client.hpp"

#include <stdexcept>
#include <utility>

namespace acp::conformance {

using sdk::str;

namespace {

std::vector<acp_str> strings(const std::vector<std::string>& in) {
    std::vector<acp_str> out;
    for (const auto& s : in) out.push_back(str(s));
    return out;
}

std::vector<acp_pair> pairs(const sdk::Pairs& in) {
    std::vector<acp_pair> out;
    for (const auto& [name, value] : in) out.push_back({str(name), str(value)});
    return out;
}

void keep_status(void* ctx, const acp_deployment_status* raw) {
    sdk::DeploymentStatus s;
    s.service_id = sdk::text(raw->service_id);
    s.image = sdk::text(raw->image);
    s.namespace_ = sdk::text(raw->namespace_);
    s.phase = raw->phase;
    s.replicas_desired = raw->replicas_desired;
    s.replicas_ready = raw->replicas_ready;
    s.last_transition_unix_ms = raw->last_transition_unix_ms;
    s.conditions_json = sdk::text(raw->conditions_json);
    s.endpoints_json = sdk::text(raw->endpoints_json);
    s.raw_json = sdk::text(raw->raw_json);
    static_cast<Answer*>(ctx)->statuses.push_back(std::move(s));
}

// Runs one call with both sinks at hand.
template <typename Body>
Answer ask(const char* operation, bool offered, Body body) {
    Answer answer;
    answer.operation = operation;
    if (!offered) {
        answer.code = ACP_E_UNSUPPORTED;
        answer.error_code = ACP_E_UNSUPPORTED;
        answer.message = "the plugin has no function for it";
        return answer;
    }
    const acp_status_sink statuses = {sizeof(acp_status_sink), 0, &answer, &keep_status};
    const acp_text_sink text = {sizeof(acp_text_sink), 0, &answer, [](void* ctx, acp_str s) {
                                    auto& into = *static_cast<Answer*>(ctx);
                                    into.text += sdk::view(s);
                                    ++into.texts;
                                }};
    sdk::ErrorSlot error;
    answer.code = at_boundary(operation, [&] { return body(statuses, text, error.get()); });
    answer.message = error.message();
    answer.details_json = error.details_json();
    answer.error_code = error.raw().code;
    answer.http_status = error.raw().http_status;
    answer.retry_after_ms = error.raw().retry_after_ms;
    return answer;
}

template <typename Table>
void find(const acp_plugin_entry& entry, const char* iid, Table& into) {
    if (const void* raw = at_boundary("get_interface", [&] { return entry.get_interface(str(iid)); }))
        into = whole_table<Table>(raw);
}

}  // namespace

RawSpec::RawSpec(const sdk::DeploymentSpec& spec)
    : command_(strings(spec.command)),
      args_(strings(spec.args)),
      env_(pairs(spec.env)),
      secrets_(pairs(spec.env_from_secrets)),
      labels_(pairs(spec.labels)) {
    for (const auto& p : spec.ports)
        ports_.push_back({sizeof(acp_port), p.container_port, p.host_port, str(p.name), str(p.protocol)});
    raw_.struct_size = sizeof raw_;
    raw_.replicas = spec.replicas;
    raw_.service_id = str(spec.service_id);
    raw_.image = str(spec.image);
    raw_.namespace_ = str(spec.namespace_);
    raw_.command = command_.data();
    raw_.command_count = command_.size();
    raw_.args = args_.data();
    raw_.args_count = args_.size();
    raw_.env = env_.data();
    raw_.env_count = env_.size();
    raw_.env_from_secrets = secrets_.data();
    raw_.env_from_secrets_count = secrets_.size();
    raw_.ports = ports_.data();
    raw_.ports_count = ports_.size();
    raw_.port_size = sizeof(acp_port);
    raw_.labels = labels_.data();
    raw_.labels_count = labels_.size();
    raw_.resources_json = str(spec.resources_json);
    raw_.health_check_path = str(spec.health_check_path);
    raw_.health_check_port = spec.health_check_port;
    raw_.metadata_json = str(spec.metadata_json);
    raw_.spec_json = str(spec.spec_json);
    raw_.spec_hash = str(spec.spec_hash);
}

ProviderClient::ProviderClient(const FakeHost& host, const LoadedPlugin& plugin, const std::string& alias,
                               const std::string& config_json, const std::string& state_dir)
    : ProviderClient(host.raw(), plugin.entry(), plugin.folder(), alias, config_json, state_dir) {}

ProviderClient::ProviderClient(const acp_host* host, const acp_plugin_entry& entry, const std::string& folder,
                               const std::string& alias, const std::string& config_json,
                               const std::string& state_dir) {
    find(entry, ACP_IID_PROVIDER, provider_);
    find(entry, ACP_IID_LOGS, logs_);
    find(entry, ACP_IID_EXEC, exec_);
    find(entry, ACP_IID_HEALTH, health_);
    if (!provider_.create || !provider_.destroy) throw std::runtime_error("the plugin is no provider");
    const acp_instance_config config = {
        sizeof(acp_instance_config), 0, str(alias), str(config_json), str(folder), str(state_dir)};
    sdk::ErrorSlot error;
    const acp_status made =
        at_boundary("create", [&] { return provider_.create(host, &config, &self_, error.get()); });
    if (made != ACP_OK) throw std::runtime_error("create: status " + std::to_string(made) + ": " + error.message());
}

ProviderClient::~ProviderClient() {
    end();
}

void ProviderClient::end() {
    if (void* self = std::exchange(self_, nullptr)) at_boundary("destroy", [&] { provider_.destroy(self); });
}

Answer ProviderClient::start(const sdk::DeploymentSpec& spec, const FakeCall& call) {
    const RawSpec raw(spec);
    return ask("start", provider_.start, [&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_.start(self_, call.raw(), raw.get(), &out, error);
    });
}

Answer ProviderClient::stop(const std::string& id, const FakeCall& call) {
    return ask("stop", provider_.stop, [&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_.stop(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::scale(const std::string& id, uint32_t replicas, const FakeCall& call) {
    return ask("scale", provider_.scale, [&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_.scale(self_, call.raw(), str(id), replicas, &out, error);
    });
}

Answer ProviderClient::restart(const std::string& id, const FakeCall& call) {
    return ask("restart", provider_.restart, [&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_.restart(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::remove(const std::string& id, const FakeCall& call) {
    return ask("remove", provider_.remove, [&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return provider_.remove(self_, call.raw(), str(id), error);
    });
}

Answer ProviderClient::status(const std::string& id, const FakeCall& call) {
    return ask("status", provider_.status, [&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_.status(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::list(const std::string& namespace_, const FakeCall& call) {
    const acp_list_filter filter = {sizeof(acp_list_filter), 0, str(namespace_)};
    return ask("list", provider_.list, [&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_.list(self_, call.raw(), &filter, &out, error);
    });
}

Answer ProviderClient::get_config(const std::string& id, const FakeCall& call) {
    return ask("get_config", provider_.get_config, [&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_.get_config(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::apply_config(const std::string& id, const std::string& patch, bool dry_run,
                                    const FakeCall& call) {
    return ask("apply_config", provider_.apply_config, [&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_.apply_config(self_, call.raw(), str(id), str(patch), dry_run ? 1 : 0, &out, error);
    });
}

Answer ProviderClient::rotate_secret(const std::string& id, const std::string& secret, bool restart,
                                     const FakeCall& call) {
    const acp_rotate_request request = {sizeof(acp_rotate_request), restart ? 1 : 0, str(secret)};
    return ask("rotate_secret", provider_.rotate_secret, [&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_.rotate_secret(self_, call.raw(), str(id), &request, &out, error);
    });
}

Answer ProviderClient::metrics(const std::string& id, const FakeCall& call) {
    return ask("metrics", provider_.metrics, [&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_.metrics(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::provision_namespace(const std::string& name, const std::string& spec_json,
                                           const FakeCall& call) {
    return ask("provision_namespace", provider_.provision_namespace, [&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_.provision_namespace(self_, call.raw(), str(name), str(spec_json), &out, error);
    });
}

Answer ProviderClient::deprovision_namespace(const std::string& name, const FakeCall& call) {
    return ask("deprovision_namespace", provider_.deprovision_namespace, [&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return provider_.deprovision_namespace(self_, call.raw(), str(name), error);
    });
}

std::vector<sdk::Capability> ProviderClient::capabilities() {
    std::vector<sdk::Capability> all;
    const acp_capability_sink sink = {sizeof(acp_capability_sink), 0, &all, [](void* ctx, const acp_capability* c) {
                                          static_cast<std::vector<sdk::Capability>*>(ctx)->push_back(
                                              {sdk::text(c->operation), c->supported != 0, sdk::text(c->reason)});
                                      }};
    sdk::ErrorSlot error;
    if (!provider_.capabilities) throw std::runtime_error("the table has no capabilities()");
    const acp_status code =
        at_boundary("capabilities", [&] { return provider_.capabilities(self_, &sink, error.get()); });
    if (code != ACP_OK) throw std::runtime_error("capabilities: " + error.message());
    return all;
}

sdk::HealthReport ProviderClient::health(const FakeCall& call) {
    std::vector<sdk::HealthReport> reports;
    const acp_health_sink sink = {sizeof(acp_health_sink), 0, &reports, [](void* ctx, const acp_health_report* r) {
                                      static_cast<std::vector<sdk::HealthReport>*>(ctx)->push_back(
                                          {r->state, sdk::text(r->message), sdk::text(r->details_json)});
                                  }};
    sdk::ErrorSlot error;
    if (!health_.check) throw std::runtime_error("the plugin does not offer acp.health/1");
    const acp_status code =
        at_boundary("health", [&] { return health_.check(self_, call.raw(), &sink, error.get()); });
    if (code != ACP_OK) throw std::runtime_error("health: " + error.message());
    if (reports.size() != 1) throw std::runtime_error("health emitted " + std::to_string(reports.size()) + " reports");
    return reports.front();
}

Answer ProviderClient::logs(const std::string& id, FakeStream& stream, const sdk::LogQuery& query,
                            const FakeCall& call) {
    const acp_log_query raw = {sizeof(acp_log_query), query.follow ? 1 : 0, query.tail_lines, query.since_unix_ns,
                               str(query.replica)};
    if (!logs_.open) return ask("logs", false, [](auto&&...) { return ACP_E_UNSUPPORTED; });
    Answer answer = ask("logs", true, [&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return logs_.open(self_, call.raw(), str(id), &raw, stream.lend(), error);
    });
    if (!answer.ok()) stream.take_back();
    return answer;
}

Answer ProviderClient::exec(const std::string& id, FakeStream& stream, const sdk::ExecRequest& request,
                            const FakeCall& call) {
    const auto argv = strings(request.argv);
    acp_exec_request raw{};
    raw.struct_size = sizeof raw;
    raw.tty = request.tty ? 1 : 0;
    raw.argv = argv.data();
    raw.argv_count = argv.size();
    raw.want_stdin = request.want_stdin ? 1 : 0;
    raw.replica = str(request.replica);
    if (!exec_.open) return ask("exec", false, [](auto&&...) { return ACP_E_UNSUPPORTED; });
    Answer answer = ask("exec", true, [&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return exec_.open(self_, call.raw(), str(id), &raw, stream.lend(), error);
    });
    if (!answer.ok()) stream.take_back();
    return answer;
}

}  // namespace acp::conformance
