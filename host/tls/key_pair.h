// tls: a certificate chain with its private key, checked before it is used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tls/certificate.h"
#include "tls/handle.h"

namespace acp::tls {

struct KeyPair {
    std::string certificate_file;  ///< PEM: the certificate itself, then the intermediate ones
    std::string key_file;          ///< PEM, without a passphrase
};

struct LoadedPair {
    CertificateInfo info;
    std::vector<CertificatePtr> chain;  ///< the certificate itself first
    KeyPtr key;
};

enum class Role : std::uint8_t { server, client };

/// Reads and checks both files. A fault goes to `violations`, one for each
/// file, with the pointer `pointer` + "/certificate" or "/key"; what does not
/// keep the pair from working goes to `warnings`.
std::optional<LoadedPair> load_pair(const KeyPair& files, Role role, const std::string& pointer,
                                    std::vector<Violation>& violations, std::vector<std::string>& warnings);

/// Gives the pair to `context`, beside pairs of other kinds of keys that it
/// has. The error is OpenSSL's reason.
Result<void> use_pair(SSL_CTX* context, const LoadedPair& pair);

/// A pair of one kind replaces another of that kind in an SSL_CTX.
std::string kind_of(const LoadedPair& pair);

/// The certificates of `files` into `store`, as anchors of trust. A fault
/// goes to `violations` with the pointer given.
bool add_anchors(X509_STORE* store, const std::string& file, const std::string& pointer,
                 std::vector<CertificatePtr>& anchors, std::vector<Violation>& violations,
                 std::vector<std::string>& warnings);

/// One error that tells of all violations.
tl::unexpected<Error> refuse_files(std::vector<Violation> violations);

}  // namespace acp::tls
