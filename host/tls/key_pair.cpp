#include "tls/key_pair.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "tls/error.h"
#include "tls/pem.h"

namespace acp::tls {

namespace {

/// Fewer bits can be factored (NIST SP 800-131A, revision 2).
constexpr int least_rsa_bits = 2048;

/// "" for a key that may be used, otherwise what is wrong with it.
std::string key_fault(const EVP_PKEY* key, const std::string& described) {
    if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS")) {
        if (EVP_PKEY_get_bits(key) >= least_rsa_bits) return {};
        return "has a weak key (" + described + "); make one with RSA 2048 or more bits, or with P-256";
    }
    if (described == "P-256" || described == "P-384" || described == "ED25519") return {};
    return "has a key of the kind " + described + ", which clients do not take; make one with P-256 or RSA 2048";
}

std::string date(std::int64_t at_unix_s) {
    return rfc3339_ms(at_unix_s * 1000).substr(0, 10);
}

void warn_of_times(const CertificateInfo& info, const std::string& who, std::vector<std::string>& warnings) {
    std::int64_t now = unix_ns() / 1'000'000'000;
    if (info.not_after_unix_s <= now)
        warnings.push_back(who + " expired on " + date(info.not_after_unix_s) + "; renew it");
    else if (info.not_before_unix_s > now)
        warnings.push_back(who + " is not valid before " + date(info.not_before_unix_s) +
                           "; check the clock of this machine");
}

void warn_of_chain(const LoadedPair& pair, Role role, std::vector<std::string>& warnings) {
    const std::string who = "certificate file " + pair.info.file;
    warn_of_times(pair.info, who, warnings);
    for (std::size_t i = 1; i < pair.chain.size(); ++i) {
        X509* issuer = pair.chain[i].get();
        warn_of_times(describe(issuer), who + ": certificate number " + std::to_string(i + 1), warnings);
        if (X509_check_issued(issuer, pair.chain[i - 1].get()) != X509_V_OK)
            warnings.push_back(who + ": certificate number " + std::to_string(i + 1) + " did not issue number " +
                               std::to_string(i) + "; put each issuer after what it issued, or clients may refuse it");
    }
    X509* own = pair.chain.front().get();
    if (X509_check_purpose(own, role == Role::server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT, 0) != 1)
        warnings.push_back(who + " is not meant for TLS " + (role == Role::server ? "servers" : "clients") +
                           " (extendedKeyUsage or keyUsage), so peers refuse it; have it issued for that");
    if (role == Role::server && pair.info.dns_names.empty() && pair.info.ip_addresses.empty() && pair.info.uris.empty())
        warnings.push_back(who + " has no subjectAltName, so clients find no name to check; have it issued with one");
}

/// Why key and certificate do not belong together.
std::string mismatch(const std::vector<CertificatePtr>& chain, const EVP_PKEY* key, const std::string& certificate) {
    for (std::size_t i = 1; i < chain.size(); ++i)
        if (X509_check_private_key(chain[i].get(), key) == 1)
            return "belongs to certificate number " + std::to_string(i + 1) + " of " + certificate +
                   "; put that one first in the file";
    return "does not match the certificate in " + certificate + "; name the key that the certificate was issued for";
}

}  // namespace

std::optional<LoadedPair> load_pair(const KeyPair& files, Role role, const std::string& pointer,
                                    std::vector<Violation>& violations, std::vector<std::string>& warnings) {
    const std::string certificate = pointer + "/certificate";
    auto chain = read_certificates(files.certificate_file, "certificate file");
    if (!chain) violations.push_back({certificate, chain.error().message});
    auto key = read_key(files.key_file);
    if (!key) violations.push_back({pointer + "/key", key.error().message});
    if (!chain) return {};

    LoadedPair out;
    out.info = describe(chain->front().get());
    out.info.file = files.certificate_file;
    const EVP_PKEY* public_key = X509_get0_pubkey(chain->front().get());
    std::string fault = public_key == nullptr ? "has a key that cannot be understood; make one with P-256 or RSA 2048"
                                              : key_fault(public_key, out.info.key);
    if (!fault.empty()) {
        violations.push_back({certificate, "certificate file " + files.certificate_file + ' ' + fault});
        return {};
    }
    if (!key) return {};
    bool is_match = X509_check_private_key(chain->front().get(), key->get()) == 1;
    if (!is_match)
        violations.push_back({pointer + "/key", "key file " + files.key_file + ' ' +
                                                    mismatch(*chain, key->get(), files.certificate_file)});
    ERR_clear_error();
    if (!is_match) return {};
    out.chain = std::move(*chain);
    out.key = std::move(*key);
    warn_of_chain(out, role, warnings);
    return out;
}

Result<void> use_pair(SSL_CTX* context, const LoadedPair& pair) {
    STACK_OF(X509)* rest = sk_X509_new_null();
    for (std::size_t i = 1; i < pair.chain.size(); ++i) sk_X509_push(rest, pair.chain[i].get());
    constexpr int replace = 1;
    ERR_clear_error();
    // Takes references of its own on everything.
    int done = SSL_CTX_use_cert_and_key(context, pair.chain.front().get(), pair.key.get(), rest, replace);
    sk_X509_free(rest);
    if (done == 1) return {};
    return fail(Code::invalid, "tls_file",
                "certificate file " + pair.info.file + " is refused: " + drain_errors() +
                    "; have it issued with a SHA-256 signature and a key of at least 2048 bits");
}

std::string kind_of(const LoadedPair& pair) {
    const char* name = EVP_PKEY_get0_type_name(pair.key.get());
    return name == nullptr ? std::string() : name;
}

bool add_anchors(X509_STORE* store, const std::string& file, const std::string& pointer,
                 std::vector<CertificatePtr>& anchors, std::vector<Violation>& violations,
                 std::vector<std::string>& warnings) {
    auto certificates = read_certificates(file, "CA file");
    if (!certificates) {
        violations.push_back({pointer, certificates.error().message});
        return false;
    }
    for (auto& certificate : *certificates) {
        CertificateInfo info = describe(certificate.get());
        warn_of_times(info, "CA file " + file + ": " + info.subject, warnings);
        X509_STORE_add_cert(store, certificate.get());
        anchors.push_back(std::move(certificate));
    }
    // What the operator names is trusted, also when it is an intermediate one
    // whose root is elsewhere.
    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

tl::unexpected<Error> refuse_files(std::vector<Violation> violations) {
    Error error;
    error.code = Code::invalid;
    error.slug = "tls_invalid";
    error.message = "TLS cannot be set up: " + violations.front().detail;
    if (violations.size() > 1) error.message += " (and " + std::to_string(violations.size() - 1) + " more)";
    error.violations = std::move(violations);
    return fail(std::move(error));
}

}  // namespace acp::tls
