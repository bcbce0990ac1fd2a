// What is wrong with files is told with the file, the fault and the way out.
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "unit/tls/talk.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

struct House {
    Authority authority{"root"};
    Folder folder;
    ServerOptions options;

    explicit House(const Spec& spec = server()) {
        options.certificates = {folder.write("server", authority.issue(spec))};
    }

    static Spec server() {
        Spec spec;
        spec.common_name = "server";
        spec.names = "DNS:a.example";
        return spec;
    }
    KeyPair& first() { return options.certificates.front(); }

    Error refused() const {
        auto loaded = ServerContexts::load(options, std::make_shared<TicketKeys>());
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == Code::invalid);
        CHECK(loaded.error().slug == "tls_invalid");
        return loaded.error();
    }
    /// The only mistake, at the pointer.
    std::string fault(const std::string& pointer) const {
        Error error = refused();
        REQUIRE(error.violations.size() == 1);
        CHECK(error.violations[0].pointer == pointer);
        CHECK(error.message == "TLS cannot be set up: " + error.violations[0].detail);
        return error.violations[0].detail;
    }
    std::string warning() const {
        auto loaded = must_load(options);
        REQUIRE(loaded->warnings().size() == 1);
        return loaded->warnings().front();
    }
};

constexpr const char* certificate = "/certificates/0/certificate";
constexpr const char* key = "/certificates/0/key";

}  // namespace

TEST_CASE("a good pair loads without a warning", "[tls]") {
    House house;
    auto loaded = must_load(house.options);
    CHECK(loaded->warnings().empty());
    REQUIRE(loaded->certificates().size() == 1);
    CHECK(loaded->certificates()[0].file == house.first().certificate_file);
    CHECK(loaded->certificates()[0].subject == "CN=server");
    CHECK(loaded->certificates()[0].dns_names.front() == "a.example");
    CHECK(loaded->certificates()[0].not_after_unix_s > 0);
}

TEST_CASE("both in one file load, if it is kept like a key", "[tls]") {
    House house;
    Issued issued = house.authority.issue(House::server());
    std::string both = pem(issued.key.get()) + pem(issued.certificate.get());
    house.first().certificate_file = house.first().key_file = house.folder.write("both.pem", both);
    must_load(house.options);
    house.folder.write("both.pem", both, 0644);
    CHECK_THAT(house.fault(key), Contains("is readable or writable by others"));
}

TEST_CASE("no certificate at all", "[tls]") {
    House house;
    house.options.certificates.clear();
    CHECK_THAT(house.fault("/certificates"), Contains("name at least one"));
}

TEST_CASE("files that cannot be read", "[tls]") {
    House house;
    SECTION("missing") {
        house.first().certificate_file = house.folder.path("none.pem");
        CHECK(house.fault(certificate) == "certificate file " + house.folder.path("none.pem") +
                                              " cannot be read: No such file or directory; check the path and that the "
                                              "server's user may read it");
    }
    SECTION("a folder") {
        house.first().key_file = house.folder.path("");
        CHECK_THAT(house.fault(key), Contains("is no file"));
    }
    SECTION("a FIFO does not hold the server up") {
        std::string fifo = house.folder.path("fifo");
        REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
        house.first().key_file = fifo;
        CHECK_THAT(house.fault(key), Contains("is no file"));
    }
    SECTION("too large") {
        house.first().certificate_file = house.folder.write("big.pem", std::string((1 << 20) + 1, 'x'));
        CHECK_THAT(house.fault(certificate), Contains("more than 1 MiB"));
    }
    SECTION("all are told at once") {
        house.options.certificates.push_back({house.folder.path("b.pem"), house.folder.path("b.key")});
        house.first().key_file = house.folder.path("a.key");
        house.options.client_auth = ClientAuth::required;
        house.options.client_ca_file = house.folder.path("ca.pem");
        Error error = house.refused();
        std::vector<std::string> pointers;
        for (const auto& violation : error.violations) pointers.push_back(violation.pointer);
        CHECK(pointers ==
              std::vector<std::string>{key, "/certificates/1/certificate", "/certificates/1/key", "/client_ca"});
        CHECK_THAT(error.message, Contains("(and 3 more)"));
    }
}

