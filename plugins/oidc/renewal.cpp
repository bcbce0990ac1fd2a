// oidc: a session's upstream tokens after the login (OpenID Connect Core 12, RFC 7009).
#include "oidc/id_token.h"
#include "oidc/relying_party.h"

namespace acp::oidc {

using flow::Json;
using flow::text;
using sdk::Decision;

namespace {

/// OpenID Connect Core 12.2: the renewed token is about the same person.
void check_same(const sdk::AuthSession& session, const Json& claims, const std::string& nonce) {
    if (text(claims, "sub") != session.subject) not_believed("the renewed id_token is about somebody else");
    if (claims.contains("nonce") && text(claims, "nonce") != nonce) not_believed("the renewed id_token is of another login");
}

}  // namespace

const Provider& RelyingParty::of_session(const sdk::AuthSession& session) const {
    const Provider* provider = by_issuer(session.issuer);
    if (!provider) throw sdk::Failure(ACP_E_UNAVAILABLE, "the session's identity provider is not configured any more");
    return *provider;
}

Decision RelyingParty::renew(const sdk::Call& call, const sdk::AuthSession& session) {
    const Json before = flow::object_or_null(session.upstream_tokens_json);
    const std::string refresh_token = text(before, "refresh_token"), nonce = text(before, "nonce");
    if (refresh_token.empty()) return Decision::pass();
    const Provider& provider = of_session(session);
    const MetadataPtr known = metadata(call, provider);
    Tokens tokens;
    try {
        tokens = ask_for_tokens(call, back_channel_, provider, *known, {{"grant_type", "refresh_token"}, {"refresh_token", refresh_token}});
    } catch (const sdk::Failure& failure) {
        if (!is_invalid_grant(failure)) throw;
        return Decision::refuse("invalid_grant", "the identity provider has ended the login").audit(Json{{"provider", provider.id}}.dump());
    }
    sdk::AuthIdentity who;
    who.subject = session.subject;
    who.issuer = session.issuer;
    who.claims_json = session.claims_json;
    if (!tokens.id_token.empty()) try {
            const Json claims = believed_claims(identity_, call, now(), provider, *known, tokens, {});
            check_same(session, claims, nonce);
            who.claims_json = identity_of(provider, claims).claims_json;
        } catch (const Refused& refused) {
            // A fault of the provider's, not of the session, which stays.
            throw sdk::Failure(ACP_E_PROVIDER, refused.reason());
        }
    who.actor_kind = session.actor_kind.empty() ? "user" : session.actor_kind;
    who.organization_id = session.organization_id;
    who.upstream_session = session.upstream_session;
    // How the person proved themself has not changed by it, and when neither.
    who.acr = session.acr;
    who.auth_time_unix_s = session.auth_time_unix_s;
    who.upstream_tokens_json = kept_tokens(tokens, before, nonce, now());
    return Decision::session(std::move(who), {}, session.id).audit(Json{{"provider", provider.id}}.dump());
}

void RelyingParty::revoke(const sdk::Call& call, const sdk::AuthSession& session) {
    const std::string refresh_token = text(flow::object_or_null(session.upstream_tokens_json), "refresh_token");
    if (refresh_token.empty()) return;
    const Provider& provider = of_session(session);
    const MetadataPtr known = metadata(call, provider);
    if (known->revocation_endpoint.empty()) return;
    const sdk::HttpReply reply = back_channel_.post(call, provider, known->client_auth, known->revocation_endpoint,
                                                    {{"token", refresh_token}, {"token_type_hint", "refresh_token"}});
    if (reply.status != 200) fail_for(provider, reply);
}

}  // namespace acp::oidc
