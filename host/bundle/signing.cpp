#include "bundle/signing.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "bundle/owned.h"
#include "bundle/trust_keys.h"
#include "tls/error.h"
#include "tls/pem.h"

namespace acp::bundle {

namespace fs = std::filesystem;

namespace {

tl::unexpected<Error> refuse(const std::string& message) {
    return fail(Code::invalid, "signing", message);
}

/// What a PEM writer put into `bio`.
std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

Result<void> write_new(const fs::path& file, std::string_view text, mode_t mode) {
    UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd) return refuse(file.string() + " cannot be made: " + system_reason());
    if (::fchmod(fd.get(), mode) == 0 &&
        ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd.get()) == 0)
        return {};
    auto error = refuse(file.string() + " cannot be written: " + system_reason());
    ::unlink(file.c_str());
    return error;
}

}  // namespace

Result<tls::KeyPtr> read_signing_key(const fs::path& file) {
    auto key = tls::read_key(file);
    if (!key) return fail(key.error());
    if (!EVP_PKEY_is_a(key->get(), "ED25519"))
        return refuse("key file " + file.string() + " holds no Ed25519 key; make one with plugin keygen");
    return std::move(*key);
}

Result<std::string> sign(EVP_PKEY* key, std::string_view manifest) {
    using Context = std::unique_ptr<EVP_MD_CTX, tls::FreeWith<EVP_MD_CTX_free>>;
    Context context(EVP_MD_CTX_new());
    Signature out{key_id(key), std::string(64, '\0')};
    std::size_t size = out.bytes.size();
    // Ed25519 has its hash inside: none is named.
    if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.bytes.data()), &size,
                       reinterpret_cast<const unsigned char*>(manifest.data()), manifest.size()) != 1)
        return refuse("the manifest cannot be signed: " + tls::drain_errors());
    return write_signatures({out});
}

Result<std::string> make_key_pair(const fs::path& name, const std::vector<std::string>& prefixes) {
    tls::KeyPtr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    tls::BioPtr secret(BIO_new(BIO_s_mem()));
    tls::BioPtr open(BIO_new(BIO_s_mem()));
    if (!key || !secret || !open ||
        PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
        PEM_write_bio_PUBKEY(open.get(), key.get()) != 1)
        return refuse("no key can be made: " + tls::drain_errors());
    std::string line(prefixes_field);
    for (const auto& prefix : prefixes) line += (&prefix == &prefixes.front() ? " " : ", ") + prefix + ".";
    std::string text = text_of(secret.get());
    auto written = write_new(name.string() + ".key", text, 0600);
    wipe(text);
    if (!written) return fail(written.error());
    if (auto done = write_new(name.string() + ".pem", line + "\n" + text_of(open.get()), 0644); !done) {
        // A private key without its public one is of no use, and in the way of the next attempt.
        ::unlink((name.string() + ".key").c_str());
        return fail(done.error());
    }
    return key_id(key.get());
}

}  // namespace acp::bundle
