#include "bundle/trust_keys.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "unit/bundle/house.h"

using namespace acp;
using namespace acp::bundle;
using test::put;
namespace fs = std::filesystem;

TEST_CASE("a prefix is whole labels", "[bundle]") {
    const test::Key key;
    auto trusted =
        read_trust_key("Vendor: Example\nPlugin-Id-Prefixes: com.example., org.example.thing \n" + key.pem, "a.pem");
    REQUIRE(trusted);
    CHECK(trusted->id == key.id);
    CHECK(trusted->prefixes == std::vector<std::string>{"com.example", "org.example.thing"});
    for (std::string_view id : {"com.example", "com.example.x", "com.example.x.y", "org.example.thing"}) {
        INFO(id);
        CHECK(trusted->covers(id));
    }
    for (std::string_view id :
         {"com.examplex", "com", "com.exampl", "org.example", "org.example.things", "net.com.example", "", "."}) {
        INFO(id);
        CHECK_FALSE(trusted->covers(id));
    }
}

TEST_CASE("key files that give no key", "[bundle]") {
    const test::Key key, other;
    tls::KeyPtr rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
    tls::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PUBKEY(bio.get(), rsa.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    const std::string rsa_pem(bytes, static_cast<std::size_t>(size));
    const std::string line = "Plugin-Id-Prefixes: com.example\n";
    struct Case {
        std::string text, why;
    };
    const std::vector<Case> cases = {
        {key.pem, "says for no plugin that it may sign it"},
        {"# " + line + key.pem, "says for no plugin"},
        {key.pem + line, "something after its key"},
        {line + line + key.pem, "two lines Plugin-Id-Prefixes"},
        {"Plugin-Id-Prefixes:\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: com.example,\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: *\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: com.*\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: .\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: Com.Example\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: com.example..\n" + key.pem, "begins no plugin id"},
        {"Plugin-Id-Prefixes: com.example org.example\n" + key.pem, "begins no plugin id"},
        {line + key.pem + other.pem, "something after its key"},
        {line + rsa_pem, "no Ed25519 key"},
        {line, "no public key in PEM"},
        {"", "no public key in PEM"},
        {line + "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is damaged"},
        {line + key.pem.substr(0, 60), "no public key in PEM"},
        {line + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + key.pem, "is a private key"},
    };
    for (const auto& c : cases) {
        auto read = read_trust_key(c.text, "a.pem");
        INFO(c.text);
        REQUIRE_FALSE(read);
        INFO(read.error().message);
        CHECK(read.error().message.starts_with("trusted key a.pem "));
        CHECK(read.error().message.find(c.why) != std::string::npos);
    }
}

TEST_CASE("a folder of keys", "[bundle]") {
    const test::TempDir dir;
    const test::Key a, b;
    put(dir.path() / "a.pem", a.trusted_for("com.a"));
    put(dir.path() / "b.pem", b.trusted_for("com.b"));
    put(dir.path() / "notes.txt", "not looked at");
    auto refusal = [&] {
        auto keys = load_trust_keys(dir.path());
        REQUIRE(keys.refused.size() == 1);
        return keys.refused.front();
    };
    SECTION("all good") {
        auto keys = load_trust_keys(dir.path());
        CHECK(keys.refused.empty());
        REQUIRE(keys.keys.size() == 2);
        REQUIRE(keys.find(b.id));
        CHECK(keys.find(b.id)->prefixes == std::vector<std::string>{"com.b"});
        CHECK_FALSE(keys.find("0000000000000000"));
    }
    SECTION("a bad one beside good ones") {
        put(dir.path() / "c.pem", "nonsense");
        CHECK(refusal().find("c.pem holds no public key") != std::string::npos);
        CHECK(load_trust_keys(dir.path()).keys.size() == 2);
    }
    SECTION("writable by the group") {
        ::chmod((dir.path() / "a.pem").c_str(), 0664);
        CHECK(refusal().find("a.pem may be written by others (mode 0664); chmod go-w it") != std::string::npos);
        CHECK_FALSE(load_trust_keys(dir.path()).find(a.id));
    }
    SECTION("a link") {
        fs::create_symlink("a.pem", dir.path() / "l.pem");
        CHECK(refusal().find("l.pem is a symbolic link") != std::string::npos);
    }
    SECTION("a folder in a key's place") {
        fs::create_directory(dir.path() / "d.pem");
        CHECK(refusal().find("d.pem is no file") != std::string::npos);
    }
    SECTION("too large") {
        put(dir.path() / "d.pem", std::string(65537, ' '));
        CHECK(refusal().find("d.pem has more than 64 KiB") != std::string::npos);
    }
    SECTION("the same key twice") {
        put(dir.path() / "c.pem", a.trusted_for("org.a"));
        CHECK(refusal().find("c.pem is the key of") != std::string::npos);
        CHECK_FALSE(load_trust_keys(dir.path()).find(a.id)->covers("org.a"));
    }
    SECTION("a folder that others may write") {
        ::chmod(dir.path().c_str(), 0777);
        CHECK(refusal().find("may be written by others (mode 0777)") != std::string::npos);
        CHECK(load_trust_keys(dir.path()).keys.empty());
    }
    SECTION("of another owner") {
        if (::geteuid() != 0) return;
        REQUIRE(::chown((dir.path() / "a.pem").c_str(), 12345, 0) == 0);
        CHECK(refusal().find("a.pem belongs to somebody else (uid 12345)") != std::string::npos);
    }
    SECTION("no folder, no keys") {
        CHECK(load_trust_keys(dir.path() / "none").refused.size() == 1);
        fs::create_directory(dir.path() / "empty");
        fs::permissions(dir.path() / "empty", fs::perms(0755));
        auto keys = load_trust_keys(dir.path() / "empty");
        REQUIRE(keys.refused.size() == 1);
        CHECK(keys.refused.front().find("holds no *.pem file") != std::string::npos);
    }
}

TEST_CASE("key pairs are made for use", "[bundle]") {
    const test::TempDir dir;
    auto id = make_key_pair(dir.path() / "k", {"com.example", "org.example.thing"});
    REQUIRE(id);
    struct stat status {};
    REQUIRE(::stat((dir.path() / "k.key").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
    const std::string text = test::contents(dir.path() / "k.pem");
    CHECK(text.starts_with("Plugin-Id-Prefixes: com.example., org.example.thing.\n-----BEGIN PUBLIC KEY-----\n"));
    auto trusted = read_trust_key(text, "k.pem");
    REQUIRE(trusted);
    CHECK(trusted->id == *id);
    CHECK(trusted->prefixes == std::vector<std::string>{"com.example", "org.example.thing"});
    auto secret = read_signing_key(dir.path() / "k.key");
    REQUIRE(secret);
    auto signatures = read_signatures(sign(secret->get(), "m").value());
    CHECK(is_signature(trusted->key.get(), "m", signatures->front().bytes));
    // Neither file is replaced.
    const std::string before = test::contents(dir.path() / "k.key");
    CHECK_FALSE(make_key_pair(dir.path() / "k", {"a"}));
    CHECK(test::contents(dir.path() / "k.key") == before);
    fs::remove(dir.path() / "k.key");
    CHECK_FALSE(make_key_pair(dir.path() / "k", {"a"}));
    CHECK_FALSE(fs::exists(dir.path() / "k.key"));
    CHECK_FALSE(read_signing_key(dir.path() / "k.pem"));
}
