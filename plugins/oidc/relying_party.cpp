#include "oidc/relying_party.h"

#include <algorithm>
#include <utility>

#include "oidc/digest.h"
#include "oidc/id_token.h"
#include "oidc/url.h"

namespace acp::oidc {

using flow::Json;
using flow::text;

namespace {

constexpr std::size_t kCodeBytes = 8192;

/// Mix-up (RFC 9207 section 2.4): the answer has to be of whom was asked.
void check_answerer(const sdk::AuthRequest& request, const Provider& provider, const Metadata& metadata) {
    if (request.has_param("iss")) {
        if (request.param("iss") != provider.issuer) not_believed("the answer names another issuer");
    } else if (metadata.names_issuer) {
        not_believed("the answer lacks the iss that the provider announces");
    }
}

/// The provider's error, in the house's words: its own may be anything.
[[noreturn]] void refuse_for(const std::string& error) {
    const std::string word = flow::known_error(error);
    const bool away = word == "temporarily_unavailable" || word == "server_error";
    throw Refused(word == "another error" ? "access_denied" : word, away ? 503 : 403,
                  "the identity provider did not log you in (" + word + ")", "the provider answers " + word);
}

}  // namespace

RelyingParty::RelyingParty(const sdk::Host& host, std::vector<Provider> providers, std::string redirect_uri)
    : host_(host), identity_(host_), providers_(std::move(providers)), redirect_uri_(std::move(redirect_uri)),
      back_channel_(host_, identity_), metadata_(host_, back_channel_, providers_) {}

const Provider* RelyingParty::by_id(std::string_view id) const noexcept {
    const auto at = std::find_if(providers_.begin(), providers_.end(), [&](const Provider& p) { return p.id == id; });
    return at == providers_.end() ? nullptr : &*at;
}

const Provider* RelyingParty::by_issuer(std::string_view issuer) const noexcept {
    const auto at = std::find_if(providers_.begin(), providers_.end(), [&](const Provider& p) { return p.issuer == issuer; });
    return at == providers_.end() ? nullptr : &*at;
}

sdk::Decision RelyingParty::begin(const sdk::Call& call, const sdk::AuthRequest& request, const Provider& provider, const Login& login,
                                  const flow::Pairs& more) {
    if (request.next_state.empty()) throw sdk::Failure(ACP_E_UNSUPPORTED, "this host gives no state for a redirect");
    const MetadataPtr known = metadata(call, provider);
    std::string url = authorization_url(call, back_channel_, provider, *known, login, redirect_uri_, request.next_state, more);
    return sdk::Decision::redirect(std::move(url), login.json()).audit(Json{{"provider", provider.id}}.dump());
}

Arrival RelyingParty::complete(const sdk::Call& call, const sdk::AuthRequest& request) {
    auto login = Login::from(request.state_json);
    const Provider* provider = login ? by_id(login->provider) : nullptr;
    if (!provider)
        throw Refused("invalid_request", 400, "this login is not known here, has been answered before or took too long: log in again");
    try {
        return arrive(call, request, *provider, std::move(*login));
    } catch (Refused& refused) {
        refused.by(provider->id);
        throw;
    }
}

Arrival RelyingParty::arrive(const sdk::Call& call, const sdk::AuthRequest& request, const Provider& provider, Login login) {
    const MetadataPtr known = metadata(call, provider);
    check_answerer(request, provider, *known);
    if (request.has_param("error")) refuse_for(request.param("error"));
    const std::string code = request.param("code");
    if (code.empty() || code.size() > kCodeBytes) throw Refused("invalid_request", 400, "the identity provider's answer has no code");
    Tokens tokens;
    try {
        tokens = ask_for_tokens(call, back_channel_, provider, *known,
                                {{"grant_type", "authorization_code"}, {"code", code}, {"redirect_uri", redirect_uri_}, {"code_verifier", login.verifier}});
    } catch (const sdk::Failure& failure) {
        if (!is_invalid_grant(failure)) throw;
        not_believed("the provider does not take the code");
    }
    Arrival out{&provider, std::move(login), {}, {}};
    out.claims = believed_claims(identity_, call, now(), provider, *known, tokens, out.login.nonce);
    out.who = identity_of(provider, out.claims);
    out.who.upstream_tokens_json = kept_tokens(tokens, {}, out.login.nonce, now());
    return out;
}

std::string RelyingParty::end_session_url(const sdk::Call& call, const sdk::AuthSession& session, const std::string& back_to) {
    const Provider* provider = by_issuer(session.issuer);
    if (!provider) return {};
    MetadataPtr known;
    try {
        known = metadata(call, *provider);
    } catch (const sdk::Failure&) {
        return {};  // the session here ends whether or not its provider can be reached
    }
    const std::string& client_id = provider->credentials.client_id;
    if (!known->end_session_endpoint.empty())
        return with_query(known->end_session_endpoint,
                          flow::form_body({{"id_token_hint", text(flow::object_or_null(session.upstream_tokens_json), "id_token")},
                                           {"client_id", client_id},
                                           {"post_logout_redirect_uri", back_to},
                                           {"state", back_to.empty() ? std::string() : fresh_secret()}}));
    if (provider->kind != Kind::auth0) return {};
    // Auth0's own way, for tenants that do not offer the standard's.
    std::string base = provider->issuer;
    if (!base.ends_with('/')) base += '/';
    return with_query(base + "v2/logout", flow::form_body({{"client_id", client_id}, {"returnTo", back_to}}));
}

std::string kept_tokens(const Tokens& fresh, const Json& before, const std::string& nonce, std::int64_t now_unix_s) {
    const auto newer = [&](const std::string& value, const char* name) { return value.empty() ? text(before, name) : value; };
    Json out = Json::object();
    for (const auto& [name, value] : {std::pair<const char*, std::string>{"id_token", newer(fresh.id_token, "id_token")},
                                      {"refresh_token", newer(fresh.refresh_token, "refresh_token")},
                                      {"nonce", nonce}})
        if (!value.empty()) out[name] = value;
    if (fresh.expires_in > 0) out["expires_at"] = now_unix_s + std::min<std::int64_t>(fresh.expires_in, 31'536'000);
    return out.dump();
}

}  // namespace acp::oidc
