#include "tls/certificate.h"

#include <openssl/x509v3.h>

#include <catch2/catch.hpp>
#include <ctime>

#include "unit/tls/authority.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;

TEST_CASE("SPIFFE IDs", "[tls]") {
    for (const std::string& good : {std::string("spiffe://example.org"), std::string("spiffe://example.org/a"),
                                    std::string("spiffe://ex_am-ple.org.0/a/B/c.d_e-f/..."),
                                    "spiffe://" + std::string(255, 'a'), "spiffe://a/" + std::string(2037, 'a')}) {
        CAPTURE(good);
        CHECK(is_spiffe_id(good));
    }
    for (const std::string& bad : {std::string(),
                                   std::string("spiffe:"),
                                   std::string("spiffe://"),
                                   std::string("spiffe:///a"),
                                   std::string("spiffe://a/"),
                                   std::string("spiffe://a//b"),
                                   std::string("spiffe://a/."),
                                   std::string("spiffe://a/../b"),
                                   std::string("spiffe://A/b"),
                                   std::string("spiffe://a:443/b"),
                                   std::string("spiffe://u@a/b"),
                                   std::string("spiffe://a/b?c"),
                                   std::string("spiffe://a/b#c"),
                                   std::string("spiffe://a/%62"),
                                   std::string("spiffe://a/b c"),
                                   std::string("Spiffe://a/b"),
                                   std::string("https://a/b"),
                                   std::string(" spiffe://a/b"),
                                   std::string("spiffe://a/b\0", 13),
                                   std::string("spiffe://a/\xc3\xa4"),
                                   "spiffe://" + std::string(256, 'a'),
                                   "spiffe://a/" + std::string(2038, 'a')}) {
        CAPTURE(bad);
        CHECK_FALSE(is_spiffe_id(bad));
    }
}

TEST_CASE("what a certificate says", "[tls]") {
    Authority authority("the root, a CA");
    Spec spec;
    spec.common_name = "name \xc3\xa4";
    spec.names = "DNS:A.Example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,URI:spiffe://d/p";
    spec.ends_s = 1000;
    Issued issued = authority.issue(spec);
    CertificateInfo info = describe(issued.certificate.get());
    CHECK(info.subject == "CN=name \\C3\\A4");
    CHECK(info.issuer == "CN=the root\\, a CA");
    CHECK(info.dns_names == std::vector<std::string>{"a.example", "*.b.example"});
    CHECK(info.ip_addresses == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
    CHECK(info.uris == std::vector<std::string>{"spiffe://d/p"});
    CHECK(info.key == "P-256");
    CHECK(std::abs(info.not_after_unix_s - std::time(nullptr) - 1000) < 60);
    CHECK(std::abs(info.not_before_unix_s - std::time(nullptr) + 3600) < 60);
    spec.key = "RSA2048";
    CHECK(describe(authority.issue(spec).certificate.get()).key == "RSA 2048");
    spec.key = "ED25519";
    CHECK(describe(authority.issue(spec).certificate.get()).key == "ED25519");
}

TEST_CASE("a name with a NUL inside is none", "[tls]") {
    Authority authority("root");
    Issued issued = authority.issue({});
    GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
    auto add = [&](int type, const std::string& value) {
        GENERAL_NAME* name = GENERAL_NAME_new();
        ASN1_IA5STRING* text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, value.data(), static_cast<int>(value.size()));
        GENERAL_NAME_set0_value(name, type, text);
        sk_GENERAL_NAME_push(names, name);
    };
    add(GEN_DNS, std::string("good.example\0.evil.example", 26));
    add(GEN_DNS, "fine.example");
    add(GEN_URI, std::string("spiffe://a/b\0", 13));
    add(GEN_URI, "spiffe://a/c");
    X509_add1_ext_i2d(issued.certificate.get(), NID_subject_alt_name, names, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(names);
    CertificateInfo info = describe(issued.certificate.get());
    CHECK(info.dns_names == std::vector<std::string>{"fine.example"});
    CHECK(info.uris == std::vector<std::string>{"spiffe://a/c"});
    // The malformed one counts: there are two.
    CHECK_FALSE(spiffe_id(issued.certificate.get()));
}
