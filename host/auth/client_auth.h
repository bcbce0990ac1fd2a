// auth: which OAuth client sends a request. Exactly one proof a request; a
// certificate that merely comes along with another proof counts for nothing but
// the token's binding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/assertion.h"
#include "auth/failures.h"
#include "auth/services.h"
#include "base/result.h"
#include "dispatch/route.h"
#include "http/path.h"

namespace acp::auth {

struct ProvenClient {
    const identity::Client* client = nullptr;
    identity::ClientAuth method = identity::ClientAuth::none;
    /// x5t#S256 (RFC 8705 section 3.1) of the certificate that was the proof; else empty.
    std::string certificate_thumbprint;
};

/// [any-thread]
class ClientAuthenticator {
public:
    explicit ClientAuthenticator(const Services& services);

    /// Errors: `invalid_client` (unauthenticated), which does not tell an unknown client
    /// from a wrong proof; `invalid_request` for no or several proofs; too many
    /// failures (exhausted); unavailable. `context.credentials` is set. [may-block]
    Result<ProvenClient> prove(const dispatch::Context& context, const http::Query& form);

    /// Removes and wipes what proved the client, once it has.
    static void strip(http::Query& form) noexcept;

private:
    /// A proof as it came, before anything is believed.
    struct Presented {
        std::string client_id;  ///< empty: the assertion tells
        std::string secret;
        std::string_view assertion;
        identity::ClientAuth method = identity::ClientAuth::none;
        ~Presented();
    };
    static Result<void> read_basic(const dispatch::Credentials& credentials, Presented& out);
    static Result<void> read(const dispatch::Context& context, const http::Query& form, Presented& out);
    Result<ProvenClient> judge(const Presented& presented, const dispatch::Credentials& credentials);
    Result<ProvenClient> judge_secret(const Presented& presented) const;
    Result<ProvenClient> judge_bare(const Presented& presented, const dispatch::Credentials& credentials) const;
    void denied(const dispatch::Context& context, const Presented& presented, const Error& error);

    const Services& services_;
    Assertions assertions_;
    Failures failures_;
};

}  // namespace acp::auth
