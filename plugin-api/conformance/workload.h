// conformance: the sample workload, running, for the checks that need one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench.h"

namespace acp::conformance {

/// How long a start, and whatever ends a workload, may take.
inline constexpr std::chrono::seconds kActionLimit{20};

/// The sample of the options, started on an instance and removed at the end.
/// Where it cannot be started, the check that asks for it is not applicable.
class Workload {
public:
    Workload(Bench& bench, ProviderClient& provider, const std::string& id = "conformance", uint32_t replicas = 1);
    ~Workload();
    Workload(const Workload&) = delete;
    Workload& operator=(const Workload&) = delete;

    const std::string& id() const noexcept { return spec_.service_id; }
    const sdk::DeploymentSpec& spec() const noexcept { return spec_; }
    /// What start answered.
    const Answer& started() const noexcept { return started_; }
    /// Removes it now. The destructor then does nothing.
    Answer remove();

private:
    ProviderClient& provider_;
    sdk::DeploymentSpec spec_;
    Answer started_;
    bool removed_ = false;
};

/// The sample under another name. Its hash stands for the name and `replicas`.
sdk::DeploymentSpec sample_of(const Bench& bench, const std::string& id, uint32_t replicas);

/// An operation on one workload, by its name in the capability matrix.
struct Operation {
    const char* name;
    Answer (*run)(ProviderClient& provider, const std::string& id, const FakeCall& call);
};
/// Those that name a workload and change nothing where there is none; `start`
/// is the start of the spec that the provider keeps. logs and exec are among
/// them, with a stream that nobody reads.
const std::vector<Operation>& operations();

/// The plugin's own word on `operation`.
bool supports(ProviderClient& provider, const std::string& operation);

/// Asks, where there is acp.health/1; whether the answer is right is for its own checks.
void ask_health(ProviderClient& provider, const FakeCall& call);

/// `call` to its end, and how long it took.
template <typename Call>
std::chrono::milliseconds timed(Call&& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

std::string in_ms(std::chrono::milliseconds time);

}  // namespace acp::conformance
