#include "tls/pem.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "base/bytes.h"
#include "base/secret_file.h"
#include "base/unique_fd.h"
#include "tls/error.h"

namespace acp::tls {

namespace fs = std::filesystem;

namespace {

constexpr off_t most_bytes = 1 << 20;

tl::unexpected<Error> refused(std::string_view role, const fs::path& file, const std::string& what) {
    return fail(Code::invalid, "tls_file", std::string(role) + ' ' + file.string() + ' ' + what);
}

/// The text of a file, overwritten when done: it may hold a key.
class Text {
public:
    explicit Text(std::size_t size) : bytes_(size, '\0') {}
    Text(Text&& other) noexcept : bytes_(std::move(other.bytes_)) {}
    Text& operator=(Text&&) = delete;
    ~Text() { wipe(bytes_); }

    std::string& bytes() { return bytes_; }
    BioPtr bio() const { return BioPtr(BIO_new_mem_buf(bytes_.data(), static_cast<int>(bytes_.size()))); }

private:
    std::string bytes_;
};

Result<Text> read_file(const fs::path& file, std::string_view role, bool is_secret) {
    auto reason = [] { return std::generic_category().message(errno); };
    // Not blocking: a FIFO in the file's place must not hold the server up.
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd)
        return refused(role, file,
                       "cannot be read: " + reason() + "; check the path and that the server's user may read it");
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return refused(role, file, "cannot be read: " + reason());
    if (!S_ISREG(status.st_mode)) return refused(role, file, "is no file; name the PEM file itself");
    if (status.st_size > most_bytes) return refused(role, file, "has more than 1 MiB; name the PEM file itself");
    if (is_secret)
        if (std::string fault = exposure_of_secret(status, file); !fault.empty()) return refused(role, file, fault);
    Text text(static_cast<std::size_t>(status.st_size));
    std::size_t filled = 0;
    while (filled < text.bytes().size()) {
        ssize_t count = ::read(fd.get(), text.bytes().data() + filled, text.bytes().size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return refused(role, file, "cannot be read: " + reason());
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    text.bytes().resize(filled);
    return text;
}

/// Why a file in which nothing was found is not what it should be.
std::string not_pem(const std::string& text, const std::string& wanted, const std::string& command) {
    if (text.empty()) return "is empty; it must hold a " + wanted + " in PEM";
    // The tag of an ASN.1 SEQUENCE: what a DER file begins with.
    if (text.front() == '\x30')
        return "is not PEM but looks like DER; convert it with openssl " + command + " -inform DER -in OLD -out NEW";
    if (text.find("-----BEGIN ") != std::string::npos)
        return "holds no " + wanted + "; check that it is the right file";
    return "is not PEM: it has no line -----BEGIN " +
           std::string(wanted == "certificate" ? "CERTIFICATE" : "PRIVATE KEY") + "-----";
}

/// In place of OpenSSL's own callback, which asks at the terminal.
int no_passphrase(char*, int, int, void* was_asked) {
    if (was_asked != nullptr) *static_cast<bool*>(was_asked) = true;
    return -1;
}

}  // namespace

Result<std::vector<CertificatePtr>> read_certificates(const fs::path& file, std::string_view role) {
    auto text = read_file(file, role, false);
    if (!text) return fail(text.error());
    BioPtr bio = text->bio();
    std::vector<CertificatePtr> out;
    ERR_clear_error();
    for (;;) {
        CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
        if (!certificate) break;
        out.push_back(std::move(certificate));
    }
    bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    std::string why = drain_errors();
    if (!is_end)
        return refused(role, file,
                       "is damaged at certificate number " + std::to_string(out.size() + 1) + ": " + why +
                           "; copy it again from where it was issued");
    if (out.empty()) return refused(role, file, not_pem(text->bytes(), "certificate", "x509"));
    return out;
}

Result<KeyPtr> read_key(const fs::path& file) {
    constexpr std::string_view role = "key file";
    auto text = read_file(file, role, true);
    if (!text) return fail(text.error());
    bool was_asked = false;
    ERR_clear_error();
    KeyPtr key(PEM_read_bio_PrivateKey(text->bio().get(), nullptr, no_passphrase, &was_asked));
    std::string why = drain_errors();
    if (key) return key;
    if (was_asked)
        return refused(role, file,
                       "is encrypted with a passphrase, which a server cannot type; decrypt it with openssl pkey -in "
                       "OLD -out NEW and keep NEW readable by the server's user alone");
    if (text->bytes().find("PRIVATE KEY-----") != std::string::npos)
        return refused(role, file, "is damaged: " + why + "; copy it again from where it was made");
    return refused(role, file, not_pem(text->bytes(), "private key", "pkey"));
}

}  // namespace acp::tls
