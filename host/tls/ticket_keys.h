// tls: the keys that session tickets are sealed with (RFC 5077 section 4).
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

namespace acp::tls {

/// One set for all loops and every reload of the certificates, so that a
/// session resumes wherever it lands. Kept in memory only: a restart, and
/// another replica, begins with full handshakes.
///
/// Whoever has a key can read the recorded connections of its tickets under
/// TLS 1.2, so keys live shortly: one seals for a period, opens for another,
/// and is then overwritten. [any-thread]
class TicketKeys {
public:
    using Clock = std::int64_t (*)();  ///< Unix time in seconds

    static constexpr std::int64_t default_period_s = 3600;
    /// A session resumes until so long after its full handshake. Without this
    /// a client that comes back in time would never prove itself again.
    static constexpr std::int64_t longest_session_s = 86400;

    explicit TicketKeys(std::int64_t period_s = default_period_s, Clock now = unix_time);
    ~TicketKeys();
    TicketKeys(const TicketKeys&) = delete;
    TicketKeys& operator=(const TicketKeys&) = delete;

    /// Seconds that a ticket is good for.
    std::int64_t period_s() const noexcept { return period_s_; }

    /// Starts a new key now, whatever the age of the current one.
    void rotate();
    /// Does what is due. Each handshake with a ticket does it as well; a timer
    /// makes keys vanish on a server without clients, too.
    void rotate_if_due();

    /// Tickets of `context` are sealed with `keys`, which live as long as it.
    static bool install(std::shared_ptr<TicketKeys> keys, SSL_CTX* context);

    static std::int64_t unix_time();

private:
    struct Key {
        std::array<unsigned char, 16> name;
        std::array<unsigned char, 32> cipher;
        std::array<unsigned char, 32> mac;
        std::int64_t made_unix_s;
        bool is_set;
    };

    static TicketKeys* of(SSL* ssl);
    static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                         int is_sealing);
    static int on_issue(SSL* ssl, void* self);
    static SSL_TICKET_RETURN on_resume(SSL* ssl, SSL_SESSION* session, const unsigned char* name, std::size_t name_size,
                                       SSL_TICKET_STATUS status, void* self);

    int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
    int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac);
    bool may_resume(SSL_SESSION* session) const;
    void replace(bool keep_current);
    void refresh();

    const std::int64_t period_s_;
    const Clock now_;
    EVP_CIPHER* const algorithm_;
    std::mutex mutex_;
    Key current_{};   // guarded by mutex_
    Key previous_{};  // guarded by mutex_
};

}  // namespace acp::tls
