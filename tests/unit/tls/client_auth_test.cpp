// Clients that show certificates.
#include <catch2/catch.hpp>

#include "tls/peer.h"
#include "unit/tls/talk.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;
using Catch::Contains;

namespace {

// RFC 8446 section 6.
constexpr int bad_certificate = 42;
constexpr int certificate_expired = 45;
constexpr int unknown_ca = 48;
constexpr int certificate_required = 116;
constexpr int handshake_failure = 40;
constexpr int unsupported_certificate = 43;

struct House {
    Authority authority{"root"};
    Authority clients{"clients"};
    Folder folder;
    ServerOptions options;
    int version = 0;

    explicit House(ClientAuth auth) {
        Spec spec;
        spec.names = "DNS:a.example";
        options.certificates = {folder.write("server", authority.issue(spec))};
        options.client_ca_file = folder.write("clients.pem", pem(clients.certificate()));
        options.client_auth = auth;
    }
    Talk talk(const Issued* certificate) const {
        Visitor visitor;
        visitor.trusts = authority.certificate();
        visitor.version = version;
        visitor.certificate = certificate;
        return Talk(visitor.ssl(), must_load(options)->accept().value());
    }
    Issued client(const std::string& names = {}) const {
        Spec spec;
        spec.common_name = "visitor";
        spec.names = names;
        return clients.issue(spec);
    }
};

/// The SPIFFE ID of a client with these names.
std::string spiffe_of(const Spec& spec) {
    House house(ClientAuth::required);
    Issued client = house.clients.issue(spec);
    Talk talk = house.talk(&client);
    REQUIRE(talk.done());
    return peer_identity(talk.server()).value().spiffe_id.value_or("none");
}

Spec named(const std::string& names) {
    Spec out;
    out.names = names;
    return out;
}

}  // namespace

TEST_CASE("client_auth none asks for nothing", "[tls]") {
    House house(ClientAuth::none);
    Issued client = house.client();
    Talk talk = house.talk(&client);
    CHECK(talk.done());
    CHECK_FALSE(peer_identity(talk.server()));
}

TEST_CASE("client_auth optional takes nobody and good ones", "[tls]") {
    House house(ClientAuth::optional);
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    Talk nobody = house.talk(nullptr);
    CHECK(nobody.done());
    CHECK_FALSE(peer_identity(nobody.server()));
    Issued client = house.client("DNS:v.example,IP:192.0.2.7,URI:https://v.example/x");
    Talk good = house.talk(&client);
    CHECK(good.done());
    auto who = peer_identity(good.server());
    REQUIRE(who);
    CHECK(who->certificate.subject == "CN=visitor");
    CHECK(who->certificate.issuer == "CN=clients");
    CHECK(who->certificate.dns_names == std::vector<std::string>{"v.example"});
    CHECK(who->certificate.ip_addresses == std::vector<std::string>{"192.0.2.7"});
    CHECK(who->certificate.uris == std::vector<std::string>{"https://v.example/x"});
    CHECK(who->certificate.sha256.size() == 64);
    CHECK_FALSE(who->spiffe_id);
}

TEST_CASE("client_auth required", "[tls]") {
    House house(ClientAuth::required);
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    Issued client = house.client();
    CHECK(house.talk(&client).done());
    Talk nobody = house.talk(nullptr);
    CHECK_FALSE(nobody.done());
    CHECK(nobody.alert() == (house.version == TLS1_3_VERSION ? certificate_required : handshake_failure));
    CHECK_FALSE(peer_identity(nobody.server()));
}

TEST_CASE("a bad certificate is refused, also where none would do", "[tls]") {
    House house(GENERATE(ClientAuth::optional, ClientAuth::required));
    house.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    auto refused = [&](const Issued& client, int alert, const std::string& why) {
        Talk talk = house.talk(&client);
        CHECK_FALSE(talk.done());
        CHECK(talk.alert() == alert);
        CHECK_THAT(talk.server_error(), Contains("the peer's certificate is not accepted: " + why));
        CHECK_FALSE(peer_identity(talk.server()));
    };
    Spec spec;
    SECTION("expired") {
        spec.starts_s = -7200;
        spec.ends_s = -60;
        refused(house.clients.issue(spec), certificate_expired, "certificate has expired");
    }
    SECTION("not yet valid") {
        spec.starts_s = 3600;
        refused(house.clients.issue(spec), bad_certificate, "certificate is not yet valid");
    }
    SECTION("of a foreign authority") {
        refused(Authority("foreign").issue(spec), unknown_ca, "unable to get local issuer certificate");
    }
    SECTION("of a foreign authority with the right name") {
        Talk talk = [&] {
            Issued client = Authority("clients").issue(spec);
            return house.talk(&client);
        }();
        CHECK_FALSE(talk.done());
    }
    SECTION("for servers") {
        spec.usage = "serverAuth";
        refused(house.clients.issue(spec), unsupported_certificate, "unsuitable certificate purpose");
    }
    SECTION("of one who is no authority") {
        Spec leaf;
        leaf.common_name = "leaf";
        Authority made_up(house.clients, "below");
        Issued client = made_up.issue(leaf);  // without the certificate between
        refused(client, unknown_ca, "unable to get local issuer certificate");
    }
}

TEST_CASE("an intermediate authority can be the anchor", "[tls]") {
    House house(ClientAuth::required);
    Authority department(house.clients, "department");
    house.options.client_ca_file = house.folder.write("department.pem", pem(department.certificate()));
    Issued client = department.issue({});
    CHECK(house.talk(&client).done());
    Issued other = house.client();
    CHECK_FALSE(house.talk(&other).done());
}

TEST_CASE("the client learns which authorities count", "[tls]") {
    House house(ClientAuth::optional);
    Talk talk = house.talk(nullptr);
    const auto* names = SSL_get0_peer_CA_list(talk.client());
    REQUIRE(sk_X509_NAME_num(names) == 1);
    CHECK(X509_NAME_cmp(sk_X509_NAME_value(names, 0), X509_get_subject_name(house.clients.certificate())) == 0);
}

TEST_CASE("the SPIFFE ID of a client", "[tls]") {
    CHECK(spiffe_of(named("URI:spiffe://example.org/ns/a/sa/b")) == "spiffe://example.org/ns/a/sa/b");
    CHECK(spiffe_of(named("DNS:x.example,URI:spiffe://example.org/a,DNS:y.example")) == "spiffe://example.org/a");
    CHECK(spiffe_of(named("DNS:x.example")) == "none");
    CHECK(spiffe_of(named("")) == "none");
    CHECK(spiffe_of(named("URI:https://example.org/a")) == "none");
    CHECK(spiffe_of(named("URI:SPIFFE://example.org/a")) == "none");
    // Two leave open which is meant.
    CHECK(spiffe_of(named("URI:spiffe://example.org/a,URI:spiffe://example.org/b")) == "none");
    CHECK(spiffe_of(named("URI:spiffe://example.org/a,URI:https://example.org/b")) == "none");
    CHECK(spiffe_of(named("URI:https://example.org/b,URI:spiffe://example.org/a")) == "none");
    Spec signer = named("URI:spiffe://example.org/a");
    signer.is_ca = true;
    CHECK(spiffe_of(signer) == "none");
    signer.is_ca = false;
    signer.key_usage = "digitalSignature";
    CHECK(spiffe_of(signer) == "spiffe://example.org/a");
    signer.key_usage = "digitalSignature,cRLSign";
    CHECK(spiffe_of(signer) == "none");
}
