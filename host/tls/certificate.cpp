#include "tls/certificate.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "base/bytes.h"
#include "tls/handle.h"

namespace acp::tls {

namespace {

std::string name_text(const X509_NAME* name) {
    BioPtr out(BIO_new(BIO_s_mem()));
    if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
    char* data = nullptr;
    long size = BIO_get_mem_data(out.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// The IA5String. "" when it holds anything but visible ASCII: a NUL inside is
/// how one name is passed off as another.
std::string ascii(const ASN1_STRING* value) {
    std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                          static_cast<std::size_t>(ASN1_STRING_length(value)));
    bool is_visible = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    return is_visible ? std::string(text) : std::string();
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string ip_text(const ASN1_OCTET_STRING* value) {
    int length = ASN1_STRING_length(value);
    char text[INET6_ADDRSTRLEN];
    int family = length == 4 ? AF_INET : length == 16 ? AF_INET6 : AF_UNSPEC;
    if (family == AF_UNSPEC || ::inet_ntop(family, ASN1_STRING_get0_data(value), text, sizeof text) == nullptr)
        return {};
    return text;
}

std::string key_text(X509* certificate) {
    EVP_PKEY* key = X509_get0_pubkey(certificate);
    if (key == nullptr) return "unknown";
    char group[64];
    std::size_t length = 0;
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &length) == 1) {
        // OpenSSL's names and those of the people who configure it.
        std::string_view name(group, length);
        if (name == "prime256v1") return "P-256";
        if (name == "secp384r1") return "P-384";
        if (name == "secp521r1") return "P-521";
        return std::string(name);
    }
    const char* type = EVP_PKEY_get0_type_name(key);
    std::string out = type == nullptr ? "unknown" : type;
    if (out.starts_with("RSA") || out == "DSA") out += ' ' + std::to_string(EVP_PKEY_get_bits(key));
    return out;
}

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

NamesPtr alternative_names(const X509* certificate) {
    return NamesPtr(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
}

/// [a-z0-9._-]+ or, in a path segment, capitals too; SPIFFE-ID 2.1 and 2.2.
bool is_spiffe_part(std::string_view text, bool capitals) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [capitals](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
               (capitals && c >= 'A' && c <= 'Z');
    });
}

}  // namespace

std::int64_t unix_s(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return 0;
    return ::timegm(&parts);
}

CertificateInfo describe(X509* certificate) {
    CertificateInfo out;
    out.subject = name_text(X509_get_subject_name(certificate));
    out.issuer = name_text(X509_get_issuer_name(certificate));
    if (auto names = alternative_names(certificate)) {
        for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
            const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
            auto add = [](std::vector<std::string>& list, std::string text) {
                if (!text.empty()) list.push_back(std::move(text));
            };
            if (name->type == GEN_DNS) add(out.dns_names, lower(ascii(name->d.dNSName)));
            if (name->type == GEN_URI) add(out.uris, ascii(name->d.uniformResourceIdentifier));
            if (name->type == GEN_IPADD) add(out.ip_addresses, ip_text(name->d.iPAddress));
        }
    }
    out.key = key_text(certificate);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1)
        out.sha256 = hex({reinterpret_cast<const char*>(digest), size});
    out.not_before_unix_s = unix_s(X509_get0_notBefore(certificate));
    out.not_after_unix_s = unix_s(X509_get0_notAfter(certificate));
    return out;
}

bool is_spiffe_id(std::string_view text) noexcept {
    constexpr std::string_view scheme = "spiffe://";
    if (text.size() > 2048 || !text.starts_with(scheme)) return false;
    text.remove_prefix(scheme.size());
    auto slash = text.find('/');
    std::string_view domain = text.substr(0, slash);
    if (domain.size() > 255 || !is_spiffe_part(domain, false)) return false;
    while (slash != std::string_view::npos) {
        text.remove_prefix(slash + 1);
        slash = text.find('/');
        std::string_view segment = text.substr(0, slash);
        if (segment == "." || segment == ".." || !is_spiffe_part(segment, true)) return false;
    }
    return true;
}

std::optional<std::string> spiffe_id(X509* certificate) {
    if ((X509_get_extension_flags(certificate) & (EXFLAG_CA | EXFLAG_INVALID)) != 0) return {};
    // All bits are set when the extension is missing.
    std::uint32_t usage = X509_get_key_usage(certificate);
    if (usage != UINT32_MAX && (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0) return {};
    auto names = alternative_names(certificate);
    if (!names) return {};
    std::optional<std::string> found;
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_URI) continue;
        // A second URI, even a malformed one, leaves open which is meant.
        if (found) return {};
        found = ascii(name->d.uniformResourceIdentifier);
    }
    if (!found || !is_spiffe_id(*found)) return {};
    return found;
}

}  // namespace acp::tls
