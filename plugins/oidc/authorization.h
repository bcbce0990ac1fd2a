// oidc: the way to a provider: an authorization request with PKCE (RFC 7636), a nonce and
// the host's state, pushed where that is offered (RFC 9126).
#pragma once

#include <optional>
#include <string>

#include "flow/form.h"
#include "oidc/metadata.h"

namespace acp::oidc {

/// What a login keeps between the way there and the way back; a secret.
struct Login {
    std::string provider;   ///< id
    std::string verifier, nonce;
    std::string return_to;  ///< local
    std::string acr;        ///< this house's word that is wanted; empty: any
    std::string session;    ///< id of the session that it is for; empty: a new one

    /// With a verifier and a nonce of its own. Throws sdk::Failure.
    static Login fresh(const Provider& provider, std::string return_to);
    std::string json() const;
    /// nullopt: nothing that this plugin has written.
    static std::optional<Login> from(const std::string& json);
};

/// Where the browser is sent. `more` is added to the request. Throws sdk::Failure when a
/// request is to be pushed and cannot be. [may-block]
std::string authorization_url(const sdk::Call& call, const BackChannel& back_channel, const Provider& provider,
                              const Metadata& metadata, const Login& login, const std::string& redirect_uri,
                              const std::string& state, const flow::Pairs& more);

}  // namespace acp::oidc
