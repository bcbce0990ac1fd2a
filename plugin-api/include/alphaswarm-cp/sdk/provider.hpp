// alphaswarm-cp plugin SDK: write a provider as one C++ class.
//
//   class Mine : public acp::sdk::Provider { ... };
//   ACP_PROVIDER_PLUGIN(Mine, "com.example.mine", "1.0.0", "Example Ltd", R"({"type":"object"})")
//
// Methods throw acp::sdk::Failure; nothing else is needed at the boundary.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/logs.h"
#include "alphaswarm-cp/ext/provider.h"
#include "alphaswarm-cp/sdk/deployment.hpp"
#include "alphaswarm-cp/sdk/host.hpp"

namespace acp::sdk {

/// Base of a provider. What is not overridden answers ACP_E_UNSUPPORTED; say
/// why in capabilities().
class Provider {
public:
    virtual ~Provider() = default;
    virtual std::vector<Capability> capabilities() const = 0;
    virtual DeploymentStatus start(const Call&, const DeploymentSpec&) { throw unsupported("start"); }
    virtual DeploymentStatus stop(const Call&, const std::string&) { throw unsupported("stop"); }
    virtual DeploymentStatus scale(const Call&, const std::string&, uint32_t) { throw unsupported("scale"); }
    virtual DeploymentStatus restart(const Call&, const std::string&) { throw unsupported("restart"); }
    virtual void remove(const Call&, const std::string&) { throw unsupported("delete"); }
    virtual DeploymentStatus status(const Call&, const std::string&) { throw unsupported("status"); }
    virtual std::vector<DeploymentStatus> list(const Call&, const std::string& /*namespace*/) { throw unsupported("list"); }
    virtual std::string get_config(const Call&, const std::string&) { throw unsupported("get_config"); }
    virtual std::string apply_config(const Call&, const std::string&, const std::string& /*patch*/, bool /*dry_run*/) { throw unsupported("apply_config"); }
    virtual std::string rotate_secret(const Call&, const std::string&, const std::string& /*secret*/, bool /*restart*/) { throw unsupported("rotate_secret"); }
    virtual std::string metrics(const Call&, const std::string&) { throw unsupported("metrics"); }
    virtual std::string provision_namespace(const Call&, const std::string&, const std::string& /*spec*/) { throw unsupported("provision_namespace"); }
    virtual void deprovision_namespace(const Call&, const std::string&) { throw unsupported("deprovision_namespace"); }
    virtual HealthReport health(const Call&) { return {}; }
    /// Take `stream` by moving from it; throwing before that leaves it with the host.
    virtual void logs(const Call&, const std::string&, const LogQuery&, Stream& /*stream*/) { throw unsupported("logs"); }
    virtual void exec(const Call&, const std::string&, const ExecRequest&, Stream& /*stream*/) { throw unsupported("exec"); }

protected:
    static Failure unsupported(std::string_view operation) {
        return Failure(ACP_E_UNSUPPORTED, "this provider does not support " + std::string(operation));
    }
};

/// The C tables of a Provider subclass constructible from (Host, InstanceConfig).
template <typename Class>
class ProviderTables {
public:
    static const acp_provider* provider() noexcept {
        static const acp_provider table = make_provider();
        return &table;
    }
    static const acp_logs* logs() noexcept {
        static const acp_logs table = {sizeof(acp_logs), 0, &open_logs};
        return &table;
    }
    static const acp_exec* exec() noexcept {
        static const acp_exec table = {sizeof(acp_exec), 0, &open_exec};
        return &table;
    }
    static const acp_health* health() noexcept {
        static const acp_health table = {sizeof(acp_health), 0, &check_health};
        return &table;
    }
    static const void* get_interface(acp_str iid) noexcept {
        if (view(iid) == ACP_IID_PROVIDER) return provider();
        if (view(iid) == ACP_IID_LOGS) return logs();
        if (view(iid) == ACP_IID_EXEC) return exec();
        if (view(iid) == ACP_IID_HEALTH) return health();
        return nullptr;
    }

private:
    struct Instance {
        Host host;
        std::unique_ptr<Provider> provider;
    };
    static Provider& of(void* self) noexcept { return *static_cast<Instance*>(self)->provider; }
    static void emit(const acp_text_sink* out, std::string_view json) { emit_into(out, str(json)); }

