// conformance: acp.provider/1, how instances are made.
#include "instances.h"

namespace acp::conformance {

namespace {

constexpr const char* kIid = ACP_IID_PROVIDER;

template <auto Body>
void over_provider(Bench& b) {
    Body(b, kIid);
}

}  // namespace

const std::vector<Check>& provider_config_checks() {
    static const std::vector<Check> all = {
        {"provider.table", kIid, "entry.init", "create, destroy and capabilities are there", &over_provider<table_is_complete>},
        {"provider.create", kIid, "provider.table", "an instance is made and destroyed", &over_provider<creates>},
        {"provider.create.garbage_config", kIid, "provider.create", "a configuration that is no JSON object is refused, with the reason",
         &over_provider<refuses_garbage>},
        {"provider.create.unknown_members", kIid, "provider.create", "a misspelt setting is noticed", &over_provider<refuses_unknown_members>},
        {"provider.create.struct_sizes", kIid, "provider.create", "an acp_instance_config of another size is survived",
         &over_provider<survives_config_sizes>},
        {"provider.create.error_sizes", kIid, "provider.create", "an acp_error of another size is survived", &over_provider<survives_error_sizes>},
        {"provider.create.bare_host", kIid, "provider.create", "a host without interfaces is survived", &over_provider<survives_bare_host>},
        {"provider.create.many", kIid, "provider.create", "many instances live side by side", &over_provider<makes_many>},
    };
    return all;
}

}  // namespace acp::conformance
