#include "support/provider_client.h"

#include <stdexcept>

namespace acp::test {

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
Answer ask(Body body) {
    Answer answer;
    const acp_status_sink statuses = {sizeof(acp_status_sink), 0, &answer, &keep_status};
    const acp_text_sink text = {sizeof(acp_text_sink), 0, &answer,
                                [](void* ctx, acp_str s) { static_cast<Answer*>(ctx)->text += sdk::view(s); }};
    sdk::ErrorSlot error;
    answer.code = body(statuses, text, error.get());
    answer.message = error.message();
    return answer;
}

}  // namespace

ProviderClient::ProviderClient(const FakeHost& host, const LoadedPlugin& plugin, const std::string& alias,
                               const std::string& config_json, const std::string& state_dir)
    : provider_(plugin.table<acp_provider>(ACP_IID_PROVIDER)),
      logs_(plugin.table<acp_logs>(ACP_IID_LOGS)),
      exec_(plugin.table<acp_exec>(ACP_IID_EXEC)),
      health_(plugin.table<acp_health>(ACP_IID_HEALTH)) {
    if (!provider_ || !logs_ || !exec_ || !health_) throw std::runtime_error("the plugin lacks an interface");
    const acp_instance_config config = {
        sizeof(acp_instance_config), 0, str(alias), str(config_json), str(plugin.folder()), str(state_dir)};
    sdk::ErrorSlot error;
    if (provider_->create(host.raw(), &config, &self_, error.get()) != ACP_OK)
        throw std::runtime_error(error.message());
}

ProviderClient::~ProviderClient() {
    provider_->destroy(self_);
}

Answer ProviderClient::start(const sdk::DeploymentSpec& spec, const FakeCall& call) {
    const auto command = strings(spec.command), args = strings(spec.args);
    const auto env = pairs(spec.env), secrets = pairs(spec.env_from_secrets), labels = pairs(spec.labels);
    std::vector<acp_port> ports;
    for (const auto& p : spec.ports)
        ports.push_back({sizeof(acp_port), p.container_port, p.host_port, str(p.name), str(p.protocol)});
    acp_deployment_spec raw{};
    raw.struct_size = sizeof raw;
    raw.replicas = spec.replicas;
    raw.service_id = str(spec.service_id);
    raw.image = str(spec.image);
    raw.namespace_ = str(spec.namespace_);
    raw.command = command.data();
    raw.command_count = command.size();
    raw.args = args.data();
    raw.args_count = args.size();
    raw.env = env.data();
    raw.env_count = env.size();
    raw.env_from_secrets = secrets.data();
    raw.env_from_secrets_count = secrets.size();
    raw.ports = ports.data();
    raw.ports_count = ports.size();
    raw.port_size = sizeof(acp_port);
    raw.labels = labels.data();
    raw.labels_count = labels.size();
    raw.resources_json = str(spec.resources_json);
    raw.health_check_path = str(spec.health_check_path);
    raw.health_check_port = spec.health_check_port;
    raw.metadata_json = str(spec.metadata_json);
    raw.spec_json = str(spec.spec_json);
    raw.spec_hash = str(spec.spec_hash);
    return ask([&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_->start(self_, call.raw(), &raw, &out, error);
    });
}

Answer ProviderClient::stop(const std::string& id, const FakeCall& call) {
    return ask([&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_->stop(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::scale(const std::string& id, uint32_t replicas, const FakeCall& call) {
    return ask([&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_->scale(self_, call.raw(), str(id), replicas, &out, error);
    });
}

Answer ProviderClient::restart(const std::string& id, const FakeCall& call) {
    return ask([&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_->restart(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::remove(const std::string& id, const FakeCall& call) {
    return ask([&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return provider_->remove(self_, call.raw(), str(id), error);
    });
}

Answer ProviderClient::status(const std::string& id, const FakeCall& call) {
    return ask([&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_->status(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::list(const std::string& namespace_, const FakeCall& call) {
    const acp_list_filter filter = {sizeof(acp_list_filter), 0, str(namespace_)};
    return ask([&](const acp_status_sink& out, const acp_text_sink&, acp_error* error) {
        return provider_->list(self_, call.raw(), &filter, &out, error);
    });
}

Answer ProviderClient::get_config(const std::string& id, const FakeCall& call) {
    return ask([&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_->get_config(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::apply_config(const std::string& id, const std::string& patch, bool dry_run,
                                    const FakeCall& call) {
    return ask([&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_->apply_config(self_, call.raw(), str(id), str(patch), dry_run ? 1 : 0, &out, error);
    });
}

Answer ProviderClient::rotate_secret(const std::string& id, const std::string& secret, bool restart,
                                     const FakeCall& call) {
    const acp_rotate_request request = {sizeof(acp_rotate_request), restart ? 1 : 0, str(secret)};
    return ask([&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_->rotate_secret(self_, call.raw(), str(id), &request, &out, error);
    });
}

Answer ProviderClient::metrics(const std::string& id, const FakeCall& call) {
    return ask([&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_->metrics(self_, call.raw(), str(id), &out, error);
    });
}

Answer ProviderClient::provision_namespace(const std::string& name, const std::string& spec_json,
                                           const FakeCall& call) {
    return ask([&](const acp_status_sink&, const acp_text_sink& out, acp_error* error) {
        return provider_->provision_namespace(self_, call.raw(), str(name), str(spec_json), &out, error);
    });
}

Answer ProviderClient::deprovision_namespace(const std::string& name, const FakeCall& call) {
    return ask([&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return provider_->deprovision_namespace(self_, call.raw(), str(name), error);
    });
}

std::vector<sdk::Capability> ProviderClient::capabilities() {
    std::vector<sdk::Capability> all;
    const acp_capability_sink sink = {sizeof(acp_capability_sink), 0, &all, [](void* ctx, const acp_capability* c) {
                                          static_cast<std::vector<sdk::Capability>*>(ctx)->push_back(
                                              {sdk::text(c->operation), c->supported != 0, sdk::text(c->reason)});
                                      }};
    sdk::ErrorSlot error;
    if (provider_->capabilities(self_, &sink, error.get()) != ACP_OK) throw std::runtime_error(error.message());
    return all;
}

sdk::HealthReport ProviderClient::health(const FakeCall& call) {
    std::vector<sdk::HealthReport> reports;
    const acp_health_sink sink = {sizeof(acp_health_sink), 0, &reports, [](void* ctx, const acp_health_report* r) {
                                      static_cast<std::vector<sdk::HealthReport>*>(ctx)->push_back(
                                          {r->state, sdk::text(r->message), sdk::text(r->details_json)});
                                  }};
    sdk::ErrorSlot error;
    if (health_->check(self_, call.raw(), &sink, error.get()) != ACP_OK) throw std::runtime_error(error.message());
    if (reports.size() != 1) throw std::runtime_error("health emitted " + std::to_string(reports.size()) + " reports");
    return reports.front();
}

Answer ProviderClient::logs(const std::string& id, FakeStream& stream, const sdk::LogQuery& query,
                            const FakeCall& call) {
    const acp_log_query raw = {sizeof(acp_log_query), query.follow ? 1 : 0, query.tail_lines, query.since_unix_ns,
                               str(query.replica)};
    Answer answer = ask([&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return logs_->open(self_, call.raw(), str(id), &raw, stream.lend(), error);
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
    Answer answer = ask([&](const acp_status_sink&, const acp_text_sink&, acp_error* error) {
        return exec_->open(self_, call.raw(), str(id), &raw, stream.lend(), error);
    });
    if (!answer.ok()) stream.take_back();
    return answer;
}

}  // namespace acp::test
