#include "client/broken.h"

#include <openssl/ssl.h>

namespace acp::client {

namespace {

bool is_about_certificates(int alert) noexcept {
    switch (alert) {
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
        case SSL_AD_ACCESS_DENIED:
        case SSL_AD_CERTIFICATE_REQUIRED:
            return true;
        default:
            return false;
    }
}

}  // namespace

std::optional<Error> broken_in_tls(const wire::Connection& connection, const std::string& place) {
    const tls::Channel* const channel = connection.channel();
    if (!channel || channel->failure().empty()) return std::nullopt;
    const bool untrusted = is_about_certificates(channel->alert());
    const std::string what = untrusted ? place + " does not accept our certificate: "
                                       : "the connection to " + place + " ended without TLS's close: ";
    return fail(Code::unavailable, untrusted ? "upstream_untrusted" : "upstream_reset", what + channel->failure())
        .value();
}

}  // namespace acp::client