    static acp_status create(const acp_host* host, const acp_instance_config* given, void** self, acp_error* error) {
        return edge(error, [&] {
            const acp_instance_config config = whole(given);
            InstanceConfig c{text(config.alias), text(config.config_json), text(config.plugin_dir), text(config.state_dir)};
            Host h(host);
            auto instance = std::unique_ptr<Instance>(new Instance{h, std::make_unique<Class>(h, c)});
            *self = instance.release();
        });
    }
    static void destroy(void* self) { delete static_cast<Instance*>(self); }
    static acp_status capabilities(void* self, const acp_capability_sink* sink, acp_error* error) {
        return edge(error, [&] {
            for (const auto& c : of(self).capabilities()) {
                acp_capability raw{sizeof(acp_capability), c.supported ? 1 : 0, str(c.operation), str(c.reason)};
                emit_into(sink, &raw);
            }
        });
    }
    static acp_status start(void* self, const acp_call* call, const acp_deployment_spec* spec, const acp_status_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).start(Call(call), DeploymentSpec::from(*spec)).emit(out); });
    }
    static acp_status stop(void* self, const acp_call* call, acp_str id, const acp_status_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).stop(Call(call), text(id)).emit(out); });
    }
    static acp_status scale(void* self, const acp_call* call, acp_str id, uint32_t replicas, const acp_status_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).scale(Call(call), text(id), replicas).emit(out); });
    }
    static acp_status restart(void* self, const acp_call* call, acp_str id, const acp_status_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).restart(Call(call), text(id)).emit(out); });
    }
    static acp_status remove(void* self, const acp_call* call, acp_str id, acp_error* error) {
        return edge(error, [&] { of(self).remove(Call(call), text(id)); });
    }
    static acp_status status(void* self, const acp_call* call, acp_str id, const acp_status_sink* out, acp_error* error) {
        return edge(error, [&] { of(self).status(Call(call), text(id)).emit(out); });
    }
    static acp_status list(void* self, const acp_call* call, const acp_list_filter* filter, const acp_status_sink* out, acp_error* error) {
        return edge(error, [&] {
            for (const auto& s : of(self).list(Call(call), text(whole(filter).namespace_))) s.emit(out);
        });
    }
    static acp_status get_config(void* self, const acp_call* call, acp_str id, const acp_text_sink* out, acp_error* error) {
        return edge(error, [&] { emit(out, of(self).get_config(Call(call), text(id))); });
    }
    static acp_status apply_config(void* self, const acp_call* call, acp_str id, acp_str patch, int32_t dry_run, const acp_text_sink* out, acp_error* error) {
        return edge(error, [&] { emit(out, of(self).apply_config(Call(call), text(id), text(patch), dry_run != 0)); });
    }
    static acp_status rotate_secret(void* self, const acp_call* call, acp_str id, const acp_rotate_request* request, const acp_text_sink* out, acp_error* error) {
        return edge(error, [&] {
            const acp_rotate_request r = whole(request);
            emit(out, of(self).rotate_secret(Call(call), text(id), text(r.secret_name), r.restart != 0));
        });
    }
    static acp_status metrics(void* self, const acp_call* call, acp_str id, const acp_text_sink* out, acp_error* error) {
        return edge(error, [&] { emit(out, of(self).metrics(Call(call), text(id))); });
    }
    static acp_status provision_namespace(void* self, const acp_call* call, acp_str name, acp_str spec, const acp_text_sink* out, acp_error* error) {
        return edge(error, [&] { emit(out, of(self).provision_namespace(Call(call), text(name), text(spec))); });
    }
    static acp_status deprovision_namespace(void* self, const acp_call* call, acp_str name, acp_error* error) {
        return edge(error, [&] { of(self).deprovision_namespace(Call(call), text(name)); });
    }
    static acp_status open_logs(void* self, const acp_call* call, acp_str id, const acp_log_query* query, acp_stream* raw, acp_error* error) {
        return with_stream(self, raw, error, [&](Stream& stream) {
            const acp_log_query q = whole(query);
            of(self).logs(Call(call), text(id), {q.follow != 0, q.tail_lines, q.since_unix_ns, text(q.replica)}, stream);
        });
    }
    static acp_status open_exec(void* self, const acp_call* call, acp_str id, const acp_exec_request* given, acp_stream* raw, acp_error* error) {
        return with_stream(self, raw, error, [&](Stream& stream) {
            const acp_exec_request request = whole(given);
            ExecRequest r;
            for (size_t i = 0; i < request.argv_count; ++i) r.argv.push_back(text(request.argv[i]));
            r.tty = request.tty != 0;
            r.want_stdin = request.want_stdin != 0;
            r.replica = text(request.replica);
            of(self).exec(Call(call), text(id), r, stream);
        });
    }
    template <typename Body>
    static acp_status with_stream(void* self, acp_stream* raw, acp_error* error, Body&& body) noexcept {
        return lend_stream(static_cast<Instance*>(self)->host.stream(), raw, error, std::forward<Body>(body));
    }
    static acp_status check_health(void* self, const acp_call* call, const acp_health_sink* out, acp_error* error) {
        return edge(error, [&] {
            HealthReport report = of(self).health(Call(call));
            acp_health_report raw{sizeof(acp_health_report), report.state, str(report.message), str(report.details_json)};
            emit_into(out, &raw);
        });
    }
    static acp_provider make_provider() noexcept {
        acp_provider t{};
        t.struct_size = sizeof t;
        t.create = &create;
        t.destroy = &destroy;
        t.capabilities = &capabilities;
        t.start = &start;
        t.stop = &stop;
        t.scale = &scale;
        t.restart = &restart;
        t.remove = &remove;
        t.status = &status;
        t.list = &list;
        t.get_config = &get_config;
        t.apply_config = &apply_config;
        t.rotate_secret = &rotate_secret;
        t.metrics = &metrics;
        t.provision_namespace = &provision_namespace;
        t.deprovision_namespace = &deprovision_namespace;
        return t;
    }
};

