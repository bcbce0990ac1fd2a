// oidc: a relying party of OpenID Connect: what the flows bff and stepup are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "oidc/authorization.h"
#include "oidc/metadata.h"
#include "oidc/provider.h"
#include "oidc/refusal.h"
#include "oidc/token_answer.h"

namespace acp::oidc {

/// A login that came back and is believed.
struct Arrival {
    const Provider* provider;
    Login login;
    flow::Json claims;
    sdk::AuthIdentity who;  ///< with the upstream's tokens
};

/// [any-thread]; all but the look-ups [may-block]. Throws sdk::Failure for an outage, Refused
/// for a "no".
class RelyingParty {
public:
    /// `redirect_uri` is the address of the callback.
    RelyingParty(const sdk::Host& host, std::vector<Provider> providers, std::string redirect_uri);
    RelyingParty(const RelyingParty&) = delete;
    RelyingParty& operator=(const RelyingParty&) = delete;

    const Provider* by_id(std::string_view id) const noexcept;
    const Provider* by_issuer(std::string_view issuer) const noexcept;
    const std::vector<Provider>& providers() const noexcept { return providers_; }
    const sdk::HostIdentity& identity() const noexcept { return identity_; }
    std::int64_t now() const { return unix_now_s(host_); }

    /// The way to the provider; `more` is added to the request.
    sdk::Decision begin(const sdk::Call& call, const sdk::AuthRequest& request, const Provider& provider, const Login& login,
                        const flow::Pairs& more = {});
    /// The way back: everything between the callback's parameters and a believed identity.
    Arrival complete(const sdk::Call& call, const sdk::AuthRequest& request);

    /// For AuthFlow::renew and AuthFlow::ended.
    sdk::Decision renew(const sdk::Call& call, const sdk::AuthSession& session);
    void revoke(const sdk::Call& call, const sdk::AuthSession& session);

    /// Where the session ends at its provider, too (RP-Initiated Logout 1.0); empty: nowhere.
    std::string end_session_url(const sdk::Call& call, const sdk::AuthSession& session, const std::string& back_to);

    MetadataPtr metadata(const sdk::Call& call, const Provider& provider) { return metadata_.of(call, provider); }

    /// Runs `step`; what it refuses becomes the decision.
    template <typename Step>
    static sdk::Decision answered(Step&& step) {
        try {
            return step();
        } catch (const Refused& refused) {
            return refused.decision();
        }
    }

private:
    Arrival arrive(const sdk::Call& call, const sdk::AuthRequest& request, const Provider& provider, Login login);
    const Provider& of_session(const sdk::AuthSession& session) const;

    const sdk::Host host_;
    const sdk::HostIdentity identity_;
    const std::vector<Provider> providers_;
    const std::string redirect_uri_;
    const BackChannel back_channel_;
    MetadataCache metadata_;
};

/// upstream_tokens_json of a session: id_token, refresh_token, expires_at, nonce. `before` has
/// what stays when nothing newer came; may be empty. A secret.
std::string kept_tokens(const Tokens& fresh, const flow::Json& before, const std::string& nonce, std::int64_t now_unix_s);

}  // namespace acp::oidc
