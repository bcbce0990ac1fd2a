#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "unit/plugins/house.h"

using namespace acp::plugins;
using namespace acp::plugins::test;

namespace {

struct Counts {
    int inits, deinits, creates, destroys;
};

Record load(const fs::path& file) {
    Record record;
    const auto library = Library::load(file, host_api(), {}, record);
    CHECK((library != nullptr) == record.loaded);
    return record;
}

}  // namespace

TEST_CASE("each broken plugin is refused at its stage, with what was expected and what to do") {
    struct Case {
        std::string file, stage, expected;
    };
    const auto c = GENERATE(values<Case>({{"bad_id", "entry", "[a-z0-9.-]{1,64}"},
                                          {"init_fails", "init", "succeed"},
                                          {"missing_library", "load", "symbols"},
                                          {"newer_minor", "abi", "1.0"},
                                          {"next_major", "abi", "acp_plugin_entry_v1"},
                                          {"no_entry", "symbol", "acp_plugin_entry_v1"},
                                          {"no_entry_given", "entry", "acp_plugin_entry"},
                                          {"no_functions", "entry", "init, deinit and get_interface"},
                                          {"short_entry", "abi", "struct_size"}}));
    CAPTURE(c.file);
    const auto record = load(fs::path(ACP_BAD_PLUGINS) / (c.file + ".so"));
    CHECK_FALSE(record.loaded);
    CHECK(record.fault.stage == c.stage);
    CHECK(record.fault.expected.find(c.expected) != std::string::npos);
    CHECK_FALSE(record.fault.message.empty());
    CHECK_FALSE(record.fault.remedy.empty());
}

TEST_CASE("what a plugin says in its failed init is kept") {
    const auto record = load(fs::path(ACP_BAD_PLUGINS) / "init_fails.so");
    CHECK(record.id == "fixture.init-fails");
    CHECK(record.fault.message == "the fixture's licence has run out");
}

TEST_CASE("a file is judged before anything of it runs") {
    TempDir dir;
    const auto so = dir.put(fs::path(ACP_BAD_PLUGINS) / "fine.so", "fine.so");
    SECTION("a text") {
        std::ofstream(so, std::ios::trunc) << "#!/bin/sh\n";
        CHECK(load(so).fault.stage == "file");
    }
    SECTION("nothing") {
        std::ofstream(so, std::ios::trunc).flush();
        CHECK(load(so).fault.stage == "file");
    }
    SECTION("half of it") {
        fs::resize_file(so, fs::file_size(so) / 2);
        CHECK(load(so).fault.stage == "symbol");
    }
    SECTION("every length") {
        const auto whole = fs::file_size(so);
        for (auto size = whole; size > 0; size = size * 3 / 4) {
            if (size == whole) continue;
            fs::resize_file(so, size);
            CHECK_FALSE(load(so).loaded);
        }
    }
    SECTION("writable by others") {
        fs::permissions(so, fs::perms(0775));
        CHECK(load(so).fault.found == "0775");
    }
    SECTION("a folder") {
        fs::create_directory(dir.path() / "folder.so");
        CHECK(load(dir.path() / "folder.so").fault.message == "the plugin is no regular file");
    }
    SECTION("missing") {
        CHECK(load(dir.path() / "none.so").fault.stage == "file");
    }
    SECTION("another machine's") {
        std::fstream file(so, std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(18);  // e_machine
        file.put(8).put(0);
        file.close();
        CHECK(load(so).fault.message == "the shared object is for another platform");
    }
}

TEST_CASE("a sound plugin is on record with what it is and offers") {
    const auto record = load(ACP_SCRIPTED);
    REQUIRE(record.loaded);
    CHECK(record.id == "test.scripted");
    CHECK(record.version == "2.1.0");
    CHECK(record.vendor == "alphaswarm-cp tests");
    CHECK(record.sha256.size() == 64);
    CHECK(record.interfaces == std::vector<std::string>{"acp.provider/1", "acp.logs/1", "acp.exec/1", "acp.health/1"});
}

TEST_CASE("init and deinit come once each; the code stays usable behind the library's end") {
    TempDir dir;
    Record record;
    auto library = Library::load(dir.put(ACP_CARELESS, "careless.so"), host_api(), {}, record);
    REQUIRE(library);
    const auto* counts = static_cast<const Counts*>(library->interface("test.counts/1"));
    REQUIRE(counts);
    CHECK(counts->inits == 1);
    CHECK(library->interface("no.such/1") == nullptr);
    library.reset();
    CHECK(counts->deinits == 1);
}
