#include "plugins/provider.h"

#include <algorithm>

#include "abi/error.h"
#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/logs.h"
#include "json/json.h"
#include "log/log.h"
#include "plugins/adopt.h"
#include "plugins/instance.h"
#include "plugins/instance_config.h"

namespace acp::plugins {

namespace {

using sdk::str;

/// The spec's C view. The arrays live here, the texts in the spec.
class RawSpec {
public:
    explicit RawSpec(const DeploymentSpec& spec) {
        raw_.struct_size = sizeof raw_;
        raw_.replicas = spec.replicas;
        raw_.service_id = str(spec.service_id);
        raw_.image = str(spec.image);
        raw_.namespace_ = str(spec.namespace_);
        for (const auto& s : spec.command) command_.push_back(str(s));
        for (const auto& s : spec.args) args_.push_back(str(s));
        copy(spec.env, env_);
        copy(spec.env_from_secrets, secrets_);
        copy(spec.labels, labels_);
        for (const auto& p : spec.ports)
            ports_.push_back({sizeof(acp_port), p.container_port, p.host_port, str(p.name), str(p.protocol)});
        raw_.command = command_.data();
        raw_.command_count = command_.size();
        raw_.args = args_.data();
        raw_.args_count = args_.size();
        raw_.env = env_.data();
        raw_.env_count = env_.size();
        raw_.env_from_secrets = secrets_.data();
        raw_.env_from_secrets_count = secrets_.size();
        raw_.labels = labels_.data();
        raw_.labels_count = labels_.size();
        raw_.ports = ports_.data();
        raw_.ports_count = ports_.size();
        raw_.port_size = sizeof(acp_port);
        raw_.resources_json = str(spec.resources_json);
        raw_.health_check_path = str(spec.health_check_path);
        raw_.health_check_port = spec.health_check_port;
        raw_.metadata_json = str(spec.metadata_json);
        raw_.spec_json = str(spec.spec_json);
        raw_.spec_hash = str(spec.spec_hash);
    }
    const acp_deployment_spec* get() const noexcept { return &raw_; }

private:
    static void copy(const sdk::Pairs& from, std::vector<acp_pair>& to) {
        for (const auto& [name, value] : from) to.push_back({str(name), str(value)});
    }
    acp_deployment_spec raw_{};
    std::vector<acp_str> command_, args_;
    std::vector<acp_pair> env_, secrets_, labels_;
    std::vector<acp_port> ports_;
};

/// Collects what a plugin emits; an emit that fails here must not throw through C.
template <typename Value>
struct Collected {
    std::vector<Value> values;
    bool failed = false;
};

template <typename Value, typename Raw, typename Convert>
void collect(void* ctx, const Raw* raw, Convert convert) noexcept {
    auto* into = static_cast<Collected<Value>*>(ctx);
    try {
        into->values.push_back(convert(*raw));
    } catch (...) {
        into->failed = true;
    }
}

void emit_status(void* ctx, const acp_deployment_status* status) {
    collect<DeploymentStatus>(ctx, status, [](const acp_deployment_status& raw) {
        DeploymentStatus s;
        s.service_id = abi::text(raw.service_id);
        s.phase = raw.phase;
        s.replicas_desired = raw.replicas_desired;
        s.replicas_ready = raw.replicas_ready;
        s.image = abi::text(raw.image);
        s.namespace_ = abi::text(raw.namespace_);
        s.last_transition_unix_ms = raw.last_transition_unix_ms;
        s.conditions_json = abi::text(raw.conditions_json);
        s.endpoints_json = abi::text(raw.endpoints_json);
        s.raw_json = abi::text(raw.raw_json);
        return s;
    });
}

void emit_text(void* ctx, acp_str text) {
    collect<std::string>(ctx, &text, [](const acp_str& raw) { return abi::text(raw); });
}

template <typename Sink, typename Value, typename Emit>
Sink sink_into(Collected<Value>& into, Emit emit) noexcept {
    return Sink{sizeof(Sink), 0, &into, emit};
}

}  // namespace

const std::vector<std::string_view>& operation_names() {
    static const std::vector<std::string_view> names = {
        "start", "stop", "scale", "restart", "delete", "status", "list", "get_config", "apply_config", "exec", "logs",
        "rotate_secret", "metrics", "health", "provision_namespace", "deprovision_namespace"};
    return names;
}

std::unique_ptr<Provider> Provider::create(const LibraryPtr& library, const acp_host& host, std::string alias,
                                           const std::string& config_json, const std::string& state_dir, Fault& fault) {
    const void* raw = library->interface(ACP_IID_PROVIDER);
    const std::string id = abi::text(library->entry().id);
    if (!raw) {
        refuse(fault, "config", "plugin " + id + " is no provider", ACP_IID_PROVIDER, "no such interface", "name another plugin for this alias");
        return nullptr;
    }
    if (!check_config(*library, config_json, fault)) return nullptr;
    auto provider = std::unique_ptr<Provider>(new Provider);
    provider->library_ = library;
    provider->alias_ = std::move(alias);
    provider->plugin_id_ = id;
    provider->table_ = adopt<acp_provider>(raw);
    if (const void* logs = library->interface(ACP_IID_LOGS)) provider->logs_ = adopt<acp_logs>(logs);
    if (const void* exec = library->interface(ACP_IID_EXEC)) provider->exec_ = adopt<acp_exec>(exec);
    if (const void* health = library->interface(ACP_IID_HEALTH)) provider->health_ = adopt<acp_health>(health);
    if (!provider->table_.create || !provider->table_.destroy || !provider->table_.capabilities) {
        refuse(fault, "abi", "the provider's table lacks a function", "create, destroy and capabilities", "NULL", "fill in the table");
        return nullptr;
    }
    return make_instance(std::move(provider), host, config_json, state_dir, fault, [](Provider& made, Fault&) {
        made.read_capabilities();
        return true;
    });
}

Provider::~Provider() {
    end();
}

void Provider::end() const {
    std::call_once(ended_, [this] {
        if (self_) destroy_instance([destroy = table_.destroy, self = self_] { destroy(self); }, alias_);
    });
}

void Provider::read_capabilities() {
    Collected<Capability> found;
    auto emit = [](void* ctx, const acp_capability* capability) {
        collect<Capability>(ctx, capability, [](const acp_capability& raw) {
            return Capability{abi::text(raw.operation), raw.supported != 0, abi::text(raw.reason)};
        });
    };
    auto sink = sink_into<acp_capability_sink>(found, +emit);
    acp_error error{};
    error.struct_size = sizeof error;
    if (table_.capabilities(self_, &sink, &error) != ACP_OK && error.release) error.release(&error);
    for (auto name : operation_names()) {
        auto at = std::find_if(found.values.begin(), found.values.end(), [&](const Capability& c) { return c.operation == name; });
        Capability c = at != found.values.end() ? *at : Capability{std::string(name), false, "the plugin does not offer it"};
        if ((name == "logs" && !logs_) || (name == "exec" && !exec_)) c = {std::string(name), false, "the plugin does not offer it"};
        capabilities_.push_back(std::move(c));
    }
}

const Capability* Provider::capability(std::string_view operation) const noexcept {
    auto at = std::find_if(capabilities_.begin(), capabilities_.end(), [&](const Capability& c) { return c.operation == operation; });
    return at == capabilities_.end() ? nullptr : &*at;
}

/// The one way into a plugin: context in, status and error out, no exception.
template <typename Invoke>
Result<void> Provider::invoke(const CallContext& context, std::string_view operation, bool present, Invoke&& call) const {
    const Capability* can = capability(operation);
    if (!present || !can || !can->supported) {
        Error e;
        e.code = Code::unsupported;
        e.slug = "operation_unsupported";
        e.message = "provider '" + alias_ + "' does not support " + std::string(operation);
        if (can && !can->reason.empty()) e.message += ": " + can->reason;
        return fail(std::move(e));
    }
    CallScope scope(context, "provider." + alias_);
    acp_error error{};
    error.struct_size = sizeof error;
    try {
        acp_status status = call(scope.get(), &error);
        if (status == ACP_OK) return {};
        return fail(abi::take_error(status, error, plugin_id_ + " " + std::string(operation)));
    } catch (...) {
        return fail(Code::internal, "plugin_defect", "plugin " + plugin_id_ + " threw in " + std::string(operation));
    }
}

template <typename Invoke>
Result<DeploymentStatus> Provider::one_status(const CallContext& context, std::string_view operation, bool present, Invoke&& call) const {
    Collected<DeploymentStatus> found;
    auto sink = sink_into<acp_status_sink>(found, &emit_status);
    auto done = invoke(context, operation, present, [&](const acp_call* c, acp_error* e) { return call(c, &sink, e); });
    if (!done) return fail(done.error());
    if (found.values.size() != 1 || found.failed)
        return fail(Code::internal, "plugin_defect", "plugin " + plugin_id_ + " gave no single status for " + std::string(operation));
    return std::move(found.values.front());
}

template <typename Invoke>
Result<std::string> Provider::one_text(const CallContext& context, std::string_view operation, bool present, Invoke&& call) const {
    Collected<std::string> found;
    auto sink = sink_into<acp_text_sink>(found, &emit_text);
    auto done = invoke(context, operation, present, [&](const acp_call* c, acp_error* e) { return call(c, &sink, e); });
    if (!done) return fail(done.error());
    if (found.values.size() != 1 || !json::parse_object(found.values.front()))
        return fail(Code::internal, "plugin_defect", "plugin " + plugin_id_ + " gave no JSON object for " + std::string(operation));
    return std::move(found.values.front());
}

Result<DeploymentStatus> Provider::start(const CallContext& context, const DeploymentSpec& spec) const {
    RawSpec raw(spec);
    return one_status(context, "start", table_.start != nullptr, [&](const acp_call* c, const acp_status_sink* out, acp_error* e) { return table_.start(self_, c, raw.get(), out, e); });
}

Result<DeploymentStatus> Provider::stop(const CallContext& context, const std::string& id) const {
    return one_status(context, "stop", table_.stop != nullptr, [&](const acp_call* c, const acp_status_sink* out, acp_error* e) { return table_.stop(self_, c, str(id), out, e); });
}

Result<DeploymentStatus> Provider::scale(const CallContext& context, const std::string& id, std::uint32_t replicas) const {
    return one_status(context, "scale", table_.scale != nullptr, [&](const acp_call* c, const acp_status_sink* out, acp_error* e) { return table_.scale(self_, c, str(id), replicas, out, e); });
}

Result<DeploymentStatus> Provider::restart(const CallContext& context, const std::string& id) const {
    return one_status(context, "restart", table_.restart != nullptr, [&](const acp_call* c, const acp_status_sink* out, acp_error* e) { return table_.restart(self_, c, str(id), out, e); });
}

Result<void> Provider::remove(const CallContext& context, const std::string& id) const {
    return invoke(context, "delete", table_.remove != nullptr, [&](const acp_call* c, acp_error* e) { return table_.remove(self_, c, str(id), e); });
}

Result<DeploymentStatus> Provider::status(const CallContext& context, const std::string& id) const {
    return one_status(context, "status", table_.status != nullptr, [&](const acp_call* c, const acp_status_sink* out, acp_error* e) { return table_.status(self_, c, str(id), out, e); });
}

Result<std::vector<DeploymentStatus>> Provider::list(const CallContext& context, const std::string& namespace_) const {
    acp_list_filter filter{sizeof(acp_list_filter), 0, str(namespace_)};
    Collected<DeploymentStatus> found;
    auto sink = sink_into<acp_status_sink>(found, &emit_status);
    auto done = invoke(context, "list", table_.list != nullptr, [&](const acp_call* c, acp_error* e) { return table_.list(self_, c, &filter, &sink, e); });
    if (!done) return fail(done.error());
    if (found.failed) return fail(Code::exhausted, "out_of_memory", "the list does not fit into memory");
    return std::move(found.values);
}

Result<std::string> Provider::get_config(const CallContext& context, const std::string& id) const {
    return one_text(context, "get_config", table_.get_config != nullptr, [&](const acp_call* c, const acp_text_sink* out, acp_error* e) { return table_.get_config(self_, c, str(id), out, e); });
}

Result<std::string> Provider::apply_config(const CallContext& context, const std::string& id, const std::string& patch, bool dry_run) const {
    return one_text(context, "apply_config", table_.apply_config != nullptr, [&](const acp_call* c, const acp_text_sink* out, acp_error* e) { return table_.apply_config(self_, c, str(id), str(patch), dry_run ? 1 : 0, out, e); });
}

Result<std::string> Provider::rotate_secret(const CallContext& context, const std::string& id, const std::string& name, bool restart) const {
    acp_rotate_request request{sizeof(acp_rotate_request), restart ? 1 : 0, str(name)};
    return one_text(context, "rotate_secret", table_.rotate_secret != nullptr, [&](const acp_call* c, const acp_text_sink* out, acp_error* e) { return table_.rotate_secret(self_, c, str(id), &request, out, e); });
}

Result<std::string> Provider::metrics(const CallContext& context, const std::string& id) const {
    return one_text(context, "metrics", table_.metrics != nullptr, [&](const acp_call* c, const acp_text_sink* out, acp_error* e) { return table_.metrics(self_, c, str(id), out, e); });
}

Result<sdk::HealthReport> Provider::health(const CallContext& context) const {
    Collected<sdk::HealthReport> found;
    auto emit = [](void* ctx, const acp_health_report* report) {
        collect<sdk::HealthReport>(ctx, report, [](const acp_health_report& raw) {
            return sdk::HealthReport{raw.state, abi::text(raw.message), abi::text(raw.details_json)};
        });
    };
    auto sink = sink_into<acp_health_sink>(found, +emit);
    auto done = invoke(context, "health", health_ && health_->check, [&](const acp_call* c, acp_error* e) { return health_->check(self_, c, &sink, e); });
    if (!done) return fail(done.error());
    if (found.values.size() != 1) return fail(Code::internal, "plugin_defect", "plugin " + plugin_id_ + " gave no health report");
    return std::move(found.values.front());
}

Result<void> Provider::logs(const CallContext& context, const std::string& id, const sdk::LogQuery& query, const stream::Ref& stream) const {
    acp_log_query raw{sizeof(acp_log_query), query.follow ? 1 : 0, query.tail_lines, query.since_unix_ns, str(query.replica)};
    return invoke(context, "logs", logs_ && logs_->open, [&](const acp_call* c, acp_error* e) {
        stream->keep(weak_from_this().lock());
        stream->retain();
        acp_status status = logs_->open(self_, c, str(id), &raw, stream.handle(), e);
        if (status != ACP_OK) stream->release();
        return status;
    });
}

Result<void> Provider::exec(const CallContext& context, const std::string& id, const sdk::ExecRequest& request, const stream::Ref& stream) const {
    std::vector<acp_str> argv;
    for (const auto& a : request.argv) argv.push_back(str(a));
    acp_exec_request raw{sizeof(acp_exec_request), request.tty ? 1 : 0, argv.data(), argv.size(), request.want_stdin ? 1 : 0, 0, str(request.replica)};
    return invoke(context, "exec", exec_ && exec_->open, [&](const acp_call* c, acp_error* e) {
        stream->keep(weak_from_this().lock());
        stream->retain();
        acp_status status = exec_->open(self_, c, str(id), &raw, stream.handle(), e);
        if (status != ACP_OK) stream->release();
        return status;
    });
}

}  // namespace acp::plugins
