// Signatures and keys of the openssl command, both ways.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "jose/material.h"
#include "jose/signature.h"
#include "unit/identity/temp_dir.h"
#include "unit/jose/forge.h"

using namespace acp;
using namespace acp::jose;
using test::key_for;

namespace {

const identity::test::TempDir& folder() {
    static const identity::test::TempDir dir;
    return dir;
}
std::string path_of(const std::string& name) {
    return (folder().path() / name).string();
}
void write(const std::string& name, const std::string& bytes) {
    std::ofstream(path_of(name), std::ios::binary) << bytes;
}
std::string read(const std::string& name) {
    std::ifstream file(path_of(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Runs in the folder of the files; whether it ended well.
bool openssl(const std::string& arguments) {
    const std::string command = "cd '" + folder().path().string() + "' && openssl " + arguments + " >out.txt 2>&1";
    return std::system(command.c_str()) == 0;
}

std::string digest_of(Algorithm algorithm) {
    return "-sha" + std::string(name_of(algorithm).substr(2));
}

std::string padding_of(Algorithm algorithm) {
    const std::string name(name_of(algorithm));
    if (!name.starts_with("PS")) return {};
    return " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -sigopt rsa_mgf1_md:sha" + name.substr(2);
}

bool is_ec(Algorithm algorithm) {
    return kty_of(type_of(algorithm)) == "EC";
}

std::string by_openssl(Algorithm algorithm, const std::string& padding) {
    const std::string command = algorithm == Algorithm::EdDSA
                                    ? "pkeyutl -sign -rawin -inkey key.pem -in text -out sig"
                                    : "dgst " + digest_of(algorithm) + padding + " -sign key.pem -out sig text";
    REQUIRE(openssl(command));
    const std::string out = read("sig");
    return is_ec(algorithm) ? raw_of(out, coordinate_bytes(type_of(algorithm))) : out;
}

bool believed_by_openssl(Algorithm algorithm, const std::string& signature) {
    write("sig", is_ec(algorithm) ? der_of(signature) : signature);
    return openssl(algorithm == Algorithm::EdDSA ? "pkeyutl -verify -rawin -pubin -inkey pub.pem -in text -sigfile sig"
                                                 : "dgst " + digest_of(algorithm) + padding_of(algorithm) +
                                                       " -verify pub.pem -signature sig text");
}

}  // namespace

TEST_CASE("openssl believes our signatures and we believe its own") {
    for (const Algorithm algorithm : all_algorithms) {
        CAPTURE(name_of(algorithm));
        const PrivateKey& key = key_for(algorithm);
        write("key.pem", key.pem());
        REQUIRE(openssl("pkey -in key.pem -pubout -out pub.pem"));
        const PublicKey theirs = PublicKey::from_pem(read("pub.pem")).value();
        CHECK(theirs.thumbprint() == key.kid());
        // ECDSA numbers are shorter than their place now and then.
        for (int i = 0; i < (is_ec(algorithm) ? 4 : 1); ++i) {
            const std::string text = "text number " + std::to_string(i);
            write("text", text);
            const std::string ours = test::sign_raw(key, text);
            CHECK(believed_by_openssl(algorithm, ours));
            CHECK(theirs.verify(algorithm, text, by_openssl(algorithm, padding_of(algorithm))));
            write("text", text + "x");
            CHECK_FALSE(believed_by_openssl(algorithm, ours));
        }
    }
}

TEST_CASE("PS* takes the digest's salt length and digest alone") {
    const PrivateKey& key = key_for(Algorithm::PS256);
    write("key.pem", key.pem());
    write("text", "t");
    const auto taken = [&](const std::string& options) {
        return key.public_key().verify(Algorithm::PS256, "t",
                                       by_openssl(Algorithm::PS256, " -sigopt rsa_padding_mode:pss" + options));
    };
    CHECK(taken(" -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256"));
    CHECK(taken(" -sigopt rsa_pss_saltlen:digest"));
    for (const char* salt : {"0", "20", "31", "33", "64", "max"}) {
        CAPTURE(salt);
        CHECK_FALSE(taken(" -sigopt rsa_pss_saltlen:" + std::string(salt)));
    }
    CHECK_FALSE(taken(" -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha1"));
    CHECK_FALSE(taken(" -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha384"));
}

TEST_CASE("certificates and public keys are judged like JWKs") {
    const auto check_of = [](const std::string& file) {
        auto key = PublicKey::from_pem(read(file));
        return key ? std::string() : key.error().internal;
    };
    write("key.pem", key_for(Algorithm::ES256).pem());
    REQUIRE(openssl("req -x509 -new -key key.pem -subj /CN=a -days 1 -out cert.pem"));
    CHECK(PublicKey::from_pem(read("cert.pem")).value().thumbprint() == key_for(Algorithm::ES256).kid());
    CHECK(PublicKey::from_pem(read("cert.pem")).value().kid().empty());
    CHECK(check_of("key.pem") == "pem");
    const auto made = [&](const std::string& options) {
        REQUIRE(openssl("genpkey " + options + " -out other.key"));
        REQUIRE(openssl("pkey -in other.key -pubout -out other.pem"));
        return check_of("other.pem");
    };
    CHECK(made("-algorithm RSA -pkeyopt rsa_keygen_bits:2048").empty());
    CHECK(made("-algorithm RSA -pkeyopt rsa_keygen_bits:1024") == "n");
    CHECK(made("-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048") == "kty");
    CHECK(made("-algorithm EC -pkeyopt ec_paramgen_curve:P-384").empty());
    CHECK(made("-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1") == "crv");
    CHECK(made("-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit") == "crv");
    CHECK(made("-algorithm ED25519").empty());
    CHECK(made("-algorithm ED448") == "kty");
    CHECK(made("-algorithm X25519") == "kty");
    CHECK(PublicKey::from_pem("").error().internal == "pem");
    CHECK(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").error().internal ==
          "pem");
    CHECK(PublicKey::from_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").error().internal ==
          "pem");
    CHECK(PublicKey::from_pem(std::string(65 * 1024, 'x')).error().internal == "size");
}

TEST_CASE("a key with a passphrase is refused without asking for it") {
    write("key.pem", key_for(Algorithm::ES256).pem());
    REQUIRE(openssl("pkcs8 -topk8 -in key.pem -passout pass:secret -out locked.pem"));
    CHECK(PrivateKey::from_pem(read("locked.pem")).error().internal == "pem");
    REQUIRE(openssl("ec -in key.pem -aes256 -passout pass:secret -out locked.pem"));
    CHECK(PrivateKey::from_pem(read("locked.pem")).error().internal == "pem");
    REQUIRE(openssl("ec -in key.pem -out traditional.pem"));
    CHECK(PrivateKey::from_pem(read("traditional.pem")).value().kid() == key_for(Algorithm::ES256).kid());
}
