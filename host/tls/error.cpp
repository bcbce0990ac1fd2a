#include "tls/error.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cstring>
#include <system_error>

namespace acp::tls {

namespace {

std::string reason_of(unsigned long code) {
    if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) return reason;
    char text[256];
    ERR_error_string_n(code, text, sizeof text);
    return text;
}

}  // namespace

std::string drain_errors() {
    std::string out;
    std::string last;
    for (;;) {
        const char* data = nullptr;
        int flags = 0;
        unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags);
        if (code == 0) return out;
        std::string reason = reason_of(code);
        if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0')
            reason.append(" (").append(data).append(")");
        // Each layer that passes a failure on may repeat it.
        if (reason == last) continue;
        out += (out.empty() ? "" : "; ") + reason;
        last = std::move(reason);
    }
}

std::string connection_error(const SSL* ssl) {
    std::string out;
    long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK)
        out = std::string("the peer's certificate is not accepted: ") + X509_verify_cert_error_string(verdict);
    std::string queue = drain_errors();
    if (!queue.empty()) out += (out.empty() ? "" : "; ") + queue;
    return out.empty() ? "the peer closed the connection" : out;
}

}  // namespace acp::tls
