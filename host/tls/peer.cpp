#include "tls/peer.h"

#include <string_view>

namespace acp::tls {

namespace {

std::string der(const X509* certificate) {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate, &bytes);
    if (size <= 0) return {};
    std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
}

}  // namespace

std::optional<PeerIdentity> peer_identity(const SSL* ssl) {
    if (SSL_is_init_finished(ssl) != 1 || SSL_get_verify_result(ssl) != X509_V_OK) return {};
    // SSL_VERIFY_NONE leaves the verdict at "ok" without having looked.
    if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) return {};
    X509* certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return {};
    return PeerIdentity{describe(certificate), spiffe_id(certificate), der(certificate)};
}

Protocol negotiated_protocol(const SSL* ssl) noexcept {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    return std::string_view(reinterpret_cast<const char*>(name), size) == "h2" ? Protocol::http2 : Protocol::http1;
}

}  // namespace acp::tls
