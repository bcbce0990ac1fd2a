#include "unit/tls/talk.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <catch2/catch.hpp>

#include "tls/error.h"

namespace acp::tls::test {

namespace {

struct Side {
    SSL* ssl;
    std::string& error;
    bool has_written = false;
    bool has_read = false;

    bool is_over() const { return has_read || !error.empty(); }

    /// Handshake, then a byte out and a byte in: a server of TLS 1.3 judges
    /// the client after that one has finished, and sends its tickets then.
    void step() {
        if (is_over()) return;
        ERR_clear_error();
        char byte = 'x';
        int result = SSL_do_handshake(ssl);
        if (result == 1 && !has_written) {
            result = SSL_write(ssl, &byte, 1);
            has_written = result == 1;
        }
        if (result == 1) result = SSL_read(ssl, &byte, 1);
        has_read = result == 1;
        int reason = SSL_get_error(ssl, result);
        if (!has_read && reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) error = connection_error(ssl);
    }
};

}  // namespace

Talk::Talk(SslPtr client, SslPtr server) : client_(std::move(client)), server_(std::move(server)) {
    BIO* here = nullptr;
    BIO* there = nullptr;
    if (BIO_new_bio_pair(&here, 0, &there, 0) != 1) throw std::runtime_error("no BIO");
    SSL_set_bio(client_.get(), here, here);
    SSL_set_bio(server_.get(), there, there);
    SSL_set_app_data(client_.get(), reinterpret_cast<char*>(alert_.get()));
    SSL_set_info_callback(client_.get(), [](const SSL* ssl, int where, int value) {
        if (where == SSL_CB_READ_ALERT) *reinterpret_cast<int*>(SSL_get_app_data(ssl)) = value & 0xff;
    });

    Side ours{client_.get(), client_error_};
    Side theirs{server_.get(), server_error_};
    for (int turn = 0; turn < 20 && !(ours.is_over() && theirs.is_over()); ++turn) {
        ours.step();
        theirs.step();
    }
    done_ = ours.has_read && theirs.has_read;
}

Talk::~Talk() {
    if (client_) SSL_set_shutdown(client_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

std::string Talk::seen() const {
    X509* certificate = SSL_get0_peer_certificate(client_.get());
    return certificate == nullptr ? "" : describe(certificate).subject;
}

SslPtr Visitor::ssl() const {
    ContextPtr context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* c = context.get();
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_min_proto_version(c, version == 0 ? TLS1_2_VERSION : version);
    SSL_CTX_set_max_proto_version(c, version);
    SSL_CTX_set_options(c, SSL_OP_LEGACY_SERVER_CONNECT);
    if (!ciphers.empty()) REQUIRE(SSL_CTX_set_cipher_list(c, ciphers.c_str()) == 1);
    if (!groups.empty()) REQUIRE(SSL_CTX_set1_groups_list(c, groups.c_str()) == 1);
    if (!signatures.empty()) REQUIRE(SSL_CTX_set1_sigalgs_list(c, signatures.c_str()) == 1);
    if (trusts != nullptr) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(c), trusts);
        SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    }
    if (certificate != nullptr)
        REQUIRE(SSL_CTX_use_cert_and_key(c, certificate->certificate.get(), certificate->key.get(), nullptr, 1) == 1);
    std::string list = alpn_list(alpn).value();
    if (!list.empty())
        SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>(list.data()),
                                static_cast<unsigned int>(list.size()));
    SslPtr ssl(SSL_new(c));
    if (!server_name.empty()) SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
    if (session != nullptr) REQUIRE(SSL_set_session(ssl.get(), session) == 1);
    SSL_set_connect_state(ssl.get());
    return ssl;
}

std::shared_ptr<const ServerContexts> must_load(const ServerOptions& options, std::shared_ptr<TicketKeys> tickets) {
    auto loaded = ServerContexts::load(options, std::move(tickets));
    if (!loaded) FAIL(loaded.error().message);
    return *loaded;
}

}  // namespace acp::tls::test
