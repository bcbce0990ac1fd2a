// conformance: a provider instance driven through its C tables, with C++ values around them.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/logs.h"
#include "alphaswarm-cp/ext/provider.h"
#include "alphaswarm-cp/sdk/provider.hpp"
#include "alphaswarm-cp/sdk/sized.hpp"
#include "alphaswarm-cp/conformance/fake_host.hpp"
#include "alphaswarm-cp/conformance/fake_stream.hpp"

namespace acp::conformance {

/// A C++ exception came out of a function of the plugin, which no caller has
/// to expect. what() names the function and what was thrown.
class CrossedBoundary : public std::exception {
public:
    explicit CrossedBoundary(std::string what) : what_(std::move(what)) {}
    const char* what() const noexcept override { return what_.c_str(); }

private:
    std::string what_;
};

/// Calls into a plugin. An exception that comes out is a CrossedBoundary.
template <typename Call>
auto at_boundary(const char* function, Call&& call) {
    try {
        return call();
    } catch (const std::exception& e) {
        throw CrossedBoundary(std::string(function) + " let an exception out: " + e.what());
    } catch (...) {
        throw CrossedBoundary(std::string(function) + " let something out that is no std::exception");
    }
}

/// The plugin's table as these headers know it; see sdk::whole.
template <typename Table>
Table whole_table(const void* raw) noexcept {
    return sdk::whole(static_cast<const Table*>(raw));
}

/// What a call gave. `text` is the JSON of calls that emit a text.
struct Answer {
    std::string operation;
    acp_status code = ACP_OK;
    std::string message;
    std::vector<sdk::DeploymentStatus> statuses;
    std::string text;
    int texts = 0;              ///< how often a text was emitted
    std::string details_json;   ///< of the error
    acp_status error_code = 0;  ///< acp_error.code
    int32_t http_status = 0;
    int64_t retry_after_ms = 0;

    bool ok() const noexcept { return code == ACP_OK; }
    /// The one status that start, stop, scale, restart and status emit.
    const sdk::DeploymentStatus& status() const { return statuses.at(0); }
};

/// One instance; destroyed with the object. Every call takes an optional
/// FakeCall and has no deadline without one. Callable from any thread. What the
/// plugin does not offer answers ACP_E_UNSUPPORTED. Throws CrossedBoundary.
class ProviderClient {
public:
    /// Throws std::runtime_error with the plugin's message when create fails.
    ProviderClient(const acp_host* host, const acp_plugin_entry& entry, const std::string& folder,
                   const std::string& alias, const std::string& config_json, const std::string& state_dir);
    ProviderClient(const FakeHost& host, const LoadedPlugin& plugin, const std::string& alias,
                   const std::string& config_json, const std::string& state_dir);
    ~ProviderClient();
    ProviderClient(const ProviderClient&) = delete;
    ProviderClient& operator=(const ProviderClient&) = delete;

    /// Destroys the instance now; the destructor then does nothing. Unlike it,
    /// this may throw.
    void end();

    Answer start(const sdk::DeploymentSpec& spec, const FakeCall& call = {});
    Answer stop(const std::string& id, const FakeCall& call = {});
    Answer scale(const std::string& id, uint32_t replicas, const FakeCall& call = {});
    Answer restart(const std::string& id, const FakeCall& call = {});
    Answer remove(const std::string& id, const FakeCall& call = {});
    Answer status(const std::string& id, const FakeCall& call = {});
    Answer list(const std::string& namespace_ = {}, const FakeCall& call = {});
    Answer get_config(const std::string& id, const FakeCall& call = {});
    Answer apply_config(const std::string& id, const std::string& patch, bool dry_run = false,
                        const FakeCall& call = {});
    Answer rotate_secret(const std::string& id, const std::string& secret, bool restart = false,
                         const FakeCall& call = {});
    Answer metrics(const std::string& id, const FakeCall& call = {});
    Answer provision_namespace(const std::string& name, const std::string& spec_json, const FakeCall& call = {});
    Answer deprovision_namespace(const std::string& name, const FakeCall& call = {});
    std::vector<sdk::Capability> capabilities();
    sdk::HealthReport health(const FakeCall& call = {});

    /// On failure the stream's reference has been taken back.
    Answer logs(const std::string& id, FakeStream& stream, const sdk::LogQuery& query = {}, const FakeCall& call = {});
    Answer exec(const std::string& id, FakeStream& stream, const sdk::ExecRequest& request, const FakeCall& call = {});

    /// The C side, for what has no method here. A missing interface is all nulls.
    const acp_provider& provider_table() const noexcept { return provider_; }
    const acp_logs& logs_table() const noexcept { return logs_; }
    const acp_exec& exec_table() const noexcept { return exec_; }
    const acp_health& health_table() const noexcept { return health_; }
    void* self() const noexcept { return self_; }

private:
    acp_provider provider_{};
    acp_logs logs_{};
    acp_exec exec_{};
    acp_health health_{};
    void* self_ = nullptr;
};

/// The C view of a spec, borrowed from it.
class RawSpec {
public:
    explicit RawSpec(const sdk::DeploymentSpec& spec);
    RawSpec(const RawSpec&) = delete;
    RawSpec& operator=(const RawSpec&) = delete;
    const acp_deployment_spec* get() const noexcept { return &raw_; }

private:
    acp_deployment_spec raw_{};
    std::vector<acp_str> command_, args_;
    std::vector<acp_pair> env_, secrets_, labels_;
    std::vector<acp_port> ports_;
};

}  // namespace acp::conformance
