#include "manage/handler.h"

#include "workloads/deployment.h"

namespace acp::manage {

Result<plugins::ProviderPtr> provider_of(const Services& services, const std::string& named) {
    const std::string& alias = named.empty() ? services.default_provider : named;
    if (alias.empty())
        return fail(Code::invalid, "provider_missing", "name a provider: workloads.default_provider is not configured");
    return services.catalogue.provider(alias);
}

Result<json::Object::Ptr> checked_body(const dispatch::Context& context, const json::Schema& schema) {
    auto body = context.json_body();
    if (!body) return body;
    auto violations = schema.check(*body);
    if (violations.empty()) return body;
    Error e;
    e.code = Code::invalid;
    e.slug = "invalid_body";
    e.message = "the body is not valid: " + (violations.front().pointer.empty() ? "/" : violations.front().pointer) + ": " + violations.front().detail;
    e.violations = std::move(violations);
    return fail(std::move(e));
}

Result<std::string> workload_id(const dispatch::Context& context) {
    const std::string& id = context.param("id");
    // What the caller may not see is not there, whether it is or not.
    if (workloads::is_service_id(id) && !context.principal->may_see(id)) return fail(Code::not_found, "workload_not_found", "there is no workload " + id + " among those that the token names");
    if (workloads::is_service_id(id)) return id;
    return fail(Code::invalid, "bad_workload_id", "a workload id has 1 to 63 of a-z, 0-9 and '-', and starts and ends with a letter or digit");
}

json::Object::Ptr fault_json(const Fault& fault) {
    return json::object({{"stage", fault.stage}, {"message", fault.message}, {"expected", fault.expected}, {"found", fault.found}, {"remedy", fault.remedy}});
}

}  // namespace acp::manage
