#include "state/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

namespace acp::state {

namespace {

constexpr char kFormat = 1;
constexpr std::size_t kIdBytes = 4, kNonceBytes = 12, kTagBytes = 16;
constexpr std::size_t kHeadBytes = 1 + kIdBytes;

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;

const EVP_CIPHER* aes_gcm() {
    static EVP_CIPHER* const fetched = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    return fetched;
}

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::string& bytes, std::size_t at) {
    return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}

/// Two bytes of length, so that the borders of joined parts show.
std::string length_of(std::string_view part) {
    return {static_cast<char>(part.size() >> 8 & 255), static_cast<char>(part.size() & 255)};
}

/// Begins to seal or open with the name's own key; the head (format and key) and
/// the name are authenticated with the value.
CipherContext begin(const Hmac& per_name, std::string_view name, std::string_view head, std::string_view nonce, int is_sealing) {
    CipherContext context(EVP_CIPHER_CTX_new());
    Sha256 key = per_name.of({name});
    int size = 0;
    const bool good = context && EVP_CipherInit_ex2(context.get(), aes_gcm(), key.data(), raw(nonce), is_sealing, nullptr) == 1 &&
                      EVP_CipherUpdate(context.get(), nullptr, &size, raw(head), static_cast<int>(head.size())) == 1 &&
                      EVP_CipherUpdate(context.get(), nullptr, &size, raw(name), static_cast<int>(name.size())) == 1;
    OPENSSL_cleanse(key.data(), key.size());
    if (!good) std::abort();
    return context;
}

tl::unexpected<Error> unopened(const char* why) {
    return fail(Code::invalid, "state_value", why);
}

std::string naming_key(const KeySet& keys) {
    return derive_key(keys.naming, "alphaswarm-cp state names 1");
}

}  // namespace

Seal::Seal(const KeySet& keys) : names_(naming_key(keys)) {
    for (const auto& key : keys.sealing) {
        std::string sealing = derive_key(key, "alphaswarm-cp state seal 1");
        keys_.push_back({derive_key(key, "alphaswarm-cp state key id 1").substr(0, kIdBytes), Hmac(sealing)});
        wipe(sealing);
    }
}

std::string Seal::name(Kind kind, std::string_view space, std::string_view key, std::string_view of) const {
    const char letter = static_cast<char>(kind);
    const Sha256 digest = names_.of({{&letter, 1}, length_of(space), space, length_of(of), of, key});
    return std::string(space) + ":" + base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string Seal::seal(std::string_view name, std::string_view value) const {
    const Key& key = keys_.front();
    std::string out(kHeadBytes + kNonceBytes + value.size() + kTagBytes, '\0');
    out[0] = kFormat;
    key.id.copy(out.data() + 1, kIdBytes);
    random_bytes(out.data() + kHeadBytes, kNonceBytes);
    const std::string_view written = out;
    CipherContext context = begin(key.per_name, name, written.substr(0, kHeadBytes), written.substr(kHeadBytes, kNonceBytes), 1);
    constexpr std::size_t text = kHeadBytes + kNonceBytes;
    int size = 0, last = 0;
    if (EVP_EncryptUpdate(context.get(), raw(out, text), &size, raw(value), static_cast<int>(value.size())) != 1 ||
        EVP_EncryptFinal_ex(context.get(), raw(out, text + static_cast<std::size_t>(size)), &last) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagBytes), raw(out, text + value.size())) != 1)
        std::abort();
    return out;
}

Result<std::string> Seal::open(std::string_view name, std::string_view sealed) const {
    if (sealed.size() < kHeadBytes + kNonceBytes + kTagBytes) return unopened("it is too short");
    if (sealed[0] != kFormat) return unopened("its format is unknown");
    const std::string_view id = sealed.substr(1, kIdBytes);
    const std::string_view text = sealed.substr(kHeadBytes + kNonceBytes, sealed.size() - kHeadBytes - kNonceBytes - kTagBytes);
    std::string tag(sealed.substr(sealed.size() - kTagBytes));
    bool key_known = false;
    for (const Key& key : keys_) {
        if (key.id != id) continue;
        key_known = true;
        CipherContext context = begin(key.per_name, name, sealed.substr(0, kHeadBytes), sealed.substr(kHeadBytes, kNonceBytes), 0);
        std::string value(text.size(), '\0');
        int size = 0, last = 0;
        if (EVP_DecryptUpdate(context.get(), raw(value, 0), &size, raw(text), static_cast<int>(text.size())) == 1 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTagBytes), raw(tag, 0)) == 1 &&
            EVP_DecryptFinal_ex(context.get(), raw(value, static_cast<std::size_t>(size)), &last) == 1)
            return value;
        wipe(value);
    }
    return unopened(key_known ? "it was changed, or belongs to another key of the store" : "it was sealed with a key that is not in the key file");
}

}  // namespace acp::state
