#include <catch2/catch.hpp>

#include "unit/plugins/house.h"

using namespace acp::plugins;
using namespace acp::plugins::test;

namespace {

Instance instance(const Catalogue& catalogue, const std::string& alias) {
    const auto view = catalogue.view();
    for (const auto& i : view->instances)
        if (i.alias == alias) return i;
    throw std::runtime_error("no instance " + alias);
}

}  // namespace

TEST_CASE("plugins are loaded in order of name, and what fails stays visible") {
    TempDir dir, state;
    dir.put(ACP_SCRIPTED, "b.so");
    dir.put(fs::path(ACP_BAD_PLUGINS) / "no_entry.so", "a.so");
    dir.put(ACP_CARELESS, "c.so");
    dir.put(ACP_SCRIPTED, "ignored.txt");
    Catalogue catalogue(host_api(), options_at(state.path()));
    catalogue.load({dir.path() / "missing", dir.path()});
    const auto records = catalogue.view()->records;
    REQUIRE(records.size() == 4);
    CHECK(records[0].fault.message == "the plugin folder cannot be read");
    CHECK(records[1].fault.stage == "symbol");
    CHECK(records[2].id == "test.scripted");
    CHECK(records[3].id == "test.careless");
    CHECK(records[3].loaded);
}

TEST_CASE("a second plugin of one id is refused") {
    TempDir dir, state;
    dir.put(ACP_SCRIPTED, "a.so");
    dir.put(ACP_SCRIPTED, "b.so");
    Catalogue catalogue(host_api(), options_at(state.path()));
    catalogue.load({dir.path()});
    REQUIRE(catalogue.view()->records.size() == 2);
    CHECK(catalogue.view()->records[0].loaded);
    CHECK_FALSE(catalogue.view()->records[1].loaded);
    CHECK(catalogue.view()->records[1].fault.expected.find("test.scripted") != std::string::npos);
}

TEST_CASE("one file met twice is loaded once: its code would be ended under the plugin in use") {
    struct Counts {
        int inits, deinits, creates, destroys;
    };
    TempDir dir, state;
    const auto file = dir.put(ACP_CARELESS, "a.so");
    fs::create_symlink(file, dir.path() / "b.so");
    fs::create_hard_link(file, dir.path() / "c.so");
    Record record;
    Catalogue catalogue(host_api(), options_at(state.path()));
    catalogue.load({dir.path(), dir.path()});
    REQUIRE(catalogue.view()->records.size() == 6);
    CHECK(catalogue.view()->records[0].loaded);
    for (std::size_t i = 1; i < 6; ++i) {
        CHECK_FALSE(catalogue.view()->records[i].loaded);
        CHECK(catalogue.view()->records[i].fault.message == "this file is loaded already");
        CHECK(catalogue.view()->records[i].fault.found == file.string());
    }
    // The loader gives this one the same code, and so the same counts.
    LoadOptions options;
    options.store = state.path() / ".copies";
    auto probe = Library::load(file, host_api(), options, record);
    REQUIRE(probe);
    const auto* counts = static_cast<const Counts*>(probe->interface("test.counts/1"));
    CHECK(counts->inits == 2);
    CHECK(counts->deinits == 0);
}

TEST_CASE("instances are made, or tell why not") {
    TempDir dir, state;
    dir.put(ACP_SCRIPTED, "a.so");
    dir.put(ACP_GREETER, "b.so");
    Catalogue catalogue(host_api(), options_at(state.path() / "state"));
    catalogue.load({dir.path()});
    catalogue.make_provider({"good", "test.scripted", R"({"mode":"fine"})", {}});
    catalogue.make_provider({"typo", "test.scripted", R"({"mod":"fine"})", {}});
    catalogue.make_provider({"broken", "test.scripted", R"({"mode":"broken"})", {}});
    catalogue.make_provider({"ghost", "no.such", "{}", {}});
    catalogue.make_provider({"mixed", "test.greeter", "{}", {}});
    catalogue.make_routes({"hello", "test.greeter", "{}", "/ext/hello"});
    catalogue.make_routes({"wrong", "test.scripted", "{}", "/ext/wrong"});

    CHECK(instance(catalogue, "good").ready);
    CHECK(fs::status(state.path() / "state" / "good").permissions() == fs::perms::owner_all);
    CHECK(instance(catalogue, "typo").fault.stage == "config");
    CHECK(instance(catalogue, "typo").fault.found.find("mod") != std::string::npos);
    CHECK(instance(catalogue, "broken").fault.message == "the fixture is broken by its config");
    CHECK(instance(catalogue, "ghost").fault.found == "test.scripted, test.greeter");
    CHECK(instance(catalogue, "mixed").fault.expected == ACP_IID_PROVIDER);
    CHECK(instance(catalogue, "hello").ready);
    CHECK(instance(catalogue, "hello").mount == "/ext/hello");
    CHECK(instance(catalogue, "wrong").fault.expected == ACP_IID_HTTP_ROUTES);

    CHECK(catalogue.provider("good").value()->alias() == "good");
    CHECK(catalogue.provider("broken").error().code == acp::Code::unavailable);
    CHECK(catalogue.provider("broken").error().message.find("broken by its config") != std::string::npos);
    CHECK(catalogue.provider("hello").error().code == acp::Code::not_found);
    CHECK(catalogue.provider("nobody").error().message.find("good, typo, broken") != std::string::npos);
    CHECK(catalogue.view()->providers.size() == 1);
    CHECK(catalogue.view()->routes.size() == 1);
}

TEST_CASE("auth flows are instances like others, in the order of the configuration") {
    TempDir dir, state;
    dir.put(ACP_SCRIPTED_FLOW, "a.so");
    dir.put(ACP_SCRIPTED, "b.so");
    Catalogue catalogue(host_api(), options_at(state.path()));
    catalogue.load({dir.path()});
    catalogue.make_flow({"second", "test.flow", "{}", {}});
    catalogue.make_flow({"first", "test.flow", "{}", {}});
    catalogue.make_flow({"wrong", "test.scripted", "{}", {}});
    catalogue.make_flow({"broken", "test.flow", R"({"throws":1})", {}});
    const auto view = catalogue.view();
    CHECK(instance(catalogue, "second").ready);
    CHECK(instance(catalogue, "second").kind == "auth_flow");
    CHECK(instance(catalogue, "wrong").fault.expected == ACP_IID_AUTH_FLOW);
    CHECK(instance(catalogue, "broken").fault.stage == "create");
    REQUIRE(view->flows.size() == 2);
    CHECK(view->flows[0]->alias() == "second");
    CHECK(view->flow("first") == view->flows[1]);
    CHECK(view->flow("broken") == nullptr);
    CHECK(fs::status(state.path() / "first").permissions() == fs::perms::owner_all);
}
