#include "base/secret_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/bytes.h"

using namespace acp;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("acp-secret-" + random_token(9));
    Folder() { fs::create_directory(path); }
    ~Folder() { fs::remove_all(path); }
};

mode_t mode_of(const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a secret is made once, and replaced when that is wanted") {
    const Folder folder;
    const fs::path file = folder.path / "deep" / "secret";
    REQUIRE(make_secret_file(file, "one"));
    REQUIRE(make_secret_file(file, "two"));
    CHECK(read_secret_file(file).value() == "one");
    CHECK(mode_of(file) == 0600);
    CHECK(mode_of(file.parent_path()) == 0700);
    REQUIRE(replace_secret_file(file, "three"));
    CHECK(read_secret_file(file).value() == "three");
    CHECK(mode_of(file) == 0600);
    // Nothing is left of the drafts.
    CHECK(std::distance(fs::directory_iterator(file.parent_path()), fs::directory_iterator()) == 1);
    CHECK(read_secret_file(folder.path / "none").error().code == Code::not_found);
}

TEST_CASE("a secret that others may see or replace is refused") {
    const Folder folder;
    const fs::path file = folder.path / "secret";
    REQUIRE(make_secret_file(file, "x"));
    for (const mode_t mode : {0604, 0640, 0660, 0602, 0777}) {
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        // What root keeps, a group may read.
        CHECK(read_secret_file(file).has_value() == (mode == 0640 && ::geteuid() == 0));
    }
    if (::geteuid() != 0) return;
    REQUIRE(::chmod(folder.path.c_str(), 0755) == 0);
    REQUIRE(::chown(file.c_str(), 23456, static_cast<gid_t>(-1)) == 0);
    REQUIRE(::chmod(file.c_str(), 0600) == 0);
    CHECK(read_secret_file(file));  // root checks the files of the server's user
    REQUIRE(::chmod(file.c_str(), 0644) == 0);
    REQUIRE(::seteuid(12345) == 0);
    const auto as_stranger = read_secret_file(file);
    REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(as_stranger);
    CHECK_THAT(as_stranger.error().message, Catch::Contains("belongs to another user"));
}