TEST_CASE("certificate files that hold something else", "[tls]") {
    House house;
    Issued issued = house.authority.issue(House::server());
    auto fault = [&](const std::string& text) {
        house.first().certificate_file = house.folder.write("x.pem", text);
        return house.fault(certificate);
    };
    CHECK_THAT(fault(""), Contains("is empty"));
    CHECK_THAT(fault("hello\n"), Contains("is not PEM: it has no line -----BEGIN CERTIFICATE-----"));
    CHECK_THAT(fault(pem(issued.key.get())), Contains("holds no certificate"));
    CHECK_THAT(fault(der(issued.certificate.get())), Contains("looks like DER; convert it with openssl x509"));
    std::string good = pem(issued.certificate.get());
    CHECK_THAT(fault(good.substr(0, good.size() / 2)), Contains("is damaged at certificate number 1"));
    std::string bent = good;
    bent.replace(bent.find("MII"), 3, "AAA");
    CHECK_THAT(fault(good + bent), Contains("is damaged at certificate number 2"));
}

TEST_CASE("key files that hold something else", "[tls]") {
    House house;
    Issued issued = house.authority.issue(House::server());
    auto fault = [&](const std::string& text) {
        house.first().key_file = house.folder.write("x.key", text);
        return house.fault(key);
    };
    CHECK_THAT(fault(""), Contains("is empty"));
    CHECK_THAT(fault("hello\n"), Contains("is not PEM: it has no line -----BEGIN PRIVATE KEY-----"));
    CHECK_THAT(fault(pem(issued.certificate.get())), Contains("holds no private key"));
    CHECK_THAT(fault(der(issued.certificate.get())), Contains("looks like DER; convert it with openssl pkey"));
    std::string good = pem(issued.key.get());
    std::string bent = good;
    bent.replace(bent.find("MI"), 2, "AA");
    CHECK_THAT(fault(bent), Contains("is damaged"));
    CHECK_THAT(fault(good),
               Contains("does not match the certificate in " + house.first().certificate_file + "; name the key"));

    BIO* out = BIO_new(BIO_s_mem());
    char passphrase[] = "secret";
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(out, issued.key.get(), EVP_aes_256_cbc(), passphrase, 6, nullptr, nullptr) ==
            1);
    char* data = nullptr;
    long size = BIO_get_mem_data(out, &data);
    std::string sealed(data, static_cast<std::size_t>(size));
    BIO_free(out);
    CHECK_THAT(fault(sealed), Contains("is encrypted with a passphrase"));
}

