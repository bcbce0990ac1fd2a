// auth: JWTs that prove a client (RFC 7523 section 3): signed by the client's own
// key, or by an issuer that vouches for it (SPIFFE, Kubernetes).
#pragma once

#include <string>
#include <string_view>

#include "auth/services.h"
#include "base/result.h"
#include "jose/compact.h"
#include "jose/private_key.h"

namespace acp::auth {

/// [any-thread]
class Assertions {
public:
    explicit Assertions(const Services& services);

    /// Whether this is a client_assertion_type that is taken.
    static bool is_type(std::string_view type) noexcept;

    struct Accepted {
        const identity::Client* client = nullptr;
        identity::ClientAuth method = identity::ClientAuth::private_key_jwt;
    };
    /// `client_id` as the form names it, or empty: then the assertion's subject tells.
    /// Code::unauthenticated with `internal` naming the check; Code::unavailable. [may-block]
    Result<Accepted> judge(std::string_view assertion, const std::string& client_id);

private:
    const identity::Client* client_of(const jose::Compact& token, const std::string& client_id) const;
    Result<void> judge_own(const identity::Client* client, const jose::Compact& token);
    Result<void> judge_vouched(std::string_view assertion, const jose::Compact& token);
    Result<void> use_once(const identity::Client& client, const std::string& jti, std::int64_t until_unix_s, std::int64_t now_unix_s);
    /// The audience of ours that the token names; empty: none.
    std::string audience_of(const jose::Compact& token) const;

    const Services& services_;
    const Result<jose::PrivateKey> nobodys_;  ///< what an unknown client's signature is checked with
};

}  // namespace acp::auth
