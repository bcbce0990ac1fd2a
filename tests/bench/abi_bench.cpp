// abi-bench PLUGIN.so: what a call through the plugin boundary costs over a
// direct call of the same virtual function, which does nothing. Takes turns,
// prints nanoseconds a call and the median of the differences.
//
// "table" is the boundary alone: C function pointer, C arguments, the SDK's
// wrapper on the other side. "host" adds what the host does for each call:
// capability check, context, error slot, exception barrier.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "alphaswarm-cp/sdk/provider.hpp"
#include "plugins/host_api.h"
#include "plugins/provider.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kCalls = 200'000;
constexpr int kRounds = 31;

class Direct final : public acp::sdk::Provider {
public:
    std::vector<acp::sdk::Capability> capabilities() const override { return {}; }
    void remove(const acp::sdk::Call&, const std::string&) override {}
};

template <typename Call>
double ns_per_call(Call call) {
    const auto begun = Clock::now();
    for (int i = 0; i < kCalls; ++i) call();
    return std::chrono::duration<double, std::nano>(Clock::now() - begun).count() / kCalls;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    using namespace acp;
    plugins::Record record;
    Fault fault;
    const auto library = argc == 2 ? plugins::Library::load(argv[1], plugins::host_api(), {}, record) : nullptr;
    if (!library) {
        std::fprintf(stderr, "abi-bench: %s\n", argc == 2 ? record.fault.message.c_str() : "name a plugin");
        return 2;
    }
    const auto provider = plugins::Provider::create(library, plugins::host_api(), "mine", "{}", "/nowhere", fault);
    const auto* table = static_cast<const acp_provider*>(library->interface(ACP_IID_PROVIDER));
    void* instance = nullptr;
    acp_instance_config config{sizeof(acp_instance_config), 0, sdk::str("raw"), sdk::str("{}"), {}, {}};
    if (!provider || table->create(&plugins::host_api(), &config, &instance, nullptr) != ACP_OK) {
        std::fprintf(stderr, "abi-bench: no instance: %s\n", fault.message.c_str());
        return 2;
    }
    Direct made;
    sdk::Provider* volatile direct = &made;  // keeps the call virtual
    const std::string id = "workload";
    const plugins::CallContext context;
    acp_call call{};
    call.struct_size = sizeof call;

    std::vector<double> directly, by_table, by_host;
    for (int i = 0; i < kRounds; ++i) {
        directly.push_back(ns_per_call([&] { direct->remove(sdk::Call(&call), id); }));
        by_table.push_back(ns_per_call([&] { (void)table->remove(instance, &call, sdk::str(id), nullptr); }));
        by_host.push_back(ns_per_call([&] { (void)provider->remove(context, id); }));
    }
    std::vector<double> table_over, host_over;
    for (int i = 0; i < kRounds; ++i) {
        table_over.push_back(by_table[i] - directly[i]);
        host_over.push_back(by_host[i] - directly[i]);
    }
    std::printf("direct %6.1f ns\n", median(directly));
    std::printf("table  %6.1f ns, %5.1f over direct\n", median(by_table), median(table_over));
    std::printf("host   %6.1f ns, %5.1f over direct\n", median(by_host), median(host_over));
    table->destroy(instance);
    return 0;
}