/// The entry of a plugin whose interfaces come from `Tables::get_interface`.
template <typename Tables>
constexpr acp_plugin_entry make_entry(acp_str id, acp_str version, acp_str vendor, acp_str config_schema,
                                      acp_str resource_schema) noexcept {
    return {sizeof(acp_plugin_entry), ACP_ABI_MINOR, 0, 0, id, version, vendor, config_schema, resource_schema,
            [](const acp_host*, acp_error*) noexcept -> acp_status { return ACP_OK; }, []() noexcept {},
            [](acp_str iid) noexcept -> const void* { return Tables::get_interface(iid); }};
}

}  // namespace acp::sdk

/// Defines the entry symbol for a provider plugin. All texts are literals.
#define ACP_PROVIDER_PLUGIN(Class, id, version, vendor, config_schema)                                        \
    extern "C" ACP_EXPORT const acp_plugin_entry* acp_plugin_entry_v1(void) {                                 \
        static const acp_plugin_entry entry = ::acp::sdk::make_entry<::acp::sdk::ProviderTables<Class>>(      \
            ACP_STR_LITERAL(id), ACP_STR_LITERAL(version), ACP_STR_LITERAL(vendor),                           \
            ACP_STR_LITERAL(config_schema), acp_str{nullptr, 0});                                             \
        return &entry;                                                                                        \
    }
