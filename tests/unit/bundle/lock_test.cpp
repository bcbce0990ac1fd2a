#include "bundle/lock.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "config/load.h"
#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;
namespace fs = std::filesystem;

namespace {

const std::string digest(64, 'a');
const std::string key(16, 'b');

Pin pin(const std::string& id, const std::string& version) {
    return {id, version, digest, key};
}

std::string told(const std::string& text) {
    auto lock = read_lock(text, "l");
    INFO(text);
    REQUIRE_FALSE(lock);
    CHECK(lock.error().slug == "lock_invalid");
    return config::describe(lock.error());
}

}  // namespace

TEST_CASE("a lock is written and read back", "[bundle]") {
    const Lock lock{{pin("a", "1.0.0"), pin("com.example.b", "2.0.0-rc.1+x")}};
    const std::string text = write_lock(lock);
    auto read = read_lock(text, "l");
    if (!read) FAIL(config::describe(read.error()));
    CHECK(*read == lock);
    CHECK(write_lock(*read) == text);
    CHECK(read_lock(write_lock({}), "l")->plugins.empty());
    CHECK(read->find("a")->version == "1.0.0");
    CHECK_FALSE(read->find("b"));
    // Sorted, in whatever order it was written by hand.
    const Lock turned{{lock.plugins[1], lock.plugins[0]}};
    CHECK(*read_lock(write_lock(turned), "l") == lock);
}

TEST_CASE("every mistake of a lock is told with its line and key", "[bundle]") {
    const std::string one = "  - {id: a, version: 1.0.0, sha256: " + digest + ", key: " + key + "}\n";
    REQUIRE(read_lock("lock: 1\nplugins:\n" + one, "l"));
    CHECK(told("") == "l:1:1: the file is empty\n");
    CHECK(told("lock: 2\nplugins: []\n") == "l:1:1: key lock: must be 1\n");
    CHECK(told("plugins: []\n") == "l:1:1: missing key lock\n");
    CHECK(told("lock: 1\n") == "l:1:1: missing key plugins\n");
    CHECK(told("lock: 1\nplugins: []\nmore: 1\n").find("l:3:1: key more: unknown key") == 0);
    CHECK(told("lock: 1\nplugins:\n  - {id: a}\n").find("l:3:5: key plugins[0]: missing key version\n") !=
          std::string::npos);
    CHECK(told("lock: 1\nplugins:\n" + one + one) ==
          "l:4:6: key plugins[1].id: the plugin a is pinned twice; keep one\n");
    std::string bad = one;
    CHECK(told("lock: 1\nplugins:\n" + bad.replace(bad.find("1.0.0"), 5, "latest")) ==
          "l:3:13: key plugins[0].version: is no semantic version\n");
    bad = one;
    CHECK(told("lock: 1\nplugins:\n" + bad.replace(bad.find(digest), 64, "abc"))
              .find("l:3:29: key plugins[0].sha256: must match ") == 0);
    bad = one;
    CHECK(told("lock: 1\nplugins:\n" + bad.replace(bad.find(key), 16, "abc")).find("key plugins[0].key: must match ") !=
          std::string::npos);
}

TEST_CASE("a lock file replaces the one before as a whole", "[bundle]") {
    const test::TempDir dir;
    const fs::path file = dir.path() / "plugins.lock";
    CHECK(load_lock(file).error().code == Code::not_found);
    const mode_t before = ::umask(077);
    REQUIRE(save_lock(file, {{pin("a", "1.0.0")}}));
    ::umask(before);
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0644);
    const auto first = status.st_ino;
    REQUIRE(save_lock(file, {{pin("b", "1.0.0")}}));
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK(status.st_ino != first);
    CHECK(load_lock(file)->find("b"));
    CHECK(std::distance(fs::directory_iterator(dir.path()), {}) == 1);

    auto nowhere = save_lock(dir.path() / "none/plugins.lock", {});
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().message.find("cannot be written: No such file") != std::string::npos);
    fs::permissions(file, fs::perms(0666));
    CHECK(load_lock(file).error().message.find("may be written by others") != std::string::npos);
    fs::rename(file, dir.path() / "real");
    fs::permissions(dir.path() / "real", fs::perms(0644));
    fs::create_symlink("real", file);
    CHECK(load_lock(file).error().message.find("is a symbolic link") != std::string::npos);
}

TEST_CASE("a pin gives way to a higher version only", "[bundle]") {
    std::vector<std::string> changes;
    const Lock old{{pin("a", "1.10.0"), pin("gone", "1.0.0")}};
    auto up = renewed(old, {pin("b", "0.1.0"), pin("a", "1.11.0")}, false, changes);
    REQUIRE(up);
    CHECK(up->plugins == std::vector<Pin>{pin("a", "1.11.0"), pin("b", "0.1.0")});
    CHECK(changes == std::vector<std::string>{"upgraded a 1.10.0 -> 1.11.0", "added b 0.1.0", "removed gone 1.0.0"});

    for (const char* lower : {"1.9.0", "1.10.0-rc.1", "0.99.0"}) {
        INFO(lower);
        auto down = renewed(old, {pin("a", lower)}, false, changes);
        REQUIRE_FALSE(down);
        CHECK(down.error().slug == "lock_downgrade");
        CHECK(down.error().message.find("--allow-downgrade") != std::string::npos);
        CHECK(renewed(old, {pin("a", lower)}, true, changes));
    }
    changes.clear();
    REQUIRE(renewed(old, {pin("a", "1.10.0"), pin("gone", "1.0.0")}, false, changes));
    CHECK(changes.empty());
    Pin other = pin("a", "1.10.0");
    other.key = std::string(16, 'c');
    REQUIRE(renewed(old, {other, pin("gone", "1.0.0")}, false, changes));
    CHECK(changes == std::vector<std::string>{"repinned a 1.10.0 -> 1.10.0, signed by another key"});
    CHECK(renewed({}, {pin("a", "1.0.0"), pin("a", "1.0.0")}, false, changes).error().slug == "lock_twice");
}
