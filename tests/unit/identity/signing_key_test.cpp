#include "identity/signing_key.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "json/json.h"
#include "unit/identity/temp_dir.h"

using namespace acp;
using identity::SigningKey;
using identity::test::TempDir;
namespace fs = std::filesystem;

namespace {

int mode_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return static_cast<int>(info.st_mode & 07777);
}

struct Parts {
    std::string signed_text, signature;
};
Parts parts_of(const std::string& token) {
    const auto dot = token.rfind('.');
    return {token.substr(0, dot), unbase64url(token.substr(dot + 1)).value()};
}

}  // namespace

TEST_CASE("the first start makes a key, later ones find it") {
    TempDir dir;
    const auto keys = dir.path() / "keys";
    const auto first = SigningKey::load_or_create(keys).value();
    CHECK(first.kid().size() == 43);
    CHECK(mode_of(keys) == 0700);
    CHECK(mode_of(keys / "signing-es256.pem") == 0600);
    CHECK(SigningKey::load_or_create(keys).value().kid() == first.kid());
    // No draft is left behind.
    CHECK(std::distance(fs::directory_iterator(keys), fs::directory_iterator()) == 1);
}

TEST_CASE("starts at the same time end up with one key") {
    TempDir dir;
    std::vector<std::string> kids(8);
    std::vector<std::thread> threads;
    for (auto& kid : kids) threads.emplace_back([&] { kid = SigningKey::load_or_create(dir.path()).value().kid(); });
    for (auto& t : threads) t.join();
    for (const auto& kid : kids) CHECK(kid == kids[0]);
}

TEST_CASE("a key that others may read, or that is none, is refused") {
    TempDir dir;
    const auto file = dir.path() / "signing-es256.pem";
    SECTION("readable by the group") {
        REQUIRE(SigningKey::load_or_create(dir.path()));
        fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
        const auto loaded = SigningKey::load_or_create(dir.path());
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().message.find("chmod 600") != std::string::npos);
    }
    SECTION("garbage") {
        std::ofstream(file) << "not a key";
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        CHECK_FALSE(SigningKey::load_or_create(dir.path()));
    }
    SECTION("another curve") {
        {
            std::ofstream out(file);
            Poco::Crypto::ECKey("secp384r1").save(nullptr, &out);
        }
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        const auto loaded = SigningKey::load_or_create(dir.path());
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().message.find("P-256") != std::string::npos);
    }
    SECTION("a folder that cannot be made") {
        std::ofstream(dir.path() / "plain") << "";
        CHECK_FALSE(SigningKey::load_or_create(dir.path() / "plain" / "keys"));
    }
}

TEST_CASE("a signature holds for its text and its key alone") {
    TempDir dir, other_dir;
    const auto key = SigningKey::load_or_create(dir.path()).value();
    const auto other = SigningKey::load_or_create(other_dir.path()).value();
    const auto token = key.sign("at+jwt", R"({"sub":"alice"})").value();
    const auto [text, signature] = parts_of(token);
    CHECK(signature.size() == 64);
    CHECK(key.verify(text, signature));
    CHECK_FALSE(other.verify(text, signature));
    CHECK_FALSE(key.verify(text + "x", signature));
    for (const std::size_t at : {0U, 31U, 32U, 63U}) {
        std::string bent = signature;
        bent[at] = static_cast<char>(bent[at] ^ 1);
        CHECK_FALSE(key.verify(text, bent));
    }
    for (const auto& bad :
         {std::string(), std::string(64, '\0'), std::string(64, '\xff'), signature.substr(1), signature + "x"})
        CHECK_FALSE(key.verify(text, bad));
}

TEST_CASE("the header names algorithm, key and type") {
    TempDir dir;
    const auto key = SigningKey::load_or_create(dir.path()).value();
    const auto token = key.sign("at+jwt", R"({"sub":"alice","n":5})").value();
    const auto header = json::parse_object(unbase64url(token.substr(0, token.find('.'))).value()).value();
    CHECK(json::text_or(header, "alg") == "ES256");
    CHECK(json::text_or(header, "typ") == "at+jwt");
    CHECK(json::text_or(header, "kid") == key.kid());
    CHECK_FALSE(key.sign("at+jwt", "[1]"));
}

TEST_CASE("one key verifies on several threads at once") {
    TempDir dir;
    const auto key = SigningKey::load_or_create(dir.path()).value();
    const auto [text, signature] = parts_of(key.sign("at+jwt", R"({"sub":"a"})").value());
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, text = text, signature = signature] {
            for (int i = 0; i < 50; ++i) good += key.verify(text, signature) ? 1 : 0;
        });
    for (auto& t : threads) t.join();
    CHECK(good == 200);
}
