// Sealing and naming, and the key file.
#include "state/seal.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/secret_file.h"
#include "bench.h"
#include "state/hmac.h"
#include "state/key_file.h"
#include "state/open.h"

using namespace acp;
using namespace acp::state;
using namespace acp::state::test;

namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder() : path_(fs::temp_directory_path() / ("acp-state-" + random_token(9))) { fs::create_directory(path_); }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    fs::path operator/(const std::string& name) const { return path_ / name; }
    fs::path write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        const fs::path file = path_ / name;
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }

private:
    const fs::path path_;
};

mode_t mode_of(const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status.st_mode & 0777;
}

std::string line(char byte) {
    return base64url(std::string(32, byte));
}

std::string refusal(const std::string& text) {
    auto keys = parse_keys(text);
    REQUIRE_FALSE(keys);
    CHECK(keys.error().code == Code::invalid);
    return keys.error().message;
}

std::string as_text(const Sha256& digest) {
    return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace

TEST_CASE("HMAC-SHA-256 and HKDF are those of the standards", "[state]") {
    // RFC 4231 section 4.3, in one part and in two.
    CHECK(as_text(Hmac("Jefe").of({"what do ya want for nothing?"})) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(as_text(Hmac("Jefe").of({"what do ya want", " for nothing?"})) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    // RFC 5869 by its definition: extract without salt, one block of expand.
    const std::string secret(32, '\x0b');
    const Sha256 extracted = Hmac(std::string(32, '\0')).of({secret});
    const Sha256 expanded = Hmac({reinterpret_cast<const char*>(extracted.data()), extracted.size()}).of({"purpose", "\x01"});
    CHECK(hex(derive_key(secret, "purpose")) == as_text(expanded));
}

TEST_CASE("names keep kinds, spaces and keys apart", "[state]") {
    const Seal seal(keys());
    std::set<std::string> names;
    std::size_t count = 0;
    for (Kind kind : {Kind::entry, Kind::counter, Kind::owner, Kind::member, Kind::lock})
        for (std::string_view space : {"a", "ab", "abc"})
            for (std::string_view key : {"", "b", "bc", "c"})
                for (std::string_view of : {"", "b", "bc"}) {
                    names.insert(seal.name(kind, space, key, of));
                    ++count;
                }
    CHECK(names.size() == count);
    CHECK(seal.name(Kind::entry, "session", "k") == seal.name(Kind::entry, "session", "k"));
    CHECK(seal.name(Kind::entry, "session", "k").starts_with("session:"));
    CHECK(seal.name(Kind::entry, "session", "k").size() == 8 + 43);
    CHECK(Seal(random_keys()).name(Kind::entry, "session", "k") != seal.name(Kind::entry, "session", "k"));
}

TEST_CASE("the same value is never sealed the same way", "[state]") {
    const Seal seal(keys());
    std::set<std::string> sealed;
    for (int i = 0; i < 1000; ++i) sealed.insert(seal.seal("n", "value"));
    CHECK(sealed.size() == 1000);
    CHECK(must(seal.open("n", *sealed.begin())) == "value");
    CHECK(seal.open("m", *sealed.begin()).error().message.find("changed") != std::string::npos);
    CHECK(Seal(random_keys()).open("n", *sealed.begin()).error().message.find("not in the key file") != std::string::npos);
    CHECK_FALSE(seal.open("n", ""));
    CHECK_FALSE(seal.open("n", std::string(32, '\x01')));
    std::string future = *sealed.begin();
    future[0] = 2;
    CHECK(seal.open("n", future).error().message.find("format") != std::string::npos);
}

TEST_CASE("the lines of a key file", "[state]") {
    auto one = must(parse_keys(line('a') + "\n"));
    CHECK(one.sealing == std::vector<std::string>{std::string(32, 'a')});
    CHECK(one.naming == std::string(32, 'a'));
    auto two = must(parse_keys("# new\r\n" + line('b') + "\r\n\n" + line('a')));
    CHECK(two.sealing == std::vector<std::string>{std::string(32, 'b'), std::string(32, 'a')});
    CHECK(two.naming == std::string(32, 'a'));
    auto done = must(parse_keys(line('b') + "\nnames " + line('a') + "\n"));
    CHECK(done.sealing == std::vector<std::string>{std::string(32, 'b')});
    CHECK(done.naming == std::string(32, 'a'));

    auto known = must(parse_keys(line('a') + "\n" + line('b') + "\nnames " + line('a')));
    CHECK(known.sealing == std::vector<std::string>{std::string(32, 'a'), std::string(32, 'b')});
    CHECK(known.naming == std::string(32, 'a'));

    CHECK(refusal("") == "there is no key to seal with");
    CHECK(refusal("names " + line('a')) == "there is no key to seal with");
    CHECK(refusal(line('a') + "\n" + line('b') + "=\n").starts_with("line 2 is no key"));
    CHECK(refusal(line('a').substr(1)).starts_with("line 1 is no key"));
    CHECK(refusal(base64url(std::string(33, 'a'))).starts_with("line 1 is no key"));
    CHECK(refusal(" " + line('a')).starts_with("line 1 is no key"));
    CHECK(refusal(line('c') + "\nnames " + line('a') + "\nnames " + line('b')).starts_with("line 3 is a second"));
    std::string many;
    for (char c = 'a'; c < 'j'; ++c) many += line(c) + "\n";
    CHECK(refusal(many).starts_with("more than 8 keys"));
    CHECK(refusal(line('a') + "\nsecret-of-mine\n").find("secret-of-mine") == std::string::npos);
}

TEST_CASE("a key file is made once, for this user alone", "[state]") {
    Folder folder;
    const fs::path file = folder / "keys/state.key";
    CHECK(read_keys(file).error().code == Code::not_found);
    std::vector<std::string> made(8);
    std::vector<std::thread> threads;
    for (auto& mine : made)
        threads.emplace_back([&] {
            auto loaded = read_or_make_keys(file);
            if (loaded) mine = loaded->naming;
        });
    for (auto& thread : threads) thread.join();
    CHECK(made[0].size() == 32);
    for (const auto& mine : made) CHECK(mine == made[0]);
    CHECK(mode_of(file) == 0600);
    CHECK(mode_of(file.parent_path()) == 0700);
    CHECK(std::distance(fs::directory_iterator(file.parent_path()), fs::directory_iterator()) == 1);
    CHECK(must(read_keys(file)).naming == made[0]);
    // Its folder was there and keeps its mode.
    const mode_t before = mode_of((folder / "").parent_path());
    must(read_or_make_keys(folder / "other.key"));
    CHECK(mode_of((folder / "").parent_path()) == before);
}

TEST_CASE("a key file that others may read is refused", "[state]") {
    Folder folder;
    for (const mode_t mode : {0644, 0604, 0666, 0620}) {
        auto keys = read_or_make_keys(folder.write("k", line('a'), mode));
        REQUIRE_FALSE(keys);
        CHECK(keys.error().message.find("chmod") != std::string::npos);
    }
    CHECK(read_keys(folder.write("k", line('a'), 0400)));
    CHECK(read_keys(folder / "").error().message.find("no regular file") != std::string::npos);
    CHECK(read_keys(folder.write("big", std::string(70'000, 'a'))).error().message.find("64 KiB") != std::string::npos);
    CHECK(read_keys(folder.write("bad", "nonsense")).error().message.find("line 1 is no key") != std::string::npos);
}

TEST_CASE("what cannot be opened says how to mend it", "[state]") {
    Folder folder;
    const auto refused = [](const Options& options) {
        auto store = state::open(options);
        REQUIRE_FALSE(store);
        REQUIRE(store.error().violations.size() == 1);
        const std::string text = store.error().violations[0].pointer + ": " + store.error().violations[0].detail;
        CHECK((text + store.error().message).find("hunter2") == std::string::npos);
        // Asked beforehand, the answer is the same.
        CHECK(state::check(options).error().violations.at(0).detail == store.error().violations[0].detail);
        return text;
    };
    const std::string missing = refused({"redis", {}, "redis://:hunter2@127.0.0.1", folder / "none.key"});
    CHECK(missing.starts_with("/key_file: the file "));
    CHECK(missing.find("openssl rand") != std::string::npos);
    CHECK(refused({"postgresql", {}, "postgresql://u:hunter2@127.0.0.1/d", folder / "none.key"}).find("none.key") != std::string::npos);
    CHECK(refused({"redis", {}, "rediss://h?ca=" + (folder / "none.pem").string(), folder / "none.key"}).starts_with("/url: "));
    CHECK_FALSE(fs::exists(folder / "none.key"));
    CHECK(refused({"redis", {}, "http://:hunter2@h", folder / "none.key"}).starts_with("/url: "));
    CHECK(refused({"postgresql", {}, "postgresql://u:hunter2@h/d?what=1", folder / "none.key"}).starts_with("/url: "));
    CHECK(refused({"postgresql", {}, "host=h password=hunter2", folder / "none.key"}).starts_with("/url: "));
    CHECK(refused({"files", {}, "", folder / "none.key"}).starts_with("/kind: unknown"));

    // The database need not be there.
    const fs::path key = folder.write("k", line('a'));
    for (const auto& options : {Options{"redis", {}, "redis://127.0.0.1:1", key}, Options{"postgresql", {}, "postgresql://127.0.0.1:1/d", key}}) {
        auto store = must(state::open(options));
        auto got = store->get("test", "k");
        REQUIRE_FALSE(got);
        CHECK(got.error().code == Code::unavailable);
        CHECK(got.error().slug == "state_unavailable");
        CHECK(store->ping().error().code == Code::unavailable);
    }
    const Options own{"sqlite", folder / "state.db", "", folder / "made/state.key"};
    REQUIRE(state::check(own));
    CHECK_FALSE(fs::exists(folder / "made"));
    auto sqlite = must(state::open(own));
    REQUIRE(sqlite->ping());
    CHECK(mode_of(folder / "state.db") == 0600);
    CHECK(fs::exists(folder / "made/state.key"));
    must(must(state::open({}))->put({"test", "k", "v", 1000, If::any, 0}));
}
