// plugins: one configured provider (an alias) and its operations.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/logs.h"
#include "alphaswarm-cp/sdk/deployment.hpp"
#include "base/result.h"
#include "plugins/call_scope.h"
#include "plugins/library.h"
#include "plugins/record.h"
#include "stream/stream.h"

namespace acp::plugins {

using DeploymentSpec = sdk::DeploymentSpec;
using DeploymentStatus = sdk::DeploymentStatus;
using Capability = sdk::Capability;

/// Operations named in a capability matrix, in the order shown.
const std::vector<std::string_view>& operation_names();

/// Every operation is [any-thread] [may-block]; errors carry what the plugin said.
/// Streams that it opens keep it.
class Provider : public std::enable_shared_from_this<Provider> {
public:
    /// Checks `config_json` against the plugin's schema and makes the
    /// instance. On failure `fault` tells why.
    static std::unique_ptr<Provider> create(const LibraryPtr& library, const acp_host& host, std::string alias,
                                            const std::string& config_json, const std::string& state_dir, Fault& fault);
    ~Provider();
    /// Destroys the plugin's instance now, if it is still there.
    void end() const;
    Provider(const Provider&) = delete;
    Provider& operator=(const Provider&) = delete;

    const std::string& alias() const noexcept { return alias_; }
    const std::string& plugin_id() const noexcept { return plugin_id_; }
    /// One entry per operation name; what the plugin left out counts as unsupported.
    const std::vector<Capability>& capabilities() const noexcept { return capabilities_; }
    const Capability* capability(std::string_view operation) const noexcept;

    Result<DeploymentStatus> start(const CallContext& context, const DeploymentSpec& spec) const;
    Result<DeploymentStatus> stop(const CallContext& context, const std::string& id) const;
    Result<DeploymentStatus> scale(const CallContext& context, const std::string& id, std::uint32_t replicas) const;
    Result<DeploymentStatus> restart(const CallContext& context, const std::string& id) const;
    Result<void> remove(const CallContext& context, const std::string& id) const;
    Result<DeploymentStatus> status(const CallContext& context, const std::string& id) const;
    Result<std::vector<DeploymentStatus>> list(const CallContext& context, const std::string& namespace_) const;
    Result<std::string> get_config(const CallContext& context, const std::string& id) const;
    Result<std::string> apply_config(const CallContext& context, const std::string& id, const std::string& patch, bool dry_run) const;
    Result<std::string> rotate_secret(const CallContext& context, const std::string& id, const std::string& name, bool restart) const;
    Result<std::string> metrics(const CallContext& context, const std::string& id) const;
    Result<sdk::HealthReport> health(const CallContext& context) const;
    /// The stream's own reference for the plugin is added here.
    Result<void> logs(const CallContext& context, const std::string& id, const sdk::LogQuery& query, const stream::Ref& stream) const;
    Result<void> exec(const CallContext& context, const std::string& id, const sdk::ExecRequest& request, const stream::Ref& stream) const;

private:
    template <typename Kind, typename After>
    friend std::unique_ptr<Kind> make_instance(std::unique_ptr<Kind>, const acp_host&, const std::string&,
                                               const std::string&, Fault&, After);
    Provider() = default;
    template <typename Invoke>
    Result<void> invoke(const CallContext& context, std::string_view operation, bool present, Invoke&& call) const;
    template <typename Invoke>
    Result<DeploymentStatus> one_status(const CallContext& context, std::string_view operation, bool present, Invoke&& call) const;
    template <typename Invoke>
    Result<std::string> one_text(const CallContext& context, std::string_view operation, bool present, Invoke&& call) const;
    void read_capabilities();

    LibraryPtr library_;
    std::string alias_;
    std::string plugin_id_;
    void* self_ = nullptr;
    mutable std::once_flag ended_;
    acp_provider table_{};
    std::optional<acp_logs> logs_;
    std::optional<acp_exec> exec_;
    std::optional<acp_health> health_;
    std::vector<Capability> capabilities_;
};

using ProviderPtr = std::shared_ptr<const Provider>;

}  // namespace acp::plugins
