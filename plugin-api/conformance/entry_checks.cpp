// conformance: what holds for every plugin, before any of its interfaces is used.
#include <algorithm>
#include <cstring>
#include <thread>

#include "alphaswarm-cp/ext/auth_flow.h"
#include "alphaswarm-cp/ext/exec.h"
#include "alphaswarm-cp/ext/health.h"
#include "alphaswarm-cp/ext/http_routes.h"
#include "alphaswarm-cp/ext/logs.h"
#include "alphaswarm-cp/ext/provider.h"
#include "bench.h"
#include "text.h"

namespace acp::conformance {

namespace {

/// Beyond it a size is no size but a defect.
constexpr uint32_t kSizeMax = 64 * 1024;

const char* const kInterfaces[] = {ACP_IID_PROVIDER,   ACP_IID_LOGS,        ACP_IID_EXEC,   ACP_IID_HEALTH,
                                   ACP_IID_HTTP_ROUTES, ACP_IID_AUTH_FLOW,  "acp.proxy_route/1",
                                   "acp.operator/1",   "acp.secrets/1",     "acp.metrics/1"};

void loads(Bench& b) {
    b.load();
}

void load_is_pure(Bench& b) {
    b.load();
    const std::string changes = b.before_load.changes(b.after_load);
    require(changes.empty(), "loading the file has side effects", "none", changes);
}

void symbols(Bench& b) {
    std::string names;
    for (const auto& name : SharedObject::read(b.options().plugin_path).exported)
        names += (names.empty() ? "" : ", ") + name;
    require(names == ACP_ENTRY_SYMBOL, "other plugins would see this one's symbols", ACP_ENTRY_SYMBOL " alone", names);
}

void linkage(Bench& b) {
    const auto object = SharedObject::read(b.options().plugin_path);
    require(object.bound_now, "the file is bound lazily", "-z now", "no DF_BIND_NOW");
    require(object.never_unloaded, "the file may be unloaded", "-z nodelete", "no DF_1_NODELETE");
}

void call(Bench& b) {
    b.raw_entry();
}

void is_pure(Bench& b) {
    b.raw_entry();
    const std::string changes = b.before_entry.changes(b.after_entry);
    require(changes.empty(), "the entry function has side effects", "none", changes);
}

void is_repeatable(Bench& b) {
    const auto* first = b.raw_entry();
    const acp_plugin_entry before = b.entry();
    std::vector<std::thread> threads;
    std::atomic<bool> same{true};
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, function = b.entry_function()] {
            for (int k = 0; k < 50; ++k)
                if (function() != first) same = false;
        });
    for (auto& thread : threads) thread.join();
    require(same, "the entry function gives another entry each time", "always the same address", "different ones");
    const auto after = whole_table<acp_plugin_entry>(first);
    require(std::memcmp(&before, &after, sizeof after) == 0, "the entry changed between two calls", "a constant entry",
            "different bytes");
}

void struct_size(Bench& b) {
    const uint32_t size = b.raw_entry()->struct_size;
    require(size >= sizeof(acp_plugin_entry) && size <= kSizeMax && size % alignof(void*) == 0,
            "struct_size of the entry makes no sense", std::to_string(sizeof(acp_plugin_entry)) + " or a little more",
            std::to_string(size));
}

void abi_minor(Bench& b) {
    const auto& entry = b.entry();
    require(entry.abi_minor_required <= entry.abi_minor_built, "it requires more than the headers it was built with",
            "at most " + std::to_string(entry.abi_minor_built), std::to_string(entry.abi_minor_required));
    require(entry.abi_minor_required <= b.options().host_abi_minor, "the plugin needs a newer host",
            "at most " + std::to_string(b.options().host_abi_minor), std::to_string(entry.abi_minor_required));
}

void functions(Bench& b) {
    const auto& entry = b.entry();
    std::string missing;
    if (!entry.init) missing += "init ";
    if (!entry.deinit) missing += "deinit ";
    if (!entry.get_interface) missing += "get_interface ";
    require(missing.empty(), "the entry lacks a function", "init, deinit and get_interface", missing + "is NULL");
}

void id(Bench& b) {
    const auto text = sdk::view(b.entry().id);
    const bool good = !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    });
    require(good, "the id is malformed", "[a-z0-9.-]{1,64}", in_quotes(text));
}

void version(Bench& b) {
    const auto text = sdk::view(b.entry().version);
    require(is_semver(text), "the version is malformed", "MAJOR.MINOR.PATCH", in_quotes(text));
}

void vendor(Bench& b) {
    const auto text = sdk::view(b.entry().vendor);
    require(!text.empty() && text.size() <= 256 && is_utf8(text), "the vendor is malformed", "1 to 256 bytes of UTF-8",
            in_quotes(text));
}

void schema(std::string_view text) {
    require(text.empty() || (is_utf8(text) && is_json_object(text)), "the schema is malformed", "a JSON object or nothing",
            in_quotes(text));
}
void config_schema(Bench& b) {
    schema(sdk::view(b.entry().config_schema_json));
}
void resource_schema(Bench& b) {
    schema(sdk::view(b.entry().resource_schema_json));
}

void interfaces_before_init(Bench& b) {
    for (const char* iid : kInterfaces) {
        const void* first = b.interface(iid);
        require(b.interface(iid) == first, std::string(iid) + " is another table at the second look",
                "static storage", "two addresses");
    }
}

