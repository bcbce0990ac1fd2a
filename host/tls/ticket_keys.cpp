#include "tls/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "tls/certificate.h"

namespace acp::tls {

namespace {

using Holder = std::shared_ptr<TicketKeys>;

/// Where an SSL_CTX keeps its keys; OpenSSL calls back without an argument of ours.
int slot() {
    static const int index = SSL_CTX_get_ex_new_index(
        0, nullptr, nullptr, nullptr,
        [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Holder*>(held); });
    return index;
}

bool set_mac_key(EVP_MAC_CTX* mac, const std::array<unsigned char, 32>& key) {
    // OpenSSL made the context for HMAC. The parameters are not written to.
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.data()), key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

std::int64_t TicketKeys::unix_time() {
    return unix_ns() / 1'000'000'000;
}

TicketKeys::TicketKeys(std::int64_t period_s, Clock now)
    : period_s_(period_s), now_(now), algorithm_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {
    replace(false);
}

TicketKeys::~TicketKeys() {
    OPENSSL_cleanse(&current_, sizeof current_);
    OPENSSL_cleanse(&previous_, sizeof previous_);
    EVP_CIPHER_free(algorithm_);
}

void TicketKeys::rotate() {
    std::lock_guard lock(mutex_);
    replace(true);
}

void TicketKeys::rotate_if_due() {
    std::lock_guard lock(mutex_);
    refresh();
}

void TicketKeys::replace(bool keep_current) {
    if (keep_current)
        previous_ = current_;
    else
        OPENSSL_cleanse(&previous_, sizeof previous_);
    random_bytes(current_.name.data(), current_.name.size());
    random_bytes(current_.cipher.data(), current_.cipher.size());
    random_bytes(current_.mac.data(), current_.mac.size());
    current_.made_unix_s = now_();
    current_.is_set = true;
}

void TicketKeys::refresh() {
    std::int64_t age = now_() - current_.made_unix_s;
    // The clock may be set back a little without harm. Set back far, it says
    // nothing of the key's age.
    if (age > -period_s_ && age < period_s_) return;
    replace(age > 0 && age < 2 * period_s_);
}

bool TicketKeys::install(std::shared_ptr<TicketKeys> keys, SSL_CTX* context) {
    TicketKeys* self = keys.get();
    auto held = std::make_unique<Holder>(std::move(keys));
    if (self->algorithm_ == nullptr || SSL_CTX_set_ex_data(context, slot(), held.get()) != 1) return false;
    static_cast<void>(held.release());
    SSL_CTX_set_timeout(context, static_cast<long>(self->period_s_));
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1 &&
           SSL_CTX_set_session_ticket_cb(context, on_issue, on_resume, self) == 1;
}

TicketKeys* TicketKeys::of(SSL* ssl) {
    auto* held = static_cast<Holder*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), slot()));
    return held == nullptr ? nullptr : held->get();
}

/// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 done, 2 done and the ticket is to
/// be renewed, 0 no ticket, -1 failure.
int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                          int is_sealing) {
    TicketKeys* self = of(ssl);
    if (self == nullptr) return -1;
    return is_sealing == 1 ? self->seal(name, iv, cipher, mac) : self->open(name, iv, cipher, mac);
}

// AES-256-CBC, then HMAC-SHA-256 over name, IV and text: the construction that
// RFC 5077 section 4 recommends and the only one that OpenSSL's callback fits.

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    std::lock_guard lock(mutex_);
    refresh();
    random_bytes(iv, static_cast<std::size_t>(EVP_CIPHER_get_iv_length(algorithm_)));
    std::memcpy(name, current_.name.data(), current_.name.size());
    bool ready = EVP_EncryptInit_ex2(cipher, algorithm_, current_.cipher.data(), iv, nullptr) == 1 &&
                 set_mac_key(mac, current_.mac);
    return ready ? 1 : -1;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    std::lock_guard lock(mutex_);
    refresh();
    for (const Key* key : {&current_, &previous_}) {
        if (!key->is_set || std::memcmp(name, key->name.data(), key->name.size()) != 0) continue;
        bool ready =
            EVP_DecryptInit_ex2(cipher, algorithm_, key->cipher.data(), iv, nullptr) == 1 && set_mac_key(mac, key->mac);
        if (!ready) return -1;
        return key == &current_ ? 1 : 2;
    }
    return 0;
}

/// The time of the full handshake travels in the ticket, and from a resumed
/// session into the next one's.
int TicketKeys::on_issue(SSL* ssl, void* self) {
    SSL_SESSION* session = SSL_get_session(ssl);
    void* data = nullptr;
    std::size_t size = 0;
    if (session == nullptr || SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1) return 0;
    if (size == sizeof(std::int64_t)) return 1;
    std::int64_t now = static_cast<TicketKeys*>(self)->now_();
    return SSL_SESSION_set1_ticket_appdata(session, &now, sizeof now);
}

SSL_TICKET_RETURN TicketKeys::on_resume(SSL* ssl, SSL_SESSION* session, const unsigned char*, std::size_t,
                                        SSL_TICKET_STATUS status, void* self) {
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!static_cast<TicketKeys*>(self)->may_resume(session)) return SSL_TICKET_RETURN_IGNORE_RENEW;
    // A ticket should be used once (RFC 8446 appendix C.4), so each resumed
    // connection of TLS 1.3 gets the next.
    bool renew = status == SSL_TICKET_SUCCESS_RENEW || SSL_version(ssl) == TLS1_3_VERSION;
    return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

bool TicketKeys::may_resume(SSL_SESSION* session) const {
    void* data = nullptr;
    std::size_t size = 0;
    std::int64_t proven = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size != sizeof proven) return false;
    std::memcpy(&proven, data, sizeof proven);
    std::int64_t now = now_();
    if (now - proven >= longest_session_s) return false;
    // A resumed handshake does not look at the client's certificate again.
    const X509* certificate = SSL_SESSION_get0_peer(session);
    return certificate == nullptr || unix_s(X509_get0_notAfter(certificate)) > now;
}

}  // namespace acp::tls
