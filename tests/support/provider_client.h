// support: a provider instance driven through its C tables, with C++ values around them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/logs.h"
#include "alphaswarm-cp/ext/provider.h"
#include "alphaswarm-cp/sdk/provider.hpp"
#include "support/fake_host.h"
#include "support/fake_stream.h"

namespace acp::test {

/// What a call gave. `text` is the JSON of calls that emit a text.
struct Answer {
    acp_status code = ACP_OK;
    std::string message;
    std::vector<sdk::DeploymentStatus> statuses;
    std::string text;

    bool ok() const noexcept { return code == ACP_OK; }
    /// The one status that start, stop, scale, restart and status emit.
    const sdk::DeploymentStatus& status() const { return statuses.at(0); }
};

/// One instance; destroyed with the object. Every call takes an optional
/// FakeCall and has no deadline without one. Callable from any thread.
class ProviderClient {
public:
    /// Throws std::runtime_error with the plugin's message when create fails.
    ProviderClient(const FakeHost& host, const LoadedPlugin& plugin, const std::string& alias,
                   const std::string& config_json, const std::string& state_dir);
    ~ProviderClient();
    ProviderClient(const ProviderClient&) = delete;
    ProviderClient& operator=(const ProviderClient&) = delete;

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

private:
    const acp_provider* provider_;
    const acp_logs* logs_;
    const acp_exec* exec_;
    const acp_health* health_;
    void* self_ = nullptr;
};

}  // namespace acp::test
