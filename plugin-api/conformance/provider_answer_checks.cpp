// conformance: acp.provider/1, the capability matrix and what failures look like.
#include <algorithm>
#include <map>

#include "text.h"
#include "workload.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_PROVIDER;
const std::string kUnknown = "conformance-unknown";

const std::vector<std::string> kMatrix = {"start",      "stop",         "scale", "restart", "status",        "list",
                                          "get_config", "apply_config", "exec",  "logs",    "rotate_secret", "metrics",
                                          "delete",     "health",       "provision_namespace", "deprovision_namespace"};

void matrix_is_complete(Bench& b) {
    const auto provider = b.provider();
    std::map<std::string, int> seen;
    for (const auto& cell : provider->capabilities()) ++seen[cell.operation];
    for (const auto& operation : kMatrix)
        require(seen[operation] == 1, "the capability matrix is not complete", operation + " once",
                std::to_string(seen[operation]) + " times");
    for (const auto& [operation, times] : seen)
        require(std::find(kMatrix.begin(), kMatrix.end(), operation) != kMatrix.end(),
                "the capability matrix has an operation that nobody knows", "one of the sixteen", in_quotes(operation));
}

void reasons_are_given(Bench& b) {
    for (const auto& cell : b.provider()->capabilities()) {
        require(cell.supported || !cell.reason.empty(), "an operation is unsupported without a reason",
                "why " + cell.operation + " is not supported", "no reason");
        require(is_utf8(cell.reason), "a reason is no UTF-8", "UTF-8", in_quotes(cell.reason));
    }
}

void matrix_is_constant(Bench& b) {
    const auto provider = b.provider();
    const auto first = provider->capabilities(), second = provider->capabilities();
    const bool same = std::equal(first.begin(), first.end(), second.begin(), second.end(), [](const auto& x, const auto& y) {
        return x.operation == y.operation && x.supported == y.supported && x.reason == y.reason;
    });
    require(same, "the capability matrix changes", "the same for the life of the instance", "another one");
}

bool has_function(const ProviderClient& p, const std::string& operation) {
    const auto& t = p.provider_table();
    const std::map<std::string, bool> all = {{"start", t.start},
                                             {"stop", t.stop},
                                             {"scale", t.scale},
                                             {"restart", t.restart},
                                             {"status", t.status},
                                             {"list", t.list},
                                             {"get_config", t.get_config},
                                             {"apply_config", t.apply_config},
                                             {"exec", p.exec_table().open},
                                             {"logs", p.logs_table().open},
                                             {"rotate_secret", t.rotate_secret},
                                             {"metrics", t.metrics},
                                             {"delete", t.remove},
                                             {"health", p.health_table().check},
                                             {"provision_namespace", t.provision_namespace},
                                             {"deprovision_namespace", t.deprovision_namespace}};
    const auto at = all.find(operation);
    return at == all.end() || at->second;
}

void matrix_has_functions(Bench& b) {
    const auto provider = b.provider();
    for (const auto& cell : provider->capabilities())
        require(!cell.supported || has_function(*provider, cell.operation),
                "an operation is said to be supported, but has no function", "a function for " + cell.operation, "NULL");
}

void matrix_is_true(Bench& b) {
    const auto provider = b.provider();
    for (const auto& operation : operations()) {
        const bool said = supports(*provider, operation.name);
        const Answer answer = operation.run(*provider, kUnknown, {});
        require(!said || answer.code != ACP_E_UNSUPPORTED, std::string(operation.name) + " is said to be supported",
                "another status than ACP_E_UNSUPPORTED", told(answer));
        require(said || !answer.ok(), std::string(operation.name) + " is said to be unsupported", "a failed call", "ACP_OK");
        if (!said && !is_out_of_reach(answer.code)) expect_status(answer, {ACP_E_UNSUPPORTED, ACP_E_NOT_FOUND});
    }
}

template <std::size_t Index>
void unknown_is_not_found(Bench& b) {
    const Operation& operation = operations().at(Index);
    const auto provider = b.provider();
    if (!supports(*provider, operation.name)) not_applicable("the plugin does not support it");
    const Answer answer = operation.run(*provider, kUnknown, {});
    if (is_out_of_reach(answer.code)) not_applicable("the backend is out of reach: " + told(answer));
    expect_status(answer, {ACP_E_NOT_FOUND});
    require(answer.statuses.empty() && answer.texts == 0, "a failed call emitted a result", "nothing", "something");
}

