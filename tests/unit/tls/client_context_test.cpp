// The house's own client, and whom it believes.
#include "tls/client_context.h"

#include <catch2/catch.hpp>

#include "tls/error.h"
#include "tls/peer.h"
#include "unit/tls/talk.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;
using Catch::Contains;

namespace {

struct House {
    Authority authority{"root"};
    Folder folder;
    ServerOptions server;
    ClientOptions client;

    explicit House(const std::string& names, const std::string& common_name = "server") {
        Spec spec;
        spec.common_name = common_name;
        spec.names = names;
        serve(authority.issue(spec));
        client.ca_files = {folder.write("root.pem", pem(authority.certificate()))};
    }
    void serve(const Issued& issued, const std::string& chain = {}) {
        server.certificates = {folder.write("server", issued, chain)};
    }
    std::shared_ptr<const ClientContext> context() const {
        auto loaded = ClientContext::load(client);
        if (!loaded) FAIL(loaded.error().message);
        return *loaded;
    }
    Talk talk(Result<SslPtr> from) const {
        if (!from) FAIL(from.error().message);
        return Talk(std::move(*from), must_load(server)->accept().value());
    }
    bool reaches(const std::string& host) const { return talk(context()->to_host(host)).done(); }
    bool reaches_workload(const std::string& id) const { return talk(context()->to_workload(id)).done(); }
};

}  // namespace

TEST_CASE("the server's name must be in its certificate", "[tls]") {
    House house("DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1", "cn.example");
    for (const char* good : {"a.example", "A.EXAMPLE", "a.example.", "x.b.example", "192.0.2.1", "2001:db8::1",
                             "[2001:db8::1]", "2001:DB8:0::1"}) {
        CAPTURE(good);
        CHECK(house.reaches(good));
    }
    // cn.example stands in the subject alone (RFC 9525 section 2).
    for (const char* bad : {"b.example", "x.y.b.example", "c.example", "a.example.org", "192.0.2.2", "2001:db8::2",
                            "cn.example", "example"}) {
        CAPTURE(bad);
        CHECK_FALSE(house.reaches(bad));
    }
    Talk talk = house.talk(house.context()->to_host("wrong.example"));
    CHECK_THAT(talk.client_error(), Contains("the peer's certificate is not accepted: hostname mismatch"));
}

TEST_CASE("wildcards in parts of a label match nothing", "[tls]") {
    House house("DNS:f*.b.example,DNS:*o.b.example");
    CHECK_FALSE(house.reaches("foo.b.example"));
}

TEST_CASE("a certificate without DNS names has none in its subject either", "[tls]") {
    House house("IP:192.0.2.1", "cn.b.example");
    CHECK_FALSE(house.reaches("cn.b.example"));
    House bare("", "cn.b.example");
    CHECK_FALSE(bare.reaches("cn.b.example"));
}

TEST_CASE("what is no host is not connected to", "[tls]") {
    House house("DNS:a.example");
    auto context = house.context();
    for (const std::string& bad :
         {std::string(), std::string("."), std::string(".example"), std::string("a..example"), std::string("a b"),
          std::string("a.example\0.evil", 15), std::string("*.example"), std::string("a.example:443"),
          std::string("fe80::1%eth0"), std::string("b\xc3\xbc.example"), std::string(254, 'a')}) {
        CAPTURE(bad);
        auto made = context->to_host(bad);
        REQUIRE_FALSE(made);
        CHECK(made.error().code == Code::invalid);
    }
}

TEST_CASE("a certificate must be good, whatever its name", "[tls]") {
    House house("DNS:a.example");
    Spec spec;
    spec.names = "DNS:a.example";
    auto why = [&] { return house.talk(house.context()->to_host("a.example")).client_error(); };
    SECTION("expired") {
        spec.starts_s = -7200;
        spec.ends_s = -60;
        house.serve(house.authority.issue(spec));
        CHECK_THAT(why(), Contains("certificate has expired"));
    }
    SECTION("foreign") {
        house.serve(Authority("foreign").issue(spec));
        CHECK_THAT(why(), Contains("unable to get local issuer certificate"));
    }
    SECTION("for clients") {
        spec.usage = "clientAuth";
        house.serve(house.authority.issue(spec));
        CHECK_THAT(why(), Contains("unsuitable certificate purpose"));
    }
    SECTION("the system's authorities do not know it") {
        house.client.ca_files.clear();
        CHECK_THAT(why(), Contains("unable to get local issuer certificate"));
    }
}

TEST_CASE("chains", "[tls]") {
    House house("DNS:a.example");
    Authority between(house.authority, "between");
    Spec spec;
    spec.names = "DNS:a.example";
    Issued leaf = between.issue(spec);
    house.serve(leaf, pem(between.certificate()));
    CHECK(house.reaches("a.example"));
    house.serve(leaf);
    CHECK_FALSE(house.reaches("a.example"));
    house.client.ca_files.push_back(house.folder.write("between.pem", pem(between.certificate())));
    CHECK(house.reaches("a.example"));
}

