#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "stream/stream.h"
#include "unit/plugins/house.h"

using namespace acp;
using namespace acp::plugins;
using namespace acp::plugins::test;

namespace {

struct Counts {
    std::atomic<int> inits{0}, deinits{0}, made{0}, destroyed{0};
};

const char* const kReleases[] = {ACP_RELOADABLE_1, ACP_RELOADABLE_2, ACP_RELOADABLE_3};

template <typename Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 20'000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

/// A catalogue with the plugin's first release and one instance of it.
struct Place {
    TempDir plugins, state;
    fs::path file;
    Catalogue catalogue;

    explicit Place(std::size_t generations = 8)
        : catalogue(host_api(), options(generations)) {
        put(1);
        catalogue.load({plugins.path()});
        catalogue.make_provider({"mine", "test.reloadable", "{}", {}});
    }
    CatalogueOptions options(std::size_t generations) const {
        CatalogueOptions o;
        o.state_root = state.path();
        o.patience = std::chrono::seconds(5);
        o.generations = generations;
        return o;
    }
    /// As an installation does it: beside the old file, then renamed into place.
    void put(int release) {
        const fs::path fresh = plugins.put(kReleases[release - 1], "fresh");
        file = plugins.path() / "reloadable.so";
        fs::rename(fresh, file);
    }
    std::string version() const {
        return catalogue.provider("mine").value()->status(call(), "x").value().image;
    }
    Record record() const { return catalogue.view()->records.at(0); }
};

stream::Ref open_log(const Provider& provider, bool follow) {
    auto stream = stream::Ref::make({});
    sdk::LogQuery query;
    query.follow = follow;
    query.tail_lines = 20;
    REQUIRE(provider.logs(call(), "x", query, stream));
    return stream;
}

}  // namespace

TEST_CASE("a reload puts the new release in the place of the old one; who has the old one keeps it") {
    Place place;
    CHECK(place.version() == "1.0.0");
    CHECK(place.record().generation == 1);
    ProviderPtr held = place.catalogue.provider("mine").value();
    place.put(2);
    const auto reloaded = place.catalogue.reload("test.reloadable");
    REQUIRE(reloaded);
    CHECK(reloaded->changed);
    CHECK(reloaded->version == "2.0.0");
    CHECK(reloaded->generation == 2);
    CHECK(reloaded->instances == std::vector<std::string>{"mine"});
    CHECK(place.version() == "2.0.0");
    CHECK(place.record().version == "2.0.0");
    CHECK(held->status(call(), "x").value().image == "1.0.0");
    held.reset();
    CHECK(eventually([&] { return place.catalogue.retiring() == 0; }));
}

TEST_CASE("the old release ends when the last stream of it does, and not on the plugin's own thread") {
    Place place;
    auto stream = open_log(*place.catalogue.provider("mine").value(), true);
    place.put(2);
    REQUIRE(place.catalogue.reload("test.reloadable"));
    // It still writes, as the release that it was opened on.
    stream::Chunk chunk;
    CHECK(eventually([&] { return stream->pull(chunk) == stream::Stream::Pulled::chunk; }));
    CHECK(chunk.bytes.find("1.0.0 line") != std::string::npos);
    stream->close(ACP_CLOSE_LISTENER);
    stream = {};
    CHECK(eventually([&] { return place.catalogue.retiring() == 0; }));
}

TEST_CASE("the same file is not loaded again, and a release that comes back after another is fresh code") {
    Place place;
    const auto same = place.catalogue.reload("test.reloadable");
    REQUIRE(same);
    CHECK_FALSE(same->changed);
    CHECK(same->generation == 1);
    place.put(2);
    REQUIRE(place.catalogue.reload("test.reloadable"));
    place.put(1);
    const auto back = place.catalogue.reload("test.reloadable");
    REQUIRE(back);
    CHECK(back->generation == 3);
    CHECK(place.version() == "1.0.0");
}

TEST_CASE("a reload that fails leaves all as it was, and says why") {
    Place place;
    const auto fails = [&](const char* slug) {
        const auto reloaded = place.catalogue.reload("test.reloadable");
        REQUIRE_FALSE(reloaded);
        CHECK(reloaded.error().slug == slug);
        CHECK(place.version() == "1.0.0");
        CHECK(place.record().loaded);
        return reloaded.error().message;
    };
    SECTION("a release that makes no instance") {
        place.put(3);
        CHECK(fails("plugin_refused").find("this release is broken") != std::string::npos);
        CHECK(place.record().fault.message.find("instance mine") != std::string::npos);
        place.put(2);
        REQUIRE(place.catalogue.reload("test.reloadable"));
        CHECK(place.record().fault.message.empty());
    }
    SECTION("no plugin any more") {
        std::ofstream(place.file) << "text";
        CHECK(fails("plugin_refused").find("ELF") != std::string::npos);
    }
    SECTION("gone") {
        fs::remove(place.file);
        CHECK(fails("plugin_refused").find("cannot be read") != std::string::npos);
    }
    SECTION("another plugin") {
        fs::rename(place.plugins.put(ACP_SCRIPTED, "other"), place.file);
        CHECK(fails("plugin_refused").find("test.scripted") != std::string::npos);
    }
    CHECK(place.catalogue.reload("no.such").error().slug == "plugin_not_found");
}

