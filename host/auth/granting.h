// auth: from a decision to an access token (RFC 9068). What a token says is cut
// here to what the client and the subject may have, and nowhere else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "auth/client_auth.h"
#include "auth/services.h"
#include "base/result.h"
#include "dispatch/route.h"
#include "http/path.h"
#include "http/response.h"

namespace acp::auth {

/// Whom a token is for, and what that may be.
struct Subject {
    std::string id;
    std::string actor_kind = "service";
    std::string organization_id;
    std::vector<std::string> scopes;  ///< held; the two cluster-wide ones stand for all others but each other
    std::vector<std::string> roles, resources;
    std::string act_json;  ///< RFC 8693 section 4.1; empty: nobody acts for it
    std::string acr;
    std::vector<std::string> amr;
    std::int64_t auth_time_unix_s = 0;
    std::int64_t expires_unix_s = 0;  ///< the token ends no later; 0: as the client's does
};

/// What the client asks for.
struct Wish {
    std::vector<std::string> scopes;     ///< none: all that may be had
    std::vector<std::string> audiences;  ///< none: the server's own
    std::string grant_type;
    std::string key_thumbprint;  ///< jkt of the proof that came along (RFC 9449); or empty
    std::string audit_json;      ///< what else the row shall tell: an object, or empty
};

struct Issued {
    std::string access_token;  ///< a secret
    std::string token_type = "Bearer";
    std::string scope;
    std::string token_id;
    std::int64_t expires_in_s = 0;
};

/// The scopes of the form, each a scope-token, no more than 64 (`invalid_scope`); none when the form names none.
Result<std::vector<std::string>> scopes_asked(const http::Query& form);
/// `resource` (RFC 8707) and `audience` (RFC 8693) of the form: `invalid_target`.
Result<std::vector<std::string>> audiences_asked(const http::Query& form);

/// [any-thread]
class Granting {
public:
    explicit Granting(const Services& services) : services_(services) {}

    /// Whether the client may have every one of these scopes: `invalid_scope`.
    Result<void> check_scopes(const identity::Client& client, const std::vector<std::string>& scopes) const;
    /// Whether it is registered for them: `invalid_target`. The server's own audience
    /// goes with no other: who gets such a token could use it here.
    Result<void> check_audiences(const identity::Client& client, const std::vector<std::string>& audiences) const;

    /// The key that the request proves to have: empty without a DPoP field, `invalid_dpop_proof`
    /// when there is a wrong one, or none and the client must have one. [may-block]
    Result<std::string> proven_key(const dispatch::Context& context, const identity::Client& client) const;

    /// The token, once its row in the ledger is durable. [may-block]
    Result<Issued> issue(const dispatch::Context& context, const ProvenClient& client, const Subject& subject, const Wish& wish) const;

private:
    Result<std::vector<std::string>> cut(const identity::Client& client, const Subject& subject, const std::vector<std::string>& wanted) const;

    const Services& services_;
};

/// RFC 6749 section 5.1, with issued_token_type (RFC 8693 section 2.2.1) when it is given.
http::Response token_response(Issued issued, const std::string& issued_token_type = {});

}  // namespace acp::auth
