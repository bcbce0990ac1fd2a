#include "bundle/pack.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "bundle/found.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;
using namespace acp::bundle::test;

namespace {

struct Scene {
    TempDir dir;
    Sample sample;
    fs::path folder = dir.path() / "in";
    fs::path output = dir.path() / "out.acpb";

    Scene() {
        for (const auto& [name, bytes] : sample.files) put(folder / name, bytes);
    }
    Result<std::string> pack_all(const Key* key = nullptr) {
        auto contents = contents_of(folder);
        if (!contents) return fail(contents.error());
        if (auto measured = measure(*contents, sample.manifest); !measured) return fail(measured.error());
        return pack(*contents, sample.manifest, key ? key->secret.get() : nullptr, output);
    }
};

}  // namespace

TEST_CASE("a packed bundle is good, and the same bytes each time", "[bundle]") {
    Scene scene;
    const Key key;
    auto first = scene.pack_all(&key);
    if (!first) FAIL(first.error().message);
    const auto opened = verify_bundle(scene.output, trust_in(key, Policy::is_signed, scene.dir.path() / "trust"));
    if (opened.fault) FAIL(opened.fault->message);
    CHECK(opened.sha256 == *first);
    CHECK(opened.keys == std::vector<std::string>{key.id});
    struct stat status {};
    REQUIRE(::stat(scene.output.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0644);

    const std::string before = contents(scene.output);
    fs::last_write_time(scene.folder / "plugin.so", fs::file_time_type::clock::now() - std::chrono::hours(100));
    REQUIRE(scene.pack_all(&key));
    CHECK(contents(scene.output) == before);
    // Only the output is left.
    CHECK(found_in(scene.dir.path())->size() == 2);
}

TEST_CASE("names of every length are carried", "[bundle]") {
    Scene scene;
    put(scene.folder / (std::string(120, 'a') + "/" + std::string(120, 'b')), "long");
    put(scene.folder / std::string(200, 'c'), "longer");
    auto packed = scene.pack_all();
    if (!packed) FAIL(packed.error().message);
    CHECK(verify_bundle(scene.output, {}).manifest->files.size() == 5);
}

TEST_CASE("what cannot be packed", "[bundle]") {
    Scene scene;
    auto told = [&] {
        auto packed = scene.pack_all();
        REQUIRE_FALSE(packed);
        CHECK_FALSE(fs::exists(scene.output));
        std::string out = packed.error().message;
        for (const auto& v : packed.error().violations) out += "; " + v.detail;
        return out;
    };
    SECTION("a link") {
        fs::create_symlink("plugin.so", scene.folder / "link");
        CHECK(told().find("is a link or a special file") != std::string::npos);
    }
    SECTION("a pipe") {
        ::mkfifo((scene.folder / "pipe").c_str(), 0600);
        CHECK(told().find("is a link or a special file") != std::string::npos);
    }
    SECTION("an id that is none") {
        scene.sample.manifest.id = "Com";
        CHECK(told().find("key id: must match") != std::string::npos);
    }
    SECTION("no plugin") {
        fs::remove(scene.folder / "plugin.so");
        CHECK(told().find("missing key plugin.so") != std::string::npos);
    }
    SECTION("too deep") {
        put(scene.folder / "a/b/c/d/e", "");
        CHECK(told().find("deeper than 4 levels") != std::string::npos);
    }
    SECTION("a name that is no bundle's") {
        scene.output = scene.dir.path() / "out.tar";
        CHECK(told().find("must end in .acpb") != std::string::npos);
    }
    SECTION("nowhere") {
        scene.output = scene.dir.path() / "none/out.acpb";
        CHECK(told().find("cannot be written: No such file") != std::string::npos);
    }
    SECTION("a file that changed meanwhile") {
        auto all = contents_of(scene.folder);
        REQUIRE(measure(*all, scene.sample.manifest));
        put(scene.folder / "LICENSES", "do what I like!!\n");
        CHECK_FALSE(pack(*all, scene.sample.manifest, nullptr, scene.output));
        put(scene.folder / "LICENSES", "short");
        CHECK_FALSE(pack(*all, scene.sample.manifest, nullptr, scene.output));
        CHECK_FALSE(fs::exists(scene.output));
    }
}

TEST_CASE("what may run is marked", "[bundle]") {
    Scene scene;
    put(scene.folder / "bin/tool", "x", 0755);
    put(scene.folder / "sbom.json", "{}", 0755);
    REQUIRE(scene.pack_all());
    const auto files = verify_bundle(scene.output, {}).manifest->files;
    CHECK(files.at("plugin.so").is_exec);
    CHECK(files.at("bin/tool").is_exec);
    CHECK_FALSE(files.at("sbom.json").is_exec);
    CHECK_FALSE(files.at("LICENSES").is_exec);
}

TEST_CASE("what of a folder is a plugin", "[bundle]") {
    const TempDir dir;
    put(dir.path() / "b.so", "");
    put(dir.path() / "a.acpb", "");
    put(dir.path() / "c/manifest.yaml", "");
    put(dir.path() / "d/plugin.so", "");
    put(dir.path() / "e/manifest.sig", "");
    put(dir.path() / "notes/plugin.txt", "");
    put(dir.path() / "README", "");
    auto found = found_in(dir.path());
    REQUIRE(found);
    CHECK(*found == std::vector<fs::path>{dir.path() / "a.acpb", dir.path() / "b.so", dir.path() / "c",
                                          dir.path() / "d", dir.path() / "e"});
    auto none = found_in(dir.path() / "none");
    REQUIRE_FALSE(none);
    CHECK(none.error().message.find("No such file") != std::string::npos);
}