TEST_CASE("keys of the traditional form load", "[tls]") {
    House house;
    Spec spec = House::server();
    spec.key = GENERATE("P-256", "RSA2048");
    Issued issued = house.authority.issue(spec);
    BIO* out = BIO_new(BIO_s_mem());
    // As `openssl ecparam -genkey` writes it.
    if (spec.key == "P-256") {
        BIO_puts(out, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    }
    REQUIRE(PEM_write_bio_PrivateKey_traditional(out, issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    char* data = nullptr;
    long size = BIO_get_mem_data(out, &data);
    house.first() = house.folder.write("old", issued);
    house.folder.write("old.key", std::string_view(data, static_cast<std::size_t>(size)));
    BIO_free(out);
    must_load(house.options);
}

TEST_CASE("a key that others may read is refused", "[tls]") {
    House house;
    auto set = [&](int mode) { REQUIRE(::chmod(house.first().key_file.c_str(), static_cast<mode_t>(mode)) == 0); };
    for (int mode : {0400, 0600}) {
        set(mode);
        must_load(house.options);
    }
    for (int mode : {0604, 0644, 0602, 0620, 0660, 0777}) {
        set(mode);
        CAPTURE(mode);
        CHECK_THAT(house.fault(key), Contains("is readable or writable by others; run chmod 6"));
    }
    // Root may keep a key for the server's group.
    set(0640);
    bool is_root = ::geteuid() == 0;
    CHECK(ServerContexts::load(house.options, std::make_shared<TicketKeys>()).has_value() == is_root);
    if (is_root) {
        set(0600);
        REQUIRE(::chown(house.first().key_file.c_str(), 12345, static_cast<gid_t>(-1)) == 0);
        must_load(house.options);  // root checks the files of the server's user
    }
}

TEST_CASE("a key that belongs to a later certificate of the chain", "[tls]") {
    House house;
    Issued issued = house.authority.issue(House::server());
    house.first().certificate_file =
        house.folder.write("turned.pem", pem(house.authority.certificate()) + pem(issued.certificate.get()));
    house.first().key_file = house.folder.write("turned.key", pem(issued.key.get()));
    CHECK_THAT(house.fault(key), Contains("belongs to certificate number 2 of") && Contains("put that one first"));
}

TEST_CASE("weak and unusual keys", "[tls]") {
    Spec spec = House::server();
    spec.key = "RSA1024";
    CHECK_THAT(House(spec).fault(certificate), Contains("has a weak key (RSA 1024)"));
    for (const char* kind : {"secp256k1", "P-521"}) {
        spec.key = kind;
        CHECK_THAT(House(spec).fault(certificate), Contains("which clients do not take"));
    }
    for (const char* kind : {"P-384", "ED25519"}) {
        spec.key = kind;
        must_load(House(spec).options);
    }
}

TEST_CASE("a certificate signed over SHA-1 is refused", "[tls]") {
    Spec spec = House::server();
    spec.uses_sha1 = true;
    House house(spec);
    CHECK_THAT(house.fault(certificate), Contains("is refused: ") && Contains("SHA-256"));
}

TEST_CASE("what works but should be mended is a warning", "[tls]") {
    Spec spec = House::server();
    SECTION("expired") {
        spec.starts_s = -7200;
        spec.ends_s = -3600;
        House house(spec);
        CHECK_THAT(house.warning(), StartsWith("certificate file " + house.first().certificate_file + " expired on 2"));
    }
    SECTION("not yet valid") {
        spec.starts_s = 86000;
        CHECK_THAT(House(spec).warning(), Contains("is not valid before"));
    }
    SECTION("no name") {
        spec.names.clear();
        CHECK_THAT(House(spec).warning(), Contains("no subjectAltName"));
    }
    SECTION("for clients") {
        spec.usage = "clientAuth";
        CHECK_THAT(House(spec).warning(), Contains("is not meant for TLS servers"));
    }
    SECTION("a chain out of order") {
        House house;
        house.first() = house.folder.write("odd", house.authority.issue(spec), pem(Authority("foreign").certificate()));
        CHECK_THAT(house.warning(), Contains("certificate number 2 did not issue number 1"));
    }
    SECTION("an expired authority for clients") {
        House house;
        Spec old;
        old.is_ca = true;
        old.starts_s = -7200;
        old.ends_s = -3600;
        house.options.client_auth = ClientAuth::optional;
        house.options.client_ca_file = house.folder.write("ca.pem", pem(Authority("old", old).certificate()));
        CHECK_THAT(house.warning(), Contains("CN=old expired on"));
    }
    SECTION("one that is never used") {
        House house;
        house.options.certificates.push_back(house.folder.write("twin", house.authority.issue(spec)));
        CHECK_THAT(house.warning(), Contains("twin.pem is never used: earlier ones have all its names"));
        spec.names = "IP:192.0.2.1";
        house.options.certificates.back() = house.folder.write("ip", house.authority.issue(spec));
        CHECK_THAT(house.warning(), Contains("ip.pem is never used: it has no DNS name"));
    }
}

TEST_CASE("client authorities", "[tls]") {
    House house;
    house.options.client_auth = ClientAuth::required;
    CHECK_THAT(house.fault("/client_ca"), Contains("no CA file is named"));
    house.options.client_ca_file = house.folder.write("ca.pem", "nothing\n");
    CHECK_THAT(house.fault("/client_ca"), StartsWith("CA file " + house.options.client_ca_file + " is not PEM"));
}

TEST_CASE("the fingerprint changes with what is loaded", "[tls]") {
    House house;
    std::string first = must_load(house.options)->fingerprint();
    CHECK(first == must_load(house.options)->fingerprint());
    auto changed = [&] { return must_load(house.options)->fingerprint() != first; };
    SECTION("renewed") {
        house.folder.write("server", house.authority.issue(House::server()));
        CHECK(changed());
    }
    SECTION("version") {
        house.options.min_version = Version::tls1_3;
        CHECK(changed());
    }
    SECTION("clients") {
        house.options.client_auth = ClientAuth::optional;
        house.options.client_ca_file = house.folder.write("ca.pem", pem(house.authority.certificate()));
        CHECK(changed());
    }
    SECTION("protocols") {
        house.options.alpn = {"http/1.1"};
        CHECK(changed());
    }
}
