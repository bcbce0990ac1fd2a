#include "identity/keyring.h"

#include <openssl/pem.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>

#include "unit/identity/temp_dir.h"

using namespace acp;
using identity::Keyring;
using identity::KeyStage;
using identity::test::TempDir;
namespace fs = std::filesystem;

namespace {

int mode_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return static_cast<int>(info.st_mode & 07777);
}

void make_older(const fs::path& path, std::int64_t seconds) {
    fs::last_write_time(path, fs::last_write_time(path) - std::chrono::seconds(seconds));
}

/// A key file that is `age_s` old; the key's id.
std::string put(const fs::path& folder, const std::string& name, jose::Algorithm algorithm, std::int64_t age_s) {
    const auto key = jose::PrivateKey::generate(algorithm).value();
    REQUIRE(identity::write_key_file(folder, name, key));
    make_older(folder / name, age_s);
    return key.kid();
}

std::string signer_of(const Keyring& ring) {
    return jose::parse(ring.sign("at+jwt", "{}").value()).value().kid;
}

std::string fault(const fs::path& folder) {
    const auto opened = Keyring::open(folder);
    return opened ? "" : opened.error().message;
}

std::ptrdiff_t files_in(const fs::path& folder) {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("the first start makes a key, later ones find it") {
    TempDir dir;
    const auto folder = dir.path() / "keys";
    const auto first = Keyring::open(folder).value()->keys().at(0);
    CHECK(first.kid.size() == 43);
    CHECK(first.algorithm == jose::Algorithm::ES256);
    CHECK(first.stage == KeyStage::signing);
    CHECK(first.path == folder / "signing-es256.pem");
    CHECK(mode_of(folder) == 0700);
    CHECK(mode_of(first.path) == 0600);
    CHECK(Keyring::open(folder).value()->keys().at(0).kid == first.kid);
    // No draft is left behind.
    CHECK(files_in(folder) == 1);
}

TEST_CASE("starts at the same time end up with one key") {
    TempDir dir;
    std::vector<std::string> kids(8);
    std::vector<std::thread> threads;
    for (auto& kid : kids) threads.emplace_back([&] { kid = Keyring::open(dir.path()).value()->keys().at(0).kid; });
    for (auto& t : threads) t.join();
    for (const auto& kid : kids) CHECK(kid == kids[0]);
    CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a key as `openssl ecparam -genkey` writes it is read") {
    TempDir dir;
    const fs::path file = dir.path() / "signing-es256.pem";
    const auto key = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    const std::string pkcs8 = key.pem();
    BIO* in = BIO_new_mem_buf(pkcs8.data(), static_cast<int>(pkcs8.size()));
    BIO* out = BIO_new_file(file.c_str(), "w");
    EVP_PKEY* raw = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO_puts(out, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    REQUIRE(PEM_write_bio_PrivateKey_traditional(out, raw, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    EVP_PKEY_free(raw);
    BIO_free(in);
    BIO_free(out);
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    CHECK(Keyring::open(dir.path()).value()->keys().at(0).kid == key.kid());
}

TEST_CASE("a key that others may read, or that is none, is refused") {
    TempDir dir;
    const auto file = dir.path() / "signing-es256.pem";
    SECTION("readable by the group") {
        REQUIRE(Keyring::open(dir.path()));
        fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
        CHECK(fault(dir.path()).find("chmod 600") != std::string::npos);
        CHECK(fault(dir.path()).find(file.string()) != std::string::npos);
    }
    SECTION("garbage") {
        std::ofstream(file) << "not a key";
        fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        CHECK(fault(dir.path()).find("no private key") != std::string::npos);
    }
    SECTION("a link to another file") {
        REQUIRE(Keyring::open(dir.path() / "elsewhere"));
        fs::create_symlink(dir.path() / "elsewhere/signing-es256.pem", file);
        CHECK(fault(dir.path()).find("cannot be read") != std::string::npos);
    }
    SECTION("a pipe") {
        REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
        CHECK(fault(dir.path()).find("is no file") != std::string::npos);
    }
    SECTION("a folder that cannot be made") {
        std::ofstream(dir.path() / "plain") << "";
        CHECK_FALSE(fault(dir.path() / "plain" / "keys").empty());
    }
    SECTION("other files are none of its business") {
        std::ofstream(dir.path() / "notes.txt") << "x";
        std::ofstream(dir.path() / "signing-es256.pem.abc") << "half a draft";
        CHECK(fault(dir.path()).empty());
    }
}

TEST_CASE("a fresh key is published at once and signs once it is settled") {
    TempDir dir;
    const auto ring = Keyring::open(dir.path(), 600).value();
    const std::string first = signer_of(*ring);
    make_older(dir.path() / "signing-es256.pem", 5000);
    const std::string second = ring->rotate(jose::Algorithm::EdDSA, 3600).value();
    CHECK(signer_of(*ring) == first);
    REQUIRE(ring->keys().size() == 2);
    CHECK(ring->keys()[0].kid == second);
    CHECK(ring->keys()[0].stage == KeyStage::waiting);
    CHECK(ring->keys()[1].stage == KeyStage::signing);
    CHECK(ring->published()->find(second, jose::Algorithm::EdDSA) != nullptr);
    CHECK(ring->published()->find(first, jose::Algorithm::ES256) != nullptr);

    const std::string token = ring->sign("at+jwt", "{}").value();
    make_older(ring->keys()[0].path, 601);
    REQUIRE(ring->reload());
    CHECK(signer_of(*ring) == second);
    CHECK(ring->keys()[1].stage == KeyStage::retired);
    CHECK(ring->signed_here(jose::parse(token).value()));
}

TEST_CASE("a key goes when what it signed has expired, not before") {
    TempDir dir;
    // The second stopped signing when the first was 600 s old, 1400 s ago.
    const std::string now = put(dir.path(), "signing-a.pem", jose::Algorithm::ES256, 2000);
    const std::string old = put(dir.path(), "signing-b.pem", jose::Algorithm::ES256, 9000);
    const auto ring = Keyring::open(dir.path(), 600).value();
    REQUIRE(ring->rotate(jose::Algorithm::ES256, 1500));
    CHECK(ring->published()->find(old, jose::Algorithm::ES256) != nullptr);
    REQUIRE(ring->rotate(jose::Algorithm::ES256, 1300));
    CHECK(ring->published()->find(old, jose::Algorithm::ES256) == nullptr);
    CHECK_FALSE(fs::exists(dir.path() / "signing-b.pem"));
    // The one in force stays however old it is.
    CHECK(signer_of(*ring) == now);
}

TEST_CASE("while no key is settled the oldest signs") {
    TempDir dir;
    put(dir.path(), "signing-a.pem", jose::Algorithm::ES256, 1);
    const std::string older = put(dir.path(), "signing-b.pem", jose::Algorithm::ES384, 100);
    const auto ring = Keyring::open(dir.path(), 600).value();
    CHECK(signer_of(*ring) == older);
    CHECK(ring->keys().size() == 2);
}

TEST_CASE("the name of an RSA key's file tells its algorithm") {
    TempDir dir;
    put(dir.path(), "signing-ps384-x.pem", jose::Algorithm::PS384, 0);
    CHECK(Keyring::open(dir.path()).value()->keys().at(0).algorithm == jose::Algorithm::PS384);
    fs::rename(dir.path() / "signing-ps384-x.pem", dir.path() / "signing-mine.pem");
    CHECK(Keyring::open(dir.path()).value()->keys().at(0).algorithm == jose::Algorithm::RS256);
}

TEST_CASE("a copy of a key is no second one") {
    TempDir dir;
    const auto ring = Keyring::open(dir.path()).value();
    fs::copy_file(dir.path() / "signing-es256.pem", dir.path() / "signing-copy.pem");
    REQUIRE(ring->reload());
    CHECK(ring->keys().size() == 1);
    CHECK(ring->signed_here(jose::parse(ring->sign("t", "{}").value()).value()));
}

TEST_CASE("what cannot be read leaves the ring as it was") {
    TempDir dir;
    const auto ring = Keyring::open(dir.path()).value();
    const std::string kid = signer_of(*ring);
    std::ofstream(dir.path() / "signing-new.pem") << "not a key";
    CHECK_FALSE(ring->reload());
    CHECK(signer_of(*ring) == kid);
    fs::remove(dir.path() / "signing-new.pem");
    fs::remove(dir.path() / "signing-es256.pem");
    CHECK_FALSE(ring->reload());
    CHECK(signer_of(*ring) == kid);
}

TEST_CASE("a ring believes what its own keys signed and nothing else") {
    TempDir dir, other_dir;
    const auto ring = Keyring::open(dir.path()).value();
    const auto other = Keyring::open(other_dir.path()).value();
    const std::string token = ring->sign("at+jwt", R"({"sub":"alice"})").value();
    CHECK(ring->signed_here(jose::parse(token).value()));
    CHECK_FALSE(other->signed_here(jose::parse(token).value()));
    // Without a kid, though the key would fit.
    const auto key = jose::PrivateKey::generate(jose::Algorithm::ES256).value();
    auto nameless = jose::parse(token).value();
    nameless.kid.clear();
    CHECK_FALSE(ring->signed_here(nameless));
}

TEST_CASE("keys are signed with while they are rotated") {
    TempDir dir;
    const auto ring = Keyring::open(dir.path(), 0).value();
    std::atomic<int> good{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 30; ++i) {
                const std::string token = ring->sign("t", "{}").value();
                good += ring->signed_here(jose::parse(token).value()) ? 1 : 0;
            }
        });
    for (int i = 0; i < 5; ++i) CHECK(ring->rotate(jose::Algorithm::EdDSA, 3600));
    for (auto& t : threads) t.join();
    CHECK(good == 90);
    CHECK(ring->keys().size() == 6);
}
