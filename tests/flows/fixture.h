// What tests of auth flow plugins share: the host's side, in memory.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "alphaswarm-cp/conformance/auth_flow_client.hpp"
#include "alphaswarm-cp/conformance/fake_http.hpp"
#include "alphaswarm-cp/conformance/fake_identity.hpp"

namespace acp::test::flows {

using namespace acp::conformance;
using Json = nlohmann::json;
using Params = std::vector<std::pair<std::string, std::string>>;

inline FakeHost& host() {
    static FakeHost the_host;
    return the_host;
}

inline LoadedPlugin& plugin() {
    static LoadedPlugin the_plugin(ACP_TEST_PLUGIN, host());
    return the_plugin;
}

/// A flow with a host of its own.
struct Fixture {
    FakeIdentity identity{host()};
    FakeHttp http{host()};
    AuthFlowClient flow;

    explicit Fixture(const std::string& config = "{}") : flow(host(), plugin(), config) {}
};

/// The message of a create that fails; empty when it does not.
inline std::string complaint(const std::string& config) {
    const FakeIdentity identity(host());
    try {
        const AuthFlowClient flow(host(), plugin(), config);
    } catch (const std::runtime_error& e) {
        return e.what();
    }
    return {};
}

inline sdk::AuthRequest request(std::string operation, Params params = {}) {
    sdk::AuthRequest r;
    r.operation_id = std::move(operation);
    r.method = "POST";
    r.origin = "https://cp.example";
    r.peer = "192.0.2.7";
    r.params = std::move(params);
    return r;
}

/// Everything a step tells the outside, for "no secret in it".
inline std::string told(const Step& step) {
    std::string all = step.message + step.details_json + step.decided.error_description + step.decided.audit_json;
    for (const auto& line : host().logs()) all += line.message;
    return all;
}

}  // namespace acp::test::flows
