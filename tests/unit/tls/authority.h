// Certificates made on the spot, and a folder to keep them in.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "tls/handle.h"
#include "tls/key_pair.h"

namespace acp::tls::test {

/// "P-256", "P-384", "P-521", "ED25519", "secp256k1" or "RSA" with the number of bits, e.g.
/// "RSA2048". RSA keys are made once and given out again.
KeyPtr new_key(const std::string& kind);

struct Spec {
    std::string common_name = "leaf";
    std::string names;          ///< subjectAltName as openssl.cnf has it: "DNS:a.example,URI:spiffe://b/c"
    std::string key = "P-256";  ///< see new_key
    bool is_ca = false;
    std::string usage;              ///< extendedKeyUsage, e.g. "serverAuth"; "": none
    std::string key_usage;          ///< keyUsage, e.g. "digitalSignature"; "": none
    std::int64_t starts_s = -3600;  ///< from now
    std::int64_t ends_s = 86400;    ///< from now
    bool uses_sha1 = false;
};

struct Issued {
    CertificatePtr certificate;
    KeyPtr key;
};

class Authority {
public:
    explicit Authority(const std::string& common_name, const Spec& spec = root());
    /// An authority below `parent`.
    Authority(const Authority& parent, const std::string& common_name);

    Issued issue(const Spec& spec) const;
    X509* certificate() const { return own_.certificate.get(); }

private:
    static Spec root();
    Issued own_;
};

std::string pem(const X509* certificate);
std::string pem(const EVP_PKEY* key);
std::string der(const X509* certificate);

/// A folder that goes away with the object.
class Folder {
public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    /// The path of the new file.
    std::string write(const std::string& name, std::string_view text, int mode = 0600) const;
    /// Both files of a pair; `chain` is appended to the certificate.
    KeyPair write(const std::string& name, const Issued& issued, const std::string& chain = {}) const;
    std::string path(const std::string& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

}  // namespace acp::tls::test
