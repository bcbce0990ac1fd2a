// auth: token exchange (RFC 8693): a token for the same subject, with who acts for
// it written in, and never with more than the subject and the client both have.
#pragma once

#include "auth/client_auth.h"
#include "auth/granting.h"
#include "auth/own_tokens.h"
#include "auth/services.h"
#include "base/result.h"
#include "dispatch/route.h"
#include "http/path.h"
#include "http/response.h"

namespace acp::auth {

inline constexpr std::string_view kTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
/// Actors in one token: the first acts for the subject, the second for the first, and so on.
inline constexpr int kMostActors = 4;

/// [any-thread]
class Exchange {
public:
    Exchange(const Services& services, const Granting& granting) : services_(services), granting_(granting) {}

    /// Errors as RFC 8693 section 2.2.2 has them: `invalid_request` for the form, and for a
    /// token that does not hold or that the client may not use; invalid_scope; invalid_target. [may-block]
    Result<http::Response> answer(const dispatch::Context& context, const ProvenClient& client, const http::Query& form) const;

private:
    /// Some token of the form, own or of a trusted issuer.
    struct Token {
        identity::Principal principal;
        json::Object::Ptr claims;
        std::vector<std::string> roles;
    };
    Result<Token> read(const http::Query& form, const std::string& role) const;
    Result<void> check_binding(const identity::Principal& principal, const dispatch::Context& context, const std::string& key) const;
    Result<std::string> act_of(const Token& subject, const Token* actor, const ProvenClient& client) const;

    const Services& services_;
    const Granting& granting_;
};

}  // namespace acp::auth
