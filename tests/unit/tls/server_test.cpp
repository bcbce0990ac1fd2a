// What a client may speak, and what it may not.
#include <catch2/catch.hpp>

#include "tls/error.h"
#include "tls/peer.h"
#include "unit/tls/talk.h"

using namespace acp;
using namespace acp::tls;
using namespace acp::tls::test;

namespace {

// RFC 8446 section 6.
constexpr int handshake_failure = 40;
constexpr int protocol_version = 70;
constexpr int no_application_protocol = 120;

struct House {
    Authority authority{"root"};
    Folder folder;
    ServerOptions options;

    House() {
        Spec spec;
        spec.common_name = "server";
        spec.names = "DNS:a.example";
        options.certificates = {folder.write("server", authority.issue(spec))};
    }
    Visitor visitor() const {
        Visitor out;
        out.trusts = authority.certificate();
        out.server_name = "a.example";
        return out;
    }
    Talk talk(const Visitor& visitor) const { return Talk(visitor.ssl(), must_load(options)->accept().value()); }
};

std::string chosen(const SSL* ssl) {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

}  // namespace

TEST_CASE("ALPN", "[tls]") {
    House house;
    Visitor visitor = house.visitor();
    visitor.version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
    struct Case {
        std::vector<std::string> offered;
        std::string expected;
    };
    for (const auto& [offered, expected] : std::vector<Case>{{{"h2"}, "h2"},
                                                             {{"http/1.1"}, "http/1.1"},
                                                             {{"http/1.1", "h2"}, "h2"},
                                                             {{"spdy/3", "http/1.1"}, "http/1.1"},
                                                             {{}, ""}}) {
        visitor.alpn = offered;
        Talk talk = house.talk(visitor);
        CHECK(talk.done());
        CHECK(chosen(talk.client()) == expected);
        CHECK((negotiated_protocol(talk.server()) == Protocol::http2) == (expected == "h2"));
    }
    for (const auto& offered : {std::vector<std::string>{"http/1.0"}, {"h2c", "h3", "H2"}}) {
        visitor.alpn = offered;
        Talk talk = house.talk(visitor);
        CHECK_FALSE(talk.done());
        CHECK(talk.alert() == no_application_protocol);
    }
}

TEST_CASE("a server that speaks only HTTP/1.1 says so", "[tls]") {
    House house;
    house.options.alpn = {"http/1.1"};
    Visitor visitor = house.visitor();
    visitor.alpn = {"h2", "http/1.1"};
    CHECK(chosen(house.talk(visitor).client()) == "http/1.1");
    visitor.alpn = {"h2"};
    CHECK(house.talk(visitor).alert() == no_application_protocol);
}

TEST_CASE("versions", "[tls]") {
    House house;
    Visitor visitor = house.visitor();
    CHECK(std::string(SSL_get_version(house.talk(visitor).client())) == "TLSv1.3");
    visitor.version = TLS1_2_VERSION;
    CHECK(house.talk(visitor).done());
    for (int old : {TLS1_1_VERSION, TLS1_VERSION}) {
        visitor.version = old;
        Talk talk = house.talk(visitor);
        CHECK_FALSE(talk.done());
        CHECK(talk.alert() == protocol_version);
    }
    house.options.min_version = Version::tls1_3;
    visitor.version = TLS1_2_VERSION;
    CHECK(house.talk(visitor).alert() == protocol_version);
    visitor.version = TLS1_3_VERSION;
    CHECK(house.talk(visitor).done());
}

TEST_CASE("TLS 1.2 has forward secrecy and AEAD, or nothing", "[tls]") {
    House house;
    Spec spec;
    spec.common_name = "server";
    spec.names = "DNS:a.example";
    spec.key = "RSA2048";
    house.options.certificates.push_back(house.folder.write("rsa", house.authority.issue(spec)));
    Visitor visitor = house.visitor();
    visitor.version = TLS1_2_VERSION;
    for (const char* good :
         {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
          "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"}) {
        visitor.ciphers = good;
        Talk talk = house.talk(visitor);
        CHECK(talk.done());
        CHECK(talk.cipher() == good);
    }
    for (const char* bad : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384",
                            "AES128-SHA", "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-CCM",
                            "AECDH-AES128-SHA", "ECDHE-RSA-NULL-SHA"}) {
        CAPTURE(bad);
        visitor.ciphers = bad;
        Talk talk = house.talk(visitor);
        CHECK_FALSE(talk.done());
        CHECK(talk.alert() == handshake_failure);
    }
}

