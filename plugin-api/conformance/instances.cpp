#include "instances.h"

#include <algorithm>
#include <vector>

#include "alphaswarm-cp/ext/auth_flow.h"
#include "alphaswarm-cp/ext/http_routes.h"
#include "text.h"

namespace acp::conformance {

namespace {

// A leak of one descriptor or thread a round shows up in few; memory needs
// more rounds, because allocators and caches grow in steps.
constexpr int kWarmRounds = 10;
constexpr int kRounds = 20;
constexpr int kMemoryRounds = 200;
constexpr std::size_t kGrowthMax = 64 * 1024;
constexpr int kMany = 32;

constexpr const char* kConfig = "an acp_instance_config";

acp_instance_config config_of(std::string_view alias, const std::string& json, const std::string& plugin_dir,
                              const std::string& state_dir) {
    return {sizeof(acp_instance_config), 0, sdk::str(alias), sdk::str(json), sdk::str(plugin_dir), sdk::str(state_dir)};
}

std::string nested(std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += R"({"a":)";
    return text + "1" + std::string(depth, '}');
}

}  // namespace

Maker maker_of(Bench& bench, const char* iid) {
    const void* raw = bench.interface(iid);
    if (std::string_view(iid) == ACP_IID_HTTP_ROUTES) {
        const auto table = whole_table<acp_http_routes>(raw);
        return {table.create, table.destroy};
    }
    if (std::string_view(iid) == ACP_IID_AUTH_FLOW) {
        const auto table = whole_table<acp_auth_flow>(raw);
        return {table.create, table.destroy};
    }
    const auto table = whole_table<acp_provider>(raw);
    return {table.create, table.destroy};
}

Made make(const Maker& maker, const acp_host* host, const acp_instance_config* config) {
    Made made;
    void* self = nullptr;
    sdk::ErrorSlot error;
    made.code = at_boundary("create", [&] { return maker.create(host, config, &self, error.get()); });
    made.message = error.message();
    made.without_self = made.code == ACP_OK && !self;
    if (made.code == ACP_OK) at_boundary("destroy", [&] { maker.destroy(self); });
    return made;
}

Made make(Bench& bench, const Maker& maker, const std::string& config_json) {
    const std::string plugin_dir = bench.plugin_folder(), state_dir = bench.folder();
    const auto config = config_of("conformance", config_json, plugin_dir, state_dir);
    return make(maker, bench.host().raw(), &config);
}

void table_is_complete(Bench& bench, const char* iid) {
    const Maker maker = maker_of(bench, iid);
    std::string missing;
    if (!maker.create) missing += "create ";
    if (!maker.destroy) missing += "destroy ";
    if (std::string_view(iid) == ACP_IID_HTTP_ROUTES) {
        const auto table = whole_table<acp_http_routes>(bench.interface(iid));
        if (!table.routes) missing += "routes ";
        if (!table.handle) missing += "handle ";
    } else if (std::string_view(iid) == ACP_IID_AUTH_FLOW) {
        const auto table = whole_table<acp_auth_flow>(bench.interface(iid));
        if (!table.describe) missing += "describe ";
        if (!table.handle) missing += "handle ";
    } else if (!whole_table<acp_provider>(bench.interface(iid)).capabilities) {
        missing += "capabilities ";
    }
    require(missing.empty(), "the table lacks a function that every host calls", "all of them", missing + "is NULL");
}

void creates(Bench& bench, const char* iid) {
    bench.init();
    const Made made = make(bench, maker_of(bench, iid), bench.options().config_json);
    require(made.code == ACP_OK, "no instance can be made with the configuration that was given", "ACP_OK",
            status_name(made.code) + ": " + in_quotes(made.message));
    require(!made.without_self, "create succeeded without an instance", "*self set", "NULL");
}

void refuses_garbage(Bench& bench, const char* iid) {
    bench.init();
    const Maker maker = maker_of(bench, iid);
    // {NULL,0} and "" mean "not given", which a plugin without settings may take.
    make(bench, maker, "");
    struct Row {
        const char* what;
        std::string json;
    };
    const std::vector<Row> rows = {{"null", "null"},
                                   {"an array", "[]"},
                                   {"half an object", "{"},
                                   {"1 MiB that is no JSON", std::string(1 << 20, 'x')},
                                   {"100000 arrays in one another", std::string(100'000, '[')},
                                   {"20000 objects in one another", nested(20'000)},
                                   {"invalid UTF-8", "{\"\xff\xfe\":\"\xc0\x80\"}"},
                                   {"NUL bytes", std::string("{\"a\0b\":\"\0\"}", 11)}};
    for (const Row& row : rows) {
        const Made made = make(bench, maker, row.json);
        require(made.code != ACP_OK, "a configuration that makes no sense is accepted",
                std::string("a failed create for ") + row.what, "ACP_OK");
        require(is_status(made.code), "create failed with an unknown status", "ACP_E_*", status_name(made.code));
        require(!made.message.empty() && is_utf8(made.message), "create failed without saying why",
                "a message in UTF-8", in_quotes(made.message));
    }
}

void refuses_unknown_members(Bench& bench, const char* iid) {
    bench.init();
    const Made made = make(bench, maker_of(bench, iid), R"({"no-such-setting-of-anybody":1})");
    if (made.code != ACP_OK) {
        require(!made.message.empty() && is_utf8(made.message), "create failed without saying why",
                "a message in UTF-8", in_quotes(made.message));
        return;
    }
    // A host holds the configuration against the schema before it calls create.
    require(is_closed_schema(sdk::view(bench.entry().config_schema_json)), "a misspelt setting goes unnoticed",
            "a failed create, or \"additionalProperties\": false in the schema", "ACP_OK");
}

void survives_config_sizes(Bench& bench, const char* iid) {
    bench.init();
    const Maker maker = maker_of(bench, iid);
    const std::string plugin_dir = bench.plugin_folder(), state_dir = bench.folder(), alias = "conformance";
    const auto whole = config_of(alias, bench.options().config_json, plugin_dir, state_dir);
    using Config = Resized<acp_instance_config>;
    const Config short_one(whole, Config::short_by_a_pointer), long_one(whole, Config::longer_by_4_kib);
    make(maker, bench.host().raw(), short_one.get());
    const Made made = make(maker, bench.host().raw(), long_one.get());
    require(made.code == ACP_OK, std::string("a longer struct of a newer host is refused: ") + kConfig, "ACP_OK",
            status_name(made.code) + ": " + in_quotes(made.message));
}

void survives_error_sizes(Bench& bench, const char* iid) {
    bench.init();
    const Maker maker = maker_of(bench, iid);
    const std::string plugin_dir = bench.plugin_folder(), state_dir = bench.folder(), json = "[";
    const auto config = config_of("conformance", json, plugin_dir, state_dir);
    acp_error zero{};
    using Error = Resized<acp_error>;
    for (const auto kind : {Error::short_by_a_pointer, Error::longer_by_4_kib}) {
        const Error error(zero, kind);
        void* self = nullptr;
        const acp_status code =
            at_boundary("create", [&] { return maker.create(bench.host().raw(), &config, &self, error.get()); });
        if (code == ACP_OK) {
            at_boundary("destroy", [&] { maker.destroy(self); });
            continue;
        }
        if (error.get()->release) at_boundary("release", [&] { error.get()->release(error.get()); });
    }
}

void survives_bare_host(Bench& bench, const char* iid) {
    bench.init();
    acp_host bare{};
    bare.struct_size = sizeof bare;
    bare.version = ACP_STR_LITERAL("0.0.0-bare");
    bare.get_interface = [](const acp_host*, acp_str) -> const void* { return nullptr; };
    const std::string plugin_dir = bench.plugin_folder(), state_dir = bench.folder(), alias = "conformance";
    const auto config = config_of(alias, bench.options().config_json, plugin_dir, state_dir);
    const Made made = make(maker_of(bench, iid), &bare, &config);
    require(made.code == ACP_OK || (is_status(made.code) && !made.message.empty()),
            "create failed without saying what it misses of the host", "ACP_OK, or a status and a message",
            status_name(made.code));
}

void makes_many(Bench& bench, const char* iid) {
    bench.init();
    const Maker maker = maker_of(bench, iid);
    const std::string plugin_dir = bench.plugin_folder();
    std::vector<void*> all;
    for (int i = 0; i < kMany; ++i) {
        const std::string alias = "conformance-" + std::to_string(i), state_dir = bench.folder();
        const auto config = config_of(alias, bench.options().config_json, plugin_dir, state_dir);
        void* self = nullptr;
        sdk::ErrorSlot error;
        const acp_status code =
            at_boundary("create", [&] { return maker.create(bench.host().raw(), &config, &self, error.get()); });
        require(code == ACP_OK, "instance " + std::to_string(i + 1) + " of one process cannot be made", "ACP_OK",
                status_name(code) + ": " + in_quotes(error.message()));
        require(std::find(all.begin(), all.end(), self) == all.end(), "two instances are one",
                "a state of its own for each", "the same pointer");
        all.push_back(self);
    }
    // Neither the order of creation nor its reverse.
    for (std::size_t i = 0; i < all.size(); i += 2) at_boundary("destroy", [&] { maker.destroy(all[i]); });
    for (std::size_t i = 1; i < all.size(); i += 2) at_boundary("destroy", [&] { maker.destroy(all[i]); });
}

void leaves_nothing(Bench& bench, Leak leak, const std::function<void()>& once) {
    bench.init();
    for (int i = 0; i < kWarmRounds; ++i) once();
    const auto before = quiet();
    const int rounds = leak == Leak::memory ? kMemoryRounds : kRounds;
    const auto end = std::chrono::steady_clock::now() + bench.options().patience;
    int done = 0;
    while (done < rounds && (done < kRounds || std::chrono::steady_clock::now() < end)) {
        once();
        ++done;
    }
    const auto after = settled(before.threads);
    const std::string times = " after " + std::to_string(done) + " rounds of create, use and destroy";
    switch (leak) {
        case Leak::descriptors:
            require(after.descriptors.size() <= before.descriptors.size(), "descriptors stay open" + times,
                    std::to_string(before.descriptors.size()), new_descriptors(before, after));
            return;
        case Leak::threads:
            require(after.threads <= before.threads, "threads go on" + times, std::to_string(before.threads),
                    std::to_string(after.threads));
            return;
        case Leak::memory:
            require(after.heap_bytes <= before.heap_bytes + kGrowthMax, "memory grows" + times,
                    "at most " + std::to_string(kGrowthMax) + " bytes more",
                    std::to_string(after.heap_bytes - before.heap_bytes) + " bytes more");
            return;
    }
}

}  // namespace acp::conformance
