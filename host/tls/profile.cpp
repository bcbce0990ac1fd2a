#include "tls/profile.h"

#include <openssl/err.h>

#include "tls/error.h"

namespace acp::tls {

namespace {

constexpr const char* ciphers_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_1_3 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
/// Refuses keys under 112 bits of strength and SHA-1 in certificates.
constexpr int security_level = 2;

}  // namespace

Result<ContextPtr> new_context(const SSL_METHOD* method, Version least) {
    ERR_clear_error();
    ContextPtr context(SSL_CTX_new(method));
    int lowest = least == Version::tls1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (context) SSL_CTX_set_security_level(context.get(), security_level);
    if (!context || SSL_CTX_set_min_proto_version(context.get(), lowest) != 1 ||
        SSL_CTX_set_max_proto_version(context.get(), 0) != 1 ||
        SSL_CTX_set_cipher_list(context.get(), ciphers_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(context.get(), ciphers_1_3) != 1 ||
        SSL_CTX_set1_groups_list(context.get(), groups) != 1)
        return fail(Code::internal, "tls_unavailable", "OpenSSL cannot be set up: " + drain_errors());
    SSL_CTX_clear_options(context.get(), SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // Idle connections keep no buffers. A write that was cut short may be
    // taken up from another place in memory, and any part that went out counts.
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

Result<std::string> alpn_list(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) {
        if (name.empty() || name.size() > 255)
            return fail(Code::invalid, "tls_invalid", "the name of an ALPN protocol has 1 to 255 bytes");
        out += static_cast<char>(name.size());
        out += name;
    }
    return out;
}

}  // namespace acp::tls
