#include "identity/signing_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <Poco/Crypto/EVPPKey.h>
#include <Poco/JWT/Signer.h>
#include <Poco/JWT/Token.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "json/json.h"

namespace acp::identity {

namespace fs = std::filesystem;

namespace {

constexpr const char* kFileName = "signing-es256.pem";
constexpr std::size_t kCoordinateBytes = 32;

tl::unexpected<Error> key_error(const fs::path& path, const std::string& what) {
    return fail(Code::internal, "signing_key", "signing key " + path.string() + ": " + what);
}

std::string coordinate(EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    std::string bytes(kCoordinateBytes, '\0');
    if (EVP_PKEY_get_bn_param(key, name, &number) != 1) return {};
    BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    BN_free(number);
    return base64url(bytes);
}

/// Writes a fresh key beside `path` and links it in place: the link fails when
/// another process was first, and then that one's key counts.
Result<void> create(const fs::path& path) {
    std::ostringstream priv;
    std::ostringstream pub;
    Poco::Crypto::ECKey("prime256v1").save(&pub, &priv);
    std::string pem = priv.str();
    const fs::path draft = path.string() + "." + random_token(6);
    UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return key_error(path, std::string("cannot be created: ") + std::strerror(errno));
    const bool written = ::write(fd.get(), pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()) && ::fsync(fd.get()) == 0;
    const int cause = errno;
    wipe(pem);
    if (!written) {
        ::unlink(draft.c_str());
        return key_error(path, std::string("cannot be written: ") + std::strerror(cause));
    }
    const bool linked = ::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST;
    const int link_error = errno;
    ::unlink(draft.c_str());
    if (!linked) return key_error(path, std::string("cannot be put in place: ") + std::strerror(link_error));
    UniqueFd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder) ::fsync(folder.get());
    return {};
}

}  // namespace

Result<SigningKey> SigningKey::load_or_create(const fs::path& directory) {
    const fs::path path = directory / kFileName;
    std::error_code ec;
    fs::create_directories(directory, ec);
    if (ec) return key_error(path, "its folder cannot be made: " + ec.message());
    fs::permissions(directory, fs::perms::owner_all, ec);
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        if (auto made = create(path); !made) return fail(made.error());
        if (::stat(path.c_str(), &info) != 0) return key_error(path, std::strerror(errno));
    }
    if ((info.st_mode & 077) != 0) return key_error(path, "is readable by others; run chmod 600 on it");
    try {
        std::ifstream file(path);
        Poco::SharedPtr<Poco::Crypto::ECKey> key = new Poco::Crypto::ECKey(nullptr, &file);
        SigningKey out(key);
        if (out.kid_.empty()) return key_error(path, "is not a P-256 key");
        return out;
    } catch (const Poco::Exception& e) {
        return key_error(path, "cannot be read: " + e.displayText());
    }
}

SigningKey::SigningKey(Poco::SharedPtr<Poco::Crypto::ECKey> key) : key_(std::move(key)) {
    Poco::Crypto::EVPPKey holder(key_.get());
    EVP_PKEY* raw = static_cast<EVP_PKEY*>(holder);
    EVP_PKEY_up_ref(raw);
    pkey_ = std::shared_ptr<EVP_PKEY>(raw, EVP_PKEY_free);
    char group[64] = {};
    std::size_t length = 0;
    if (EVP_PKEY_get_group_name(raw, group, sizeof group, &length) != 1 || std::string_view(group) != "prime256v1") return;
    const std::string x = coordinate(raw, OSSL_PKEY_PARAM_EC_PUB_X);
    const std::string y = coordinate(raw, OSSL_PKEY_PARAM_EC_PUB_Y);
    // RFC 7638 section 3: the required members in lexical order, no white space.
    Sha256 digest = sha256(R"({"crv":"P-256","kty":"EC","x":")" + x + R"(","y":")" + y + R"("})");
    kid_ = base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

Result<std::string> SigningKey::sign(std::string_view typ, const std::string& payload_json) const {
    auto payload = json::parse_object(payload_json);
    if (!payload) return fail(payload.error());
    try {
        Poco::JWT::Token token;
        // Poco's setType writes "typ" into the payload; RFC 7519 section 5.1 wants the header.
        token.header().set("typ", std::string(typ));
        token.header().set("kid", kid_);
        for (const auto& name : (*payload)->getNames()) token.payload().set(name, (*payload)->get(name));
        Poco::JWT::Signer signer(key_);
        signer.setAlgorithms({Poco::JWT::Signer::ALGO_ES256});
        return signer.sign(token, Poco::JWT::Signer::ALGO_ES256);
    } catch (const Poco::Exception& e) {
        return fail(Code::internal, "signing_failed", "the token cannot be signed: " + e.displayText());
    }
}

bool SigningKey::verify(std::string_view signed_text, std::string_view signature) const {
    // EVP rather than Poco::JWT::Signer: that one parses the whole token again,
    // by laxer rules than the ones the caller has just decided on.
    if (signature.size() != 2 * kCoordinateBytes) return false;
    const auto* raw = reinterpret_cast<const unsigned char*>(signature.data());
    std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> sig(ECDSA_SIG_new(), ECDSA_SIG_free);
    BIGNUM* r = BN_bin2bn(raw, kCoordinateBytes, nullptr);
    BIGNUM* s = BN_bin2bn(raw + kCoordinateBytes, kCoordinateBytes, nullptr);
    if (!sig || !r || !s || ECDSA_SIG_set0(sig.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    unsigned char* der = nullptr;
    int der_size = i2d_ECDSA_SIG(sig.get(), &der);
    if (der_size <= 0) return false;
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, pkey_.get()) == 1 &&
                      EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(der_size),
                                       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size()) == 1;
    OPENSSL_free(der);
    return good;
}

}  // namespace acp::identity
