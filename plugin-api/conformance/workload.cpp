#include "workload.h"

#include <stdexcept>

#include "text.h"

namespace acp::conformance {

sdk::DeploymentSpec sample_of(const Bench& bench, const std::string& id, uint32_t replicas) {
    sdk::DeploymentSpec spec = bench.options().sample;
    spec.service_id = id;
    spec.replicas = replicas;
    spec.spec_hash += "-" + id + "-" + std::to_string(replicas);
    return spec;
}

Workload::Workload(Bench& bench, ProviderClient& provider, const std::string& id, uint32_t replicas)
    : provider_(provider), spec_(sample_of(bench, id, replicas)) {
    const FakeCall call(kActionLimit);
    started_ = provider_.start(spec_, call);
    if (!started_.ok())
        not_applicable("the sample workload cannot be started here (give another one, or a backend): " + told(started_));
}

Workload::~Workload() {
    try {
        remove();
    } catch (const CrossedBoundary&) {
        // A check of its own looks at remove.
    }
}

Answer Workload::remove() {
    if (removed_) return {};
    removed_ = true;
    const FakeCall call(kActionLimit);
    if (!provider_.provider_table().remove) return provider_.stop(id(), call);
    return provider_.remove(id(), call);
}

const std::vector<Operation>& operations() {
    static const std::vector<Operation> all = {
        {"start",
         [](ProviderClient& p, const std::string& id, const FakeCall& call) {
             sdk::DeploymentSpec kept;
             kept.service_id = id;
             return p.start(kept, call);
         }},
        {"stop", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.stop(id, call); }},
        {"scale", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.scale(id, 1, call); }},
        {"restart", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.restart(id, call); }},
        {"status", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.status(id, call); }},
        {"get_config", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.get_config(id, call); }},
        {"apply_config",
         [](ProviderClient& p, const std::string& id, const FakeCall& call) {
             return p.apply_config(id, R"({"env":{"CONFORMANCE":"1"}})", true, call);
         }},
        {"rotate_secret",
         [](ProviderClient& p, const std::string& id, const FakeCall& call) {
             return p.rotate_secret(id, "no-such-secret", false, call);
         }},
        {"metrics", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.metrics(id, call); }},
        {"logs",
         [](ProviderClient& p, const std::string& id, const FakeCall& call) {
             FakeStream stream;
             return p.logs(id, stream, {}, call);
         }},
        {"exec",
         [](ProviderClient& p, const std::string& id, const FakeCall& call) {
             FakeStream stream;
             sdk::ExecRequest request;
             request.argv = {"/bin/echo", "conformance"};
             return p.exec(id, stream, request, call);
         }},
        {"delete", [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.remove(id, call); }},
        {"deprovision_namespace",
         [](ProviderClient& p, const std::string& id, const FakeCall& call) { return p.deprovision_namespace(id, call); }},
    };
    return all;
}

bool supports(ProviderClient& provider, const std::string& operation) {
    for (const auto& capability : provider.capabilities())
        if (capability.operation == operation) return capability.supported;
    return false;
}

void ask_health(ProviderClient& provider, const FakeCall& call) {
    if (!provider.health_table().check) return;
    try {
        provider.health(call);
    } catch (const std::runtime_error&) {
    }
}

std::string in_ms(std::chrono::milliseconds time) {
    return std::to_string(time.count()) + " ms";
}

}  // namespace acp::conformance
