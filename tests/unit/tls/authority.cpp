#include "unit/tls/authority.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <ctime>
#include <fstream>
#include <map>
#include <stdexcept>

#include "base/bytes.h"

namespace acp::tls::test {

namespace {

void check(bool done, const char* what) {
    if (!done) throw std::runtime_error(std::string("cannot make a certificate: ") + what);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    check(extension != nullptr, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/// Signed by `issuer`, or by itself when that is null.
Issued make(const Spec& spec, X509* issuer, EVP_PKEY* issuer_key) {
    Issued out{CertificatePtr(X509_new()), new_key(spec.key)};
    X509* certificate = out.certificate.get();
    if (issuer == nullptr) {
        issuer = certificate;
        issuer_key = out.key.get();
    }
    X509_set_version(certificate, X509_VERSION_3);
    std::uint32_t serial = 0;
    random_bytes(&serial, sizeof serial);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
    ASN1_TIME_adj(X509_getm_notBefore(certificate), std::time(nullptr), 0, static_cast<long>(spec.starts_s));
    ASN1_TIME_adj(X509_getm_notAfter(certificate), std::time(nullptr), 0, static_cast<long>(spec.ends_s));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    X509_set_pubkey(certificate, out.key.get());
    add_extension(certificate, issuer, NID_basic_constraints, spec.is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!spec.names.empty()) add_extension(certificate, issuer, NID_subject_alt_name, spec.names);
    if (!spec.usage.empty()) add_extension(certificate, issuer, NID_ext_key_usage, spec.usage);
    if (!spec.key_usage.empty()) add_extension(certificate, issuer, NID_key_usage, spec.key_usage);
    const EVP_MD* digest = EVP_PKEY_is_a(issuer_key, "ED25519") ? nullptr : spec.uses_sha1 ? EVP_sha1() : EVP_sha256();
    check(X509_sign(certificate, issuer_key, digest) > 0, "signature");
    return out;
}

template <typename Write>
std::string written(const Write& write) {
    BioPtr bio(BIO_new(BIO_s_mem()));
    check(write(bio.get()) == 1, "PEM");
    char* data = nullptr;
    long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace

KeyPtr new_key(const std::string& kind) {
    EVP_PKEY* key = nullptr;
    if (kind.starts_with("RSA")) {
        static std::map<std::string, KeyPtr> made;
        auto& kept = made[kind];
        if (!kept) kept.reset(EVP_RSA_gen(static_cast<unsigned int>(std::stoi(kind.substr(3)))));
        check(kept != nullptr && EVP_PKEY_up_ref(kept.get()) == 1, "RSA key");
        key = kept.get();
    } else if (kind == "ED25519") {
        key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    } else {
        key = EVP_EC_gen(kind.c_str());
    }
    check(key != nullptr, "key");
    return KeyPtr(key);
}

Spec Authority::root() {
    Spec spec;
    spec.is_ca = true;
    spec.key_usage = "critical,keyCertSign,cRLSign";
    return spec;
}

Authority::Authority(const std::string& common_name, const Spec& spec) {
    Spec named = spec;
    named.common_name = common_name;
    own_ = make(named, nullptr, nullptr);
}

Authority::Authority(const Authority& parent, const std::string& common_name) {
    Spec named = root();
    named.common_name = common_name;
    own_ = parent.issue(named);
}

Issued Authority::issue(const Spec& spec) const {
    return make(spec, own_.certificate.get(), own_.key.get());
}

std::string pem(const X509* certificate) {
    return written([&](BIO* out) { return PEM_write_bio_X509(out, const_cast<X509*>(certificate)); });
}

std::string pem(const EVP_PKEY* key) {
    return written([&](BIO* out) {
        return PEM_write_bio_PrivateKey(out, const_cast<EVP_PKEY*>(key), nullptr, nullptr, 0, nullptr, nullptr);
    });
}

std::string der(const X509* certificate) {
    return written([&](BIO* out) { return i2d_X509_bio(out, const_cast<X509*>(certificate)); });
}

Folder::Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "acp-tls-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
}

Folder::~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, std::string_view text, int mode) const {
    std::string file = path(name);
    std::ofstream(file, std::ios::binary) << text;
    check(::chmod(file.c_str(), static_cast<mode_t>(mode)) == 0, "file");
    return file;
}

KeyPair Folder::write(const std::string& name, const Issued& issued, const std::string& chain) const {
    return {write(name + ".pem", pem(issued.certificate.get()) + chain, 0644),
            write(name + ".key", pem(issued.key.get()))};
}

}  // namespace acp::tls::test