TEST_CASE("code is never unloaded, so reloads have an end") {
    Place place(2);
    place.put(2);
    REQUIRE(place.catalogue.reload("test.reloadable"));
    place.put(1);
    const auto refused = place.catalogue.reload("test.reloadable");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().slug == "generation_limit");
    CHECK(refused.error().code == Code::conflict);
    CHECK(place.version() == "2.0.0");
}

TEST_CASE("no call fails while releases come and go") {
    Place place(40);
    std::atomic<bool> stop{false};
    std::atomic<int> good{0}, bad{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            while (!stop) {
                const auto provider = place.catalogue.provider("mine");
                (provider && (*provider)->status(call(), "x") ? good : bad)++;
            }
        });
    std::vector<stream::Ref> streams;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(open_log(*place.catalogue.provider("mine").value(), false));
        place.put(i % 2 == 0 ? 2 : 1);
        REQUIRE(place.catalogue.reload("test.reloadable"));
    }
    stop = true;
    for (auto& thread : threads) thread.join();
    CHECK(good > 0);
    CHECK(bad == 0);
    for (auto& stream : streams) {
        int lines = 0;
        CHECK(eventually([&] {
            stream::Chunk chunk;
            const auto pulled = stream->pull(chunk);
            if (pulled == stream::Stream::Pulled::chunk)
                lines += static_cast<int>(std::count(chunk.bytes.begin(), chunk.bytes.end(), '\n'));
            return pulled == stream::Stream::Pulled::ended;
        }));
        CHECK(lines == 20);
    }
    streams.clear();
    CHECK(eventually([&] { return place.catalogue.retiring() == 0; }));
}

TEST_CASE("what is loaded is a copy: the file may be written over while it works") {
    Place place;
    std::ofstream(place.file, std::ios::trunc) << "not what it was";
    CHECK(place.version() == "1.0.0");
    const auto store = place.state.path() / ".copies" / place.record().sha256 / "reloadable.so";
    CHECK(fs::exists(store));
    CHECK((fs::status(store).permissions() & fs::perms::mask) == (fs::perms::owner_read | fs::perms::owner_exec));
}

TEST_CASE("copies of plugins that are gone do not stay") {
    TempDir plugins, state;
    plugins.put(ACP_RELOADABLE_1, "a.so");
    {
        Catalogue catalogue(host_api(), options_at(state.path()));
        catalogue.load({plugins.path()});
    }
    fs::rename(plugins.put(ACP_RELOADABLE_2, "fresh"), plugins.path() / "a.so");
    Catalogue catalogue(host_api(), options_at(state.path()));
    catalogue.load({plugins.path()});
    int copies = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(state.path() / ".copies")) ++copies;
    CHECK(copies == 1);
}

TEST_CASE("a flow is reloaded like any instance; other endpoints take a restart") {
    TempDir dir, state;
    const auto file = dir.put(ACP_SCRIPTED_FLOW, "flow.so");
    Catalogue catalogue(host_api(), options_at(state.path()));
    catalogue.load({dir.path()});
    catalogue.make_flow({"mine", "test.flow", "{}", {}});
    const AuthFlowPtr held = catalogue.view()->flow("mine");
    REQUIRE(held);
    // Beside the old file, then renamed into place; the loader ignores what follows an ELF file's sections.
    const auto replace_with = [&](const fs::path& from, const std::string& more) {
        const auto fresh = dir.put(from, "fresh");
        std::ofstream(fresh, std::ios::app | std::ios::binary) << more;
        fs::rename(fresh, file);
    };
    replace_with(ACP_SCRIPTED_FLOW, "another release");
    const auto reloaded = catalogue.reload("test.flow");
    REQUIRE(reloaded);
    CHECK(reloaded->changed);
    CHECK(reloaded->instances == std::vector<std::string>{"mine"});
    CHECK(catalogue.view()->flow("mine") != held);
    AuthRequest pass;
    pass.operation_id = "pass";
    CHECK(held->handle(call(), pass));

    replace_with(ACP_FLOW_WITH_MORE, "");
    const auto now = catalogue.view()->flow("mine");
    const auto refused = catalogue.reload("test.flow");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().slug == "routes_changed");
    CHECK(catalogue.view()->flow("mine") == now);
}