TEST_CASE("the server's order of ciphers counts, but for clients without AES in hardware", "[tls]") {
    House house;
    Visitor visitor = house.visitor();
    visitor.version = TLS1_2_VERSION;
    visitor.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
    CHECK(house.talk(visitor).cipher() == "ECDHE-ECDSA-AES128-GCM-SHA256");
    visitor.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256";
    CHECK(house.talk(visitor).cipher() == "ECDHE-ECDSA-CHACHA20-POLY1305");
}

TEST_CASE("groups", "[tls]") {
    House house;
    Visitor visitor = house.visitor();
    for (const char* good : {"X25519", "P-256", "P-384", "P-521:P-256"}) {
        visitor.groups = good;
        CHECK(house.talk(visitor).done());
    }
    visitor.groups = "P-521";
    CHECK_FALSE(house.talk(visitor).done());
}

TEST_CASE("a client cannot renegotiate", "[tls]") {
    House house;
    Visitor visitor = house.visitor();
    visitor.version = TLS1_2_VERSION;
    Talk talk = house.talk(visitor);
    REQUIRE(talk.done());
    REQUIRE(SSL_renegotiate(talk.client()) == 1);
    CHECK(SSL_do_handshake(talk.client()) != 1);
    char byte = 0;
    CHECK(SSL_read(talk.server(), &byte, 1) != 1);
    CHECK(SSL_is_init_finished(talk.server()) == 1);
    CHECK(SSL_do_handshake(talk.client()) != 1);
    CHECK(SSL_num_renegotiations(talk.server()) == 0);
    CHECK(drain_errors().find("no renegotiation") != std::string::npos);
    // Nor does the server begin.
    CHECK(SSL_renegotiate(talk.server()) != 1);
    drain_errors();
}

TEST_CASE("early data, compression and legacy renegotiation are off", "[tls]") {
    House house;
    auto contexts = must_load(house.options);
    SSL_CTX* context = contexts->initial();
    CHECK(SSL_CTX_get_max_early_data(context) == 0);
    CHECK((SSL_CTX_get_options(context) & SSL_OP_NO_COMPRESSION) != 0);
    CHECK((SSL_CTX_get_options(context) & SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION) == 0);
    long modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
    CHECK((SSL_CTX_get_mode(context) & modes) == modes);
    Talk talk(house.visitor().ssl(), contexts->accept().value());
    CHECK(SSL_SESSION_get_max_early_data(talk.session().get()) == 0);
}

TEST_CASE("a connection outlives the contexts that it came from", "[tls]") {
    House house;
    Spec spec;
    spec.common_name = "second";
    spec.names = "DNS:b.example";
    house.options.certificates.push_back(house.folder.write("second", house.authority.issue(spec)));
    Visitor visitor = house.visitor();
    visitor.server_name = "b.example";
    visitor.alpn = {"h2"};
    auto contexts = must_load(house.options);
    SslPtr server = contexts->accept().value();
    contexts.reset();
    Talk talk(visitor.ssl(), std::move(server));
    CHECK(talk.done());
    CHECK(talk.seen() == "CN=second");
    CHECK(talk.session());
}

TEST_CASE("what is no TLS fails with a reason", "[tls]") {
    House house;
    SslPtr server = must_load(house.options)->accept().value();
    BIO* in = BIO_new(BIO_s_mem());
    BIO_puts(in, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    SSL_set_bio(server.get(), in, BIO_new(BIO_s_mem()));
    CHECK(SSL_do_handshake(server.get()) != 1);
    CHECK(connection_error(server.get()) == "http request");
    CHECK(drain_errors().empty());
    CHECK(connection_error(server.get()) == "the peer closed the connection");
}