/// Names that no workload has; all of them are UTF-8, as the host sees to it.
void odd_ids(Bench& b) {
    const auto provider = b.provider();
    std::string umlauts;
    for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
    for (const std::string& id : {std::string(), std::string("."), std::string(".."), std::string("../../etc/passwd"),
                                  std::string("a/b"), std::string("%s%n"), std::string("a\nb"), umlauts,
                                  std::string(100'000, 'a')})
        for (const auto& operation : operations()) {
            if (std::string_view(operation.name) == "deprovision_namespace") continue;
            const Answer answer = operation.run(*provider, id, {});
            require(!answer.ok(), std::string(operation.name) + " of a workload that cannot exist succeeds",
                    "a failed call for " + in_quotes(id), "ACP_OK");
            require(is_utf8(answer.message), std::string(operation.name) + " failed with a message that is no UTF-8",
                    "a message cut between characters", in_quotes(answer.message));
        }
}

/// Every failure that can be had without a backend.
std::vector<Answer> failures(Bench& b) {
    const auto provider = b.provider();
    std::vector<Answer> all;
    for (const auto& operation : operations()) all.push_back(operation.run(*provider, kUnknown, {}));
    sdk::DeploymentSpec nothing;
    nothing.service_id = "conformance-invalid";
    nothing.image = std::string(5000, 'x');
    nothing.metadata_json = "[]";
    nothing.spec_hash = "x";
    const FakeCall call(kActionLimit);
    all.push_back(provider->start(nothing, call));
    if (all.back().ok()) provider->remove(nothing.service_id, call);
    std::erase_if(all, [](const Answer& answer) { return answer.ok(); });
    if (all.empty()) not_applicable("no call failed");
    return all;
}

void errors_have_a_message(Bench& b) {
    for (const auto& a : failures(b))
        require(!a.message.empty(), a.operation + " failed without a message", "one sentence: what, where, how to mend it",
                status_name(a.code) + " alone");
}
void errors_are_utf8(Bench& b) {
    for (const auto& a : failures(b))
        require(is_utf8(a.message) && a.message.size() <= 16384, a.operation + " failed with a message that is no UTF-8",
                "up to 16 KiB of UTF-8", in_quotes(a.message));
}
void statuses_are_known(Bench& b) {
    for (const auto& a : failures(b))
        require(is_status(a.code), a.operation + " gave a status that nobody knows", "ACP_OK to ACP_E_INTERNAL",
                std::to_string(a.code));
}
void error_codes_agree(Bench& b) {
    for (const auto& a : failures(b))
        require(a.error_code == a.code || a.error_code == 0, a.operation + ": the error's code is not the status",
                status_name(a.code), status_name(a.error_code));
}
void error_details_are_json(Bench& b) {
    for (const auto& a : failures(b)) {
        require(a.details_json.empty() || is_json_object(a.details_json), a.operation + ": the error's details are no JSON",
                "a JSON object or nothing", in_quotes(a.details_json));
        require(a.http_status == 0 || (a.http_status >= 400 && a.http_status <= 599),
                a.operation + ": the error's HTTP status is none of a failure", "0, or 400 to 599",
                std::to_string(a.http_status));
        require(a.retry_after_ms >= 0, a.operation + ": retry_after_ms is negative", "0 or more",
                std::to_string(a.retry_after_ms));
    }
}

}  // namespace

const std::vector<Check>& provider_answer_checks() {
    constexpr const char* title = "on an unknown workload: ACP_E_NOT_FOUND";
    static const std::vector<Check> all = {
        {"provider.capabilities.complete", kIid, "provider.create", "each operation once, and no other", &matrix_is_complete},
        {"provider.capabilities.reasons", kIid, "provider.create", "what is unsupported has a reason", &reasons_are_given},
        {"provider.capabilities.constant", kIid, "provider.create", "the matrix does not change", &matrix_is_constant},
        {"provider.capabilities.functions", kIid, "provider.create", "what is supported has a function", &matrix_has_functions},
        {"provider.capabilities.truthful", kIid, "provider.create", "calls agree with the matrix", &matrix_is_true},
        {"provider.start.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<0>},
        {"provider.stop.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<1>},
        {"provider.scale.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<2>},
        {"provider.restart.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<3>},
        {"provider.status.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<4>},
        {"provider.get_config.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<5>},
        {"provider.apply_config.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<6>},
        {"provider.rotate_secret.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<7>},
        {"provider.metrics.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<8>},
        {"provider.remove.unknown_is_not_found", kIid, "provider.create", title, &unknown_is_not_found<11>},
        {"provider.odd_ids", kIid, "provider.create", "names that no workload can have are refused", &odd_ids},
        {"provider.errors.message", kIid, "provider.create", "every failure has a message", &errors_have_a_message},
        {"provider.errors.utf8", kIid, "provider.create", "messages are UTF-8", &errors_are_utf8},
        {"provider.errors.status", kIid, "provider.create", "statuses are those of types.h", &statuses_are_known},
        {"provider.errors.code", kIid, "provider.create", "acp_error.code is the status", &error_codes_agree},
        {"provider.errors.details", kIid, "provider.create", "the error's other members make sense", &error_details_are_json},
        {"logs.unknown_is_not_found", ACP_IID_LOGS, "provider.create", title, &unknown_is_not_found<9>},
        {"exec.unknown_is_not_found", ACP_IID_EXEC, "provider.create", title, &unknown_is_not_found<10>},
    };
    return all;
}

}  // namespace acp::conformance