TEST_CASE("a workload is known by its SPIFFE ID alone", "[tls]") {
    House house("URI:spiffe://example.org/db");
    CHECK(house.reaches_workload("spiffe://example.org/db"));
    for (const char* other : {"spiffe://example.org/db2", "spiffe://example.org", "spiffe://example.com/db",
                              "spiffe://example.org/DB", "spiffe://example.org/d"}) {
        CAPTURE(other);
        CHECK_FALSE(house.reaches_workload(other));
    }
    Talk talk = house.talk(house.context()->to_workload("spiffe://example.org/x"));
    CHECK_THAT(talk.client_error(), Contains("application verification failure"));
    for (const char* bad : {"", "spiffe://", "https://example.org/db", "spiffe://example.org/db/"})
        CHECK_FALSE(house.context()->to_workload(bad));
    CHECK_FALSE(house.context()->to_workload("spiffe://example.org/db", "a b"));

    Spec spec;
    SECTION("two IDs are none") {
        spec.names = "URI:spiffe://example.org/db,URI:spiffe://example.org/x";
        house.serve(house.authority.issue(spec));
        CHECK_FALSE(house.reaches_workload("spiffe://example.org/db"));
    }
    SECTION("an authority is no workload") {
        spec.names = "URI:spiffe://example.org/db";
        spec.is_ca = true;
        house.serve(house.authority.issue(spec));
        CHECK_FALSE(house.reaches_workload("spiffe://example.org/db"));
    }
    SECTION("the right ID from a foreign authority") {
        spec.names = "URI:spiffe://example.org/db";
        house.serve(Authority("foreign").issue(spec));
        CHECK_FALSE(house.reaches_workload("spiffe://example.org/db"));
    }
    SECTION("expired") {
        spec.names = "URI:spiffe://example.org/db";
        spec.starts_s = -7200;
        spec.ends_s = -60;
        house.serve(house.authority.issue(spec));
        CHECK_FALSE(house.reaches_workload("spiffe://example.org/db"));
    }
}

TEST_CASE("the name for SNI is sent and not checked for a workload", "[tls]") {
    House house("URI:spiffe://example.org/db");
    Talk talk = house.talk(house.context()->to_workload("spiffe://example.org/db", "db.internal"));
    CHECK(talk.done());
    CHECK(std::string(SSL_get_servername(talk.server(), TLSEXT_NAMETYPE_host_name)) == "db.internal");
}

TEST_CASE("no address goes out as SNI", "[tls]") {
    House house("IP:192.0.2.1");
    Talk talk = house.talk(house.context()->to_host("192.0.2.1"));
    CHECK(talk.done());
    CHECK(SSL_get_servername(talk.server(), TLSEXT_NAMETYPE_host_name) == nullptr);
}

TEST_CASE("the client shows its certificate and offers its protocols", "[tls]") {
    House house("DNS:a.example");
    Spec spec;
    spec.names = "URI:spiffe://example.org/cp";
    house.client.certificate = house.folder.write("client", house.authority.issue(spec));
    house.client.alpn = {"h2", "http/1.1"};
    house.server.client_auth = ClientAuth::required;
    house.server.client_ca_file = house.client.ca_files.front();
    Talk talk = house.talk(house.context()->to_host("a.example"));
    REQUIRE(talk.done());
    CHECK(peer_identity(talk.server()).value().spiffe_id == "spiffe://example.org/cp");
    CHECK(peer_identity(talk.client()).value().certificate.dns_names.front() == "a.example");
    CHECK(negotiated_protocol(talk.client()) == Protocol::http2);
}

TEST_CASE("the client's own floor", "[tls]") {
    House house("DNS:a.example");
    house.client.min_version = Version::tls1_3;
    SslPtr server = must_load(house.server)->accept().value();
    SSL_set_max_proto_version(server.get(), TLS1_2_VERSION);
    CHECK_FALSE(Talk(house.context()->to_host("a.example").value(), std::move(server)).done());
}

TEST_CASE("every wrong file of a client is told", "[tls]") {
    House house("DNS:a.example");
    house.client.ca_files = {house.folder.path("none.pem"), house.folder.write("text.pem", "no")};
    house.client.certificate = KeyPair{house.folder.path("none.crt"), house.folder.path("none.key")};
    auto loaded = ClientContext::load(house.client);
    REQUIRE_FALSE(loaded);
    std::vector<std::string> pointers;
    for (const auto& violation : loaded.error().violations) pointers.push_back(violation.pointer);
    CHECK(pointers ==
          std::vector<std::string>{"/ca_files/0", "/ca_files/1", "/certificate/certificate", "/certificate/key"});
    house.client = {};
    house.client.alpn = {std::string(256, 'a')};
    CHECK_FALSE(ClientContext::load(house.client));
}
