// What is loaded is what was verified.
#include "bundle/store.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;
using namespace acp::bundle::test;

namespace {

unsigned mode(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

std::size_t count(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

struct Scene {
    TempDir dir;
    Sample sample;
    fs::path bundle = dir.path() / "thing";
    fs::path store = dir.path() / "state/store";

    Scene() { sample.write(bundle, nullptr); }
    Opened open() {
        auto opened = open_bundle(bundle, {}, store);
        if (opened.fault) FAIL(opened.fault->message + " " + opened.fault->found);
        return opened;
    }
    /// Changes a file of an entry the way somebody with the rights would.
    static void force(const fs::path& file, std::string_view bytes) {
        fs::permissions(file.parent_path(), fs::perms::owner_all);
        fs::remove(file);
        put(file, bytes, 0500);
        fs::permissions(file.parent_path(), fs::perms(0500));
    }
};

}  // namespace

TEST_CASE("the store holds private read-only copies", "[bundle]") {
    Scene scene;
    const mode_t before = ::umask(0);
    const auto opened = scene.open();
    ::umask(before);
    CHECK(opened.sha256 == sha256_hex(scene.sample.manifest_text()));
    CHECK(opened.folder == scene.store / opened.sha256);
    CHECK(opened.library == opened.folder / "plugin.so");
    CHECK_FALSE(opened.was_mended);
    CHECK(mode(scene.store) == 0700);
    CHECK(mode(opened.folder) == 0500);
    CHECK(mode(opened.folder / "share/icons") == 0500);
    CHECK(mode(opened.library) == 0500);
    CHECK(mode(opened.folder / "LICENSES") == 0400);
    CHECK(mode(opened.folder / "manifest.yaml") == 0400);
    CHECK(contents(opened.folder / "manifest.yaml") == scene.sample.manifest_text());
    CHECK(contents(opened.library) == scene.sample.files["plugin.so"]);
    CHECK(count(scene.store) == 1);

    // Later changes of the bundle do not reach it.
    put(scene.bundle / "plugin.so", "other", 0755);
    CHECK(contents(opened.library) == scene.sample.files["plugin.so"]);
    CHECK(open_bundle(scene.bundle, {}, scene.store).fault);
    CHECK(count(scene.store) == 1);
}

TEST_CASE("an entry that is whole is used again", "[bundle]") {
    Scene scene;
    const auto first = scene.open();
    struct stat before {
    }, after{};
    REQUIRE(::stat(first.library.c_str(), &before) == 0);
    const auto second = scene.open();
    CHECK(second.library == first.library);
    CHECK_FALSE(second.was_mended);
    REQUIRE(::stat(second.library.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
    // Another bundle lies beside it.
    scene.sample.files["plugin.so"] = "the next release";
    scene.sample.write(scene.bundle, nullptr);
    CHECK(scene.open().library != first.library);
    CHECK(count(scene.store) == 2);
    CHECK(fs::exists(first.library));
}

TEST_CASE("an entry that was tampered with is replaced", "[bundle]") {
    Scene scene;
    const auto first = scene.open();
    SECTION("other bytes of the same size") {
        Scene::force(first.library, "NOT REALLY CODE");
    }
    SECTION("other size") {
        Scene::force(first.library, "evil");
    }
    SECTION("an extra file") {
        fs::permissions(first.folder, fs::perms::owner_all);
        put(first.folder / "extra.so", "evil");
    }
    SECTION("a missing file") {
        fs::permissions(first.folder, fs::perms::owner_all);
        fs::remove(first.folder / "LICENSES");
    }
    SECTION("another manifest") {
        Scene::force(first.folder / "manifest.yaml", "manifest: 1\n");
    }
    SECTION("a link") {
        fs::permissions(first.folder, fs::perms::owner_all);
        fs::rename(first.library, scene.dir.path() / "plugin.so");
        fs::create_symlink(scene.dir.path() / "plugin.so", first.library);
    }
    SECTION("others may write") {
        ::chmod(first.library.c_str(), 0777);
    }
    SECTION("a file in its place") {
        fs::permissions(first.folder, fs::perms::owner_all);
        fs::permissions(first.folder / "share", fs::perms::owner_all);
        fs::permissions(first.folder / "share/icons", fs::perms::owner_all);
        fs::remove_all(first.folder);
        put(first.folder, "x");
    }
    SECTION("a link in its place") {
        fs::permissions(first.folder, fs::perms::owner_all);
        fs::rename(first.folder, scene.dir.path() / "moved");
        fs::create_symlink(scene.dir.path() / "moved", first.folder);
    }
    const auto again = scene.open();
    CHECK(again.was_mended);
    CHECK(again.folder == first.folder);
    CHECK(contents(again.library) == scene.sample.files["plugin.so"]);
    CHECK(mode(again.library) == 0500);
    CHECK(fs::is_directory(fs::symlink_status(again.folder)));
    CHECK_FALSE(fs::exists(again.folder / "extra.so"));
    CHECK(count(scene.store) == 1);
    CHECK_FALSE(scene.open().was_mended);
}

TEST_CASE("several at once bring the same entry", "[bundle]") {
    Scene scene;
    scene.sample.files["plugin.so"] = std::string(1U << 20, 'x');
    scene.sample.write(scene.bundle, nullptr);
    std::vector<std::thread> threads;
    std::vector<Opened> all(8);
    for (auto& one : all) threads.emplace_back([&one, &scene] { one = open_bundle(scene.bundle, {}, scene.store); });
    for (auto& thread : threads) thread.join();
    for (const auto& one : all) {
        INFO((one.fault ? one.fault->message + " " + one.fault->found : ""));
        CHECK_FALSE(one.fault);
        CHECK(one.folder == all.front().folder);
    }
    CHECK(count(scene.store) == 1);
    CHECK(contents(all.front().library) == scene.sample.files["plugin.so"]);
}

TEST_CASE("a store that others could reach is closed to them", "[bundle]") {
    Scene scene;
    fs::create_directories(scene.store);
    fs::permissions(scene.store, fs::perms(0777));
    scene.open();
    CHECK(mode(scene.store) == 0700);
    if (::geteuid() == 0) {
        REQUIRE(::chown(scene.store.c_str(), 12345, 0) == 0);
        const auto opened = open_bundle(scene.bundle, {}, scene.store);
        REQUIRE(opened.fault);
        CHECK(opened.fault->found.find("belongs to uid 12345") != std::string::npos);
    }
    const auto file = put(scene.dir.path() / "file", "");
    CHECK(open_bundle(scene.bundle, {}, file).fault->message.find("cannot be put into the store") != std::string::npos);
    CHECK(open_bundle(scene.bundle, {}, file / "below").fault);
}

TEST_CASE("what a crash left is cleared after an hour", "[bundle]") {
    Scene scene;
    scene.open();
    const fs::path old = scene.store / ".draft-old";
    const fs::path young = scene.store / ".draft-young";
    put(old / "a/b", "x", 0400);
    put(young / "a", "x", 0400);
    fs::permissions(old / "a", fs::perms(0500));
    fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
    REQUIRE(Store::open(scene.store));
    CHECK_FALSE(fs::exists(old));
    CHECK(fs::exists(young));
}