void some_interface(Bench& b) {
    for (const char* iid : kInterfaces)
        if (b.interface(iid)) return;
    fail("the plugin offers nothing", "one of the interfaces of plugin API 1", "NULL for each");
}

void unknown_interface(Bench& b) {
    const std::string long_id(1 << 20, 'a');
    for (const std::string& iid :
         {std::string(), std::string("acp.provider/99"), std::string("acp.provider/"), std::string("acp.provider/1 "),
          std::string("acp.provider/1\0", 15), std::string("\xff\xfe"), std::string("no.such/1"), long_id})
        require(!b.interface(iid), "an interface that nobody knows is offered", "NULL for " + in_quotes(iid), "a table");
    require(!b.interface({}), "an interface without an id is offered", "NULL for {NULL,0}", "a table");
}

void init(Bench& b) {
    b.init();
}

void tables(Bench& b) {
    struct Row {
        const char* iid;
        std::size_t size;
    };
    for (const Row row : {Row{ACP_IID_PROVIDER, sizeof(acp_provider)}, Row{ACP_IID_LOGS, sizeof(acp_logs)},
                          Row{ACP_IID_EXEC, sizeof(acp_exec)}, Row{ACP_IID_HEALTH, sizeof(acp_health)},
                          Row{ACP_IID_HTTP_ROUTES, sizeof(acp_http_routes)}, Row{ACP_IID_AUTH_FLOW, sizeof(acp_auth_flow)}}) {
        const void* raw = b.interface(row.iid);
        if (!raw) continue;
        uint32_t size = 0;
        std::memcpy(&size, raw, sizeof size);
        require(size >= row.size && size <= kSizeMax && size % alignof(void*) == 0,
                std::string("struct_size of the table of ") + row.iid + " makes no sense",
                std::to_string(row.size) + " or a little more", std::to_string(size));
    }
}

void siblings(Bench& b) {
    const bool others = b.interface(ACP_IID_HTTP_ROUTES) || b.interface(ACP_IID_AUTH_FLOW);
    if (b.interface(ACP_IID_PROVIDER)) return;
    for (const char* iid : {ACP_IID_LOGS, ACP_IID_EXEC})
        require(!b.interface(iid), std::string(iid) + " has no instances of its own", ACP_IID_PROVIDER " beside it",
                "no such interface");
    require(others || !b.interface(ACP_IID_HEALTH), ACP_IID_HEALTH " has no instances of its own",
            "an interface with instances beside it", "none");
}

void deinit(Bench& b) {
    b.deinit();
    const auto now = settled(b.before_init.threads);
    require(now.threads <= b.before_init.threads, "threads of the plugin go on after deinit",
            std::to_string(b.before_init.threads) + " threads", std::to_string(now.threads));
}

}  // namespace

const std::vector<Check>& entry_checks() {
    static const std::vector<Check> all = {
        {"entry.load", "entry", "", "the file loads with all symbols bound", &loads},
        {"entry.load.pure", "entry", "entry.load", "loading it has no side effects", &load_is_pure},
        {"entry.symbols", "entry", "entry.load", "one symbol is exported", &symbols},
        {"entry.linkage", "entry", "entry.load", "bound at load time, never unloaded", &linkage},
        {"entry.call", "entry", "entry.load", "the entry function gives an entry", &call},
        {"entry.pure", "entry", "entry.call", "the entry function has no side effects", &is_pure},
        {"entry.repeatable", "entry", "entry.call", "the entry is always the same, on every thread", &is_repeatable},
        {"entry.struct_size", "entry", "entry.call", "struct_size of the entry", &struct_size},
        {"entry.abi_minor", "entry", "entry.struct_size", "the minor versions are in order", &abi_minor},
        {"entry.functions", "entry", "entry.struct_size", "no function of the entry is missing", &functions},
        {"entry.id", "entry", "entry.struct_size", "id", &id},
        {"entry.version", "entry", "entry.struct_size", "semantic version", &version},
        {"entry.vendor", "entry", "entry.struct_size", "vendor", &vendor},
        {"entry.config_schema", "entry", "entry.struct_size", "schema of the configuration", &config_schema},
        {"entry.resource_schema", "entry", "entry.struct_size", "schema of the specs' metadata", &resource_schema},
        {"entry.interfaces.before_init", "entry", "entry.functions", "get_interface works before init",
         &interfaces_before_init},
        {"entry.interfaces.some", "entry", "entry.functions", "at least one interface is offered", &some_interface},
        {"entry.interfaces.unknown_is_null", "entry", "entry.functions", "an unknown interface is NULL",
         &unknown_interface},
        {"entry.interfaces.struct_size", "entry", "entry.functions", "struct_size of the tables", &tables},
        {"entry.interfaces.siblings", "entry", "entry.functions", "logs and exec stand beside a provider", &siblings},
        {"entry.init", "entry", "entry.functions", "init succeeds", &init},
    };
    return all;
}

const std::vector<Check>& deinit_checks() {
    static const std::vector<Check> all = {
        {"entry.deinit", "entry", "entry.init", "deinit ends, and every thread of the plugin with it", &deinit},
    };
    return all;
}

}  // namespace acp::conformance
