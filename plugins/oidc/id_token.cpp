#include "oidc/id_token.h"

#include <algorithm>

#include "oidc/digest.h"
#include "oidc/refusal.h"

namespace acp::oidc {

using flow::Json;
using flow::text;

namespace {

constexpr std::size_t kSubjectBytes = 255;  // OpenID Connect Core 2

Json part_of(const std::string& token, std::size_t begin) {
    const std::size_t end = token.find('.', begin);
    if (begin == std::string::npos || end == std::string::npos) return {};
    const auto bytes = base64url_decoded(std::string_view(token).substr(begin, end - begin));
    return bytes ? flow::object_or_null(*bytes) : Json();
}

bool is_time(const Json& claims, const char* name) {
    const auto at = claims.find(name);
    return at != claims.end() && at->is_number();
}

std::int64_t time_of(const Json& claims, const char* name) {
    const auto at = claims.find(name);
    return at != claims.end() && at->is_number() ? static_cast<std::int64_t>(std::clamp(at->get<double>(), -1.0, 1e12)) : 0;
}

/// For us, and when for others too, issued to us.
void check_party(const Provider& provider, const Json& claims) {
    const auto aud = claims.find("aud"), azp = claims.find("azp");
    const bool several = aud != claims.end() && aud->is_array() && aud->size() > 1;
    if (several && azp == claims.end()) not_believed("the id_token is for several audiences and has no azp");
    if (azp != claims.end() && text(claims, "azp") != provider.credentials.client_id)
        not_believed("the id_token was issued to another client");
}

void check_access_token(const Json& claims, const Tokens& tokens) {
    const auto hash = claims.find("at_hash");
    if (hash == claims.end()) return;
    const std::string wanted = at_hash_of(text(unproven_header(tokens.id_token), "alg"), tokens.access_token);
    if (wanted.empty() || !hash->is_string() || hash->get<std::string>() != wanted)
        not_believed("the id_token is about another access token");
}

void check_times(const Json& claims, std::int64_t now) {
    if (!is_time(claims, "iat") || !is_time(claims, "exp")) not_believed("the id_token lacks iat or exp");
    if (time_of(claims, "iat") > now + kLeewaySeconds) not_believed("the id_token is of the future");
    // One of tomorrow would be recent for ever.
    const auto at = claims.find("auth_time");
    if (at == claims.end()) return;
    if (!at->is_number() || time_of(claims, "auth_time") < 0 || time_of(claims, "auth_time") > now + kLeewaySeconds)
        not_believed("the id_token's auth_time is malformed or of the future");
}

}  // namespace

Json unproven_header(const std::string& token) {
    return part_of(token, 0);
}

Json unproven_claims(const std::string& token) {
    const std::size_t dot = token.find('.');
    return dot == std::string::npos ? Json() : part_of(token, dot + 1);
}

Json believed_claims(const sdk::HostIdentity& identity, const sdk::Call& call, std::int64_t now_unix_s, const Provider& provider,
                     const Metadata& metadata, const Tokens& tokens, const std::string& nonce) {
    if (tokens.id_token.empty()) not_believed("there is no id_token");
    Json claims;
    try {
        claims = flow::object_or_null(identity.verify(call, {tokens.id_token, provider.issuer, provider.credentials.client_id,
                                                             metadata.jwks_uri, {}, nonce, provider.ca_file}));
    } catch (const sdk::Failure& failure) {
        if (failure.status() != ACP_E_DENIED) throw;
        not_believed("the id_token does not hold: " + failure.message());
    }
    // The host has compared these; what is acted on below is what it returned.
    if (text(claims, "iss") != provider.issuer) not_believed("the id_token is of another issuer");
    if (!nonce.empty() && text(claims, "nonce") != nonce) not_believed("the id_token is of another login");
    const std::string subject = text(claims, "sub");
    if (subject.empty() || subject.size() > kSubjectBytes) not_believed("the id_token's sub is missing or malformed");
    check_party(provider, claims);
    check_times(claims, now_unix_s);
    check_access_token(claims, tokens);
    return claims;
}

sdk::AuthIdentity identity_of(const Provider& provider, const Json& claims) {
    sdk::AuthIdentity who;
    who.subject = text(claims, "sub");
    who.issuer = provider.issuer;
    who.acr = provider.acr_of(claims);
    if (const auto amr = flow::texts(claims, "amr"); !amr.empty()) who.amr_json = Json(amr).dump();
    who.auth_time_unix_s = time_of(claims, "auth_time");
    who.upstream_session = text(claims, "sid");
    Json kept = claims;
    for (const char* name : {"nonce", "at_hash", "c_hash", "s_hash", "jti", "acr", "acrs", "iat", "nbf", "exp", "aio", "rh", "uti"})
        kept.erase(name);
    who.claims_json = kept.dump();
    return who;
}

}  // namespace acp::oidc
