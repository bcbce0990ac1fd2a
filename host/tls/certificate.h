// tls: what a certificate says.
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acp::tls {

struct CertificateInfo {
    std::string file;     ///< it was read from; "" for a peer's
    std::string subject;  ///< RFC 4514, ASCII
    std::string issuer;
    std::vector<std::string> dns_names;  ///< subjectAltName, in lower case
    std::vector<std::string> ip_addresses;
    std::vector<std::string> uris;
    std::string key;     ///< e.g. "RSA 2048", "P-256", "ED25519"
    std::string sha256;  ///< of the DER form, lower-case hex
    std::int64_t not_before_unix_s = 0;
    std::int64_t not_after_unix_s = 0;
    bool operator==(const CertificateInfo&) const = default;
};

/// [any-thread]
CertificateInfo describe(X509* certificate);

/// The certificate's SPIFFE ID, when it is an X.509-SVID of a workload: not a
/// CA, may not sign certificates, and exactly one URI in its subjectAltName,
/// which is a SPIFFE ID (X509-SVID sections 2, 4 and 5.2). Says nothing of
/// whether the certificate is to be believed.
std::optional<std::string> spiffe_id(X509* certificate);

/// spiffe://trust-domain/path as SPIFFE-ID section 2 has it.
bool is_spiffe_id(std::string_view text) noexcept;

/// The time in Unix seconds; 0 when it is malformed.
std::int64_t unix_s(const ASN1_TIME* time);

}  // namespace acp::tls
